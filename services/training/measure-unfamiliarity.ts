/**
 * Does error rise with the distance from the training data? Prints it for the inner folds of a candle file up to UNTIL: what comes after is not looked
 * at. `node --import tsx services/training/measure-unfamiliarity.ts FILE UNTIL`
 */
import { loadCandles } from '#libs/history/candles.ts';
import { innerFolds } from '#libs/validation/splits.ts';
import { createFitPool } from './fit-pool.ts';
import { headData } from './head-data.ts';
import { foldCandles } from './history.ts';
import { QUICK_RECIPE } from './recipes.ts';
import { FIRST_SHARE, INNER_PARTS, outOfFold, seriesOf } from './train.ts';

/** Upper ends of the bands, as shares of the decisions in order of their distance. */
const BANDS = [0.5, 0.9, 0.99, 0.995, 1];

const [file, until] = process.argv.slice(2);
if (file === undefined || until === undefined) throw new Error('usage: measure-unfamiliarity.ts FILE UNTIL');
const end = Date.parse(until);
const { rows } = await loadCandles(file);
const history = await foldCandles(
  rows.filter(({ start }) => start < end),
  {},
);
const pool = createFitPool(history.tables, 0);
const known: { distance: number; isRight: number; brier: number }[] = [];
for (const [place, table] of history.tables.entries()) {
  const data = headData(table, seriesOf(history.series, table), '1m', 'entry');
  const folds = innerFolds(table.t[0]!, end, FIRST_SHARE, INNER_PARTS);
  const seen = await outOfFold(place, data, folds, { pool, recipe: QUICK_RECIPE }, 1, end);
  const members = seen.predictions.length;
  for (let i = 0; i < seen.up.length; i++) {
    const p = seen.predictions.reduce((sum, member) => sum + member[i]! / members, 0);
    known.push({ distance: seen.distances![i]!, isRight: Number(p > 0.5 === (seen.up[i] === 1)), brier: (p - seen.up[i]!) ** 2 });
  }
}
await pool.close();
known.sort((a, b) => a.distance - b.distance);
const mean = (some: typeof known, of: (one: (typeof known)[number]) => number): string =>
  (some.reduce((sum, one) => sum + of(one), 0) / some.length).toFixed(4);
process.stdout.write('decisions in order of distance | moves | distance | accuracy | Brier score\n');
BANDS.forEach((to, band) => {
  const from = BANDS[band - 1] ?? 0;
  const some = known.slice(Math.floor(from * known.length), Math.floor(to * known.length));
  const name = `${from * 100}–${to * 100} %`;
  process.stdout.write(
    `${name} | ${some.length} | ${mean(some, (one) => one.distance)} | ${mean(some, (one) => one.isRight)} | ${mean(some, (one) => one.brier)}\n`,
  );
});
