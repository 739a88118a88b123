/**
 * Does error rise with the distance from the training data, and of whose inputs should it be? Prints it for the inner folds of a candle file up to UNTIL:
 * what comes after is not looked at. `node --import tsx services/training/measure-unfamiliarity.ts FILE UNTIL`
 */
import { loadCandles } from '#libs/history/candles.ts';
import { distancesFrom } from '#libs/models/distribution.ts';
import { parseInput } from '#libs/models/inputs.ts';
import { UP } from '#libs/validation/labels.ts';
import { innerFolds } from '#libs/validation/splits.ts';
import { createNetworkPool } from './deep/network-pool.ts';
import { LSTM_RECIPE, TENSORFLOW_THREADS } from './deep/network-recipes.ts';
import { createSharedMembers } from './deep/shared-members.ts';
import { isTensorflowStaged } from './deep/tensorflow.ts';
import { createFitPool } from './fit-pool.ts';
import { headData, isMove, trainingRows } from './head-data.ts';
import { foldCandles } from './history.ts';
import { createPooledMembers, joinHeads } from './pooled-members.ts';
import { FULL_RECIPE } from './recipes.ts';
import { FIRST_SHARE, INNER_PARTS, predictFold, seriesOf } from './train.ts';

/** Upper ends of the bands, as shares of the decisions in order of their distance. */
const BANDS = [0.5, 0.9, 0.99, 0.995, 1];
/** What it chooses to read does not depend on how long it learns. */
const UNTRAINED = { ...LSTM_RECIPE, options: { ...LSTM_RECIPE.options, epochs: 0 } };

interface Known {
  /** By list of inputs. */
  readonly distances: Readonly<Record<string, number>>;
  readonly isRight: number;
  readonly brier: number;
}

const [file, until] = process.argv.slice(2);
if (file === undefined || until === undefined) throw new Error('usage: measure-unfamiliarity.ts FILE UNTIL');
const end = Date.parse(until);
const { rows } = await loadCandles(file);
const history = await foldCandles(
  rows.filter(({ start }) => start < end),
  {},
);
const datas = history.tables.map((table) => headData(table, seriesOf(history.series, table), '1m', 'entry'));
const joint = joinHeads(datas.map((data) => [data]));
const pool = createFitPool([...history.tables, joint[0]!.table], 0);
const pooled = createPooledMembers({ pool, place: datas.length, heads: joint, recipe: FULL_RECIPE.pooled!, seed: 1 });
const networks = isTensorflowStaged() ? createNetworkPool(history.tables, { threads: TENSORFLOW_THREADS }) : undefined;
const known: Known[] = [];
for (const [place, data] of datas.entries()) {
  const { table } = data;
  const folds = innerFolds(table.t[0]!, end, FIRST_SHARE, INNER_PARTS);
  const shared =
    networks &&
    (await createSharedMembers([UNTRAINED], { pool: networks, place, heads: [data], folds, seed: 1, onFit: () => undefined }));
  for (const fold of folds) {
    const part = await predictFold(place, data, fold, { pool, recipe: FULL_RECIPE, pooled }, 1);
    const own = part.fitted.inputs;
    const withPooled = [...new Set([...own, ...(await pooled.fit(fold.trainTo, data)).inputs])];
    const deep = (await shared?.networks(fold.trainTo))?.flatMap(({ inputs }) => inputs);
    const lists = {
      own,
      'own and pooled': withPooled,
      ...(deep && { 'own, pooled and networks': [...new Set([...withPooled, ...deep])] }),
    };
    process.stderr.write(
      `${table.venue} ${new Date(fold.trainTo).toISOString()}: ${Object.values(lists)
        .map(({ length }) => length)
        .join(', ')} inputs\n`,
    );
    const trained = trainingRows(data, fold);
    const distances = Object.entries(lists).map(([name, inputs]) => {
      return [name, distancesFrom(trained, table, inputs.map(parseInput), part.rows)] as const;
    });
    part.rows.forEach((row, i) => {
      if (!isMove(data, row)) return;
      const p = part.predictions.reduce((sum, member) => sum + member[i]! / part.predictions.length, 0);
      const up = Number(data.y[row] === UP);
      known.push({
        distances: Object.fromEntries(distances.map(([name, each]) => [name, each[i]!])),
        isRight: Number(p > 0.5 === (up === 1)),
        brier: (p - up) ** 2,
      });
    });
  }
}
await Promise.all([pool.close(), networks?.close()]);
for (const name of Object.keys(known[0]?.distances ?? {})) {
  process.stdout.write(`inputs of: ${name}\ndecisions in order of distance | moves | distance | accuracy | Brier score\n`);
  known.sort((a, b) => a.distances[name]! - b.distances[name]!);
  const mean = (some: readonly Known[], of: (one: Known) => number): string =>
    (some.reduce((sum, one) => sum + of(one), 0) / some.length).toFixed(4);
  BANDS.forEach((to, band) => {
    const from = BANDS[band - 1] ?? 0;
    const some = known.slice(Math.floor(from * known.length), Math.floor(to * known.length));
    const cells = [
      some.length,
      mean(some, (one) => one.distances[name]!),
      mean(some, (one) => one.isRight),
      mean(some, (one) => one.brier),
    ];
    process.stdout.write(`${from * 100}–${to * 100} % | ${cells.join(' | ')}\n`);
  });
}
