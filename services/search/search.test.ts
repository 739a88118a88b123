/** The search: what it tries, how it judges, and that it goes on after a kill, and over several workers, to the same numbers. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { z } from 'zod';
import { systemClock } from '#libs/clock/clock.ts';
import { migrate } from '#libs/store/migrate.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { startHttpFront } from '#libs/store/testing/http-front.ts';
import { readTrials, type TrialRow } from '#libs/store/trials.ts';
import { DOWN, FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { sourceSchema } from '#services/training/candle-source.ts';
import { prepareGround } from './ground.ts';
import { scoreOf } from './score.ts';
import { budgetsOf, runSearch, sizesOf } from './service.ts';
import { candlesCsv, UNTIL } from './testing/candles.ts';
import { configurationsOf, DEFAULT_SPACE, idOf, KINDS, readSpace } from './space.ts';

const PATIENCE = 120_000;
const MINUTE = 60_000;
const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let folder: string;
let history: string;
let space: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-search-test-'));
  history = join(folder, 'candles.csv');
  space = join(folder, 'space.json');
  await writeFile(history, candlesCsv());
  const trees = { trees: [5, 10], leaves: [4], learningRate: [0.1], l2: [20], columnShare: [0.3], inputs: [40], leafRows: [20] };
  await writeFile(space, JSON.stringify({ logistic: { inputs: [20], inverseL2: [1e-4, 1e-3, 1e-2, 1e-1] }, trees }));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the space', () => {
  test.each(KINDS)('every default configuration of %s is right, once, and the seed decides which are drawn', (kind) => {
    const all = configurationsOf(DEFAULT_SPACE, kind, Infinity, 1);
    const count = Object.values(DEFAULT_SPACE[kind]).reduce((product, values) => product * values.length, 1);
    expect(new Set(all.map(idOf)).size).toBe(count);
    expect(all).toHaveLength(count);
    const drawn = configurationsOf(DEFAULT_SPACE, kind, 5, 1);
    expect(drawn).toHaveLength(5);
    expect(configurationsOf(DEFAULT_SPACE, kind, 5, 1)).toEqual(drawn);
    expect(configurationsOf(DEFAULT_SPACE, kind, 5, 2)).not.toEqual(drawn);
  });

  test.each([
    ['no JSON', '{'],
    ['no such kind', '{"forest": {"leaves": [8]}}'],
    ['no such setting', '{"trees": {"depth": [8]}}'],
    ['no values', '{"trees": {"leaves": []}}'],
    ['a width that heads do not divide', '{"transformer": {"width": [30]}}'],
  ])('is refused with %s', async (_, text) => {
    const file = join(folder, 'wrong.json');
    await writeFile(file, text);
    const all = async () => {
      const read = await readSpace(file);
      return KINDS.map((kind) => configurationsOf(read, kind, Infinity, 1));
    };
    await expect(all()).rejects.toMatchObject({ code: 'TRB_SEARCH_SPACE' });
  });

  test('halving: a third goes on with three times as much', () => {
    const plan = { method: 'halving', rungs: 3, eta: 3 } as const;
    expect(budgetsOf(plan)).toEqual([1 / 9, 1 / 3, 1].map((share) => expect.closeTo(share, 12)));
    expect(sizesOf(27, 3, 3)).toEqual([27, 9, 3]);
    expect(sizesOf(2, 3, 3)).toEqual([2, 1, 1]);
    expect(budgetsOf({ ...plan, method: 'grid' })).toEqual([1]);
  });
});

test('a score is of moves, returns are of all decisions, and silence earns nothing', () => {
  const t = Float64Array.of(0, MINUTE, 2 * MINUTE, 3 * MINUTE, 4 * MINUTE, 100 * MINUTE);
  const table = { venue: 'kraken', instrument: 'BTC-USD', columns: [], t, values: new Float32Array() };
  // Kraken: 40 bps fee and 0.5 bps half spread, in and out.
  const data = {
    ...({ table, horizon: '1m', target: 'entry' } as const),
    y: Int8Array.of(UP, DOWN, FLAT, VOID, UP, DOWN),
    size: Float64Array.of(0.02, 0.01, 0, NaN, 0.03, 0.01),
  };
  const probabilities = Float64Array.of(0.8, 0.6, 0.7, 0.9, 0.25, 0.5);
  const score = scoreOf([{ data, rows: Int32Array.of(0, 1, 2, 3, 4, 5), probabilities }]);
  // Up at 200 bps, silent, up in a flat minute, (void), down where it rose 300 bps: the first hour; silence in the second.
  const net = 200 - 300 - 3 * 81;
  expect(score).toEqual({
    ...{ moves: 4, decisions: 5, signals: 3, hours: 2, coverageAt68: 0 },
    logLoss: expect.closeTo(-(Math.log(0.8) + Math.log(0.4) + Math.log(0.25) + Math.log(0.5)) / 4, 12),
    brier: expect.closeTo((0.04 + 0.36 + 0.5625 + 0.25) / 4, 12),
    accuracy: expect.closeTo(2 / 4, 12),
    netMeanBps: expect.closeTo(net / 2, 9),
    netDeviationBps: expect.closeTo(-net / 2, 9),
    // One hour of two: mean over deviation (n - 1).
    grossSharpe: expect.closeTo(-Math.SQRT1_2, 12),
    netSharpe: expect.closeTo(-Math.SQRT1_2, 12),
  });
});

describe('a search', () => {
  const rungs = ['--rungs', '2', '--eta', '2', '--models', 'logistic,trees', '--seed', '1'];
  const args = (store: string): string[] => [
    ...[join(ROOT, 'bin/tributary.js'), 'search', '--history', history, '--until', new Date(UNTIL).toISOString()],
    ...['--store', store, '--space', space, ...rungs],
  ];
  /** 4 configurations of logistic regression and 2 of trees, then half of them, on two folds. */
  const TRIALS = (4 + 2 + 2 + 1) * 2;
  let finished: TrialRow[];

  test(
    'that is killed goes on where it was: no finished trial is run again',
    async () => {
      const store = join(folder, 'killed');
      const child = spawn(process.execPath, args(store), { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface({ input: child.stdout })) if (line.includes('search 25 %')) child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
      const before = (await stored(store)).trials;
      expect(before.length).toBeGreaterThanOrEqual(TRIALS / 4);
      expect(before.length).toBeLessThan(TRIALS);

      const table = await tableOf(args(store));
      const { trials, rows } = await stored(store);
      finished = trials;
      expect([trials.length, rows]).toEqual([TRIALS, TRIALS]);
      expect(trials).toEqual(expect.arrayContaining(before));
      expect(trials.every(({ status, logLoss, moves }) => status === 'done' && logLoss > 0 && moves > 100)).toBe(true);
      // The table: a header, two of logistic regression and one of trees, each at the whole budget.
      expect(table.slice(2).map((line) => /"model":"\w+"/.exec(line)?.[0])).toEqual([
        ...['"model":"logistic"', '"model":"logistic"', '"model":"trees"'],
      ]);
      const losses = table.slice(2, 4).map((line) => Number(line.trim().split(/\s+/)[0]));
      expect(losses[0]).toBeLessThanOrEqual(losses[1]!);
      // Nothing is left to do.
      expect(await tableOf(args(store))).toEqual(table);
      expect((await stored(store)).trials).toEqual(trials);
    },
    PATIENCE,
  );

  test(
    'that two share comes to the same numbers, each trial done once; alone, one does the other’s in the end',
    async () => {
      const shared = {
        ...({ horizons: ['1m'], target: 'entry', folds: 2, seed: 1, onProgress: () => undefined } as const),
        signal: new AbortController().signal,
      };
      const { ground } = await prepareGround(sourceSchema.parse({ history, until: UNTIL }), shared);
      const plan = {
        ...({ kinds: ['logistic', 'trees'], method: 'halving', most: 27, rungs: 2, eta: 2, folds: 2, seed: 1 } as const),
        space: await readSpace(space),
      };
      const front = await startHttpFront(join(folder, 'shared'));
      const store = await openStore({ url: front.url, database: 'default' });
      try {
        await migrate(store);
        const search = (searchId: string, index: number, patienceMs: number) =>
          runSearch({
            ...{ ...shared, plan, ground, searchId, store, clock: systemClock, patienceMs },
            ...{ worker: { index, of: 2 }, fitter: { workers: 0, device: 'cpu' } },
          });
        const { searchId } = finished[0]!;
        const [one, other] = await Promise.all([search(searchId, 0, 600_000), search(searchId, 1, 600_000)]);
        expect(one).toEqual(other);
        const trials = await readTrials(store, searchId);
        expect(await rowsOf(store)).toBe(TRIALS);
        expect(trials.filter(({ worker }) => worker === '0/2')).toHaveLength(TRIALS / 2);
        expect(trials.map(numbers)).toEqual(finished.map(numbers));

        const alone = await search('alone', 1, 0);
        expect(alone.map(({ logLoss }) => logLoss)).toEqual(one.map(({ logLoss }) => logLoss));
      } finally {
        await store.close();
        await front.stop();
      }
    },
    PATIENCE,
  );

  test('says what it lacks', async () => {
    const { stderr } = await run(
      process.execPath,
      args(join(folder, 'none')).filter((arg) => arg !== '--store' && !arg.endsWith('none')),
    ).catch((thrown: unknown) => thrown as { readonly stderr: string });
    expect(stderr).toContain('TRB_USAGE');
  });
});

/** What it prints beside its log. */
async function tableOf(args: readonly string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, args);
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
}

/** What does not depend on when and by whom it was done. */
function numbers(trial: TrialRow): object {
  return { ...trial, worker: '', started: 0, tookSeconds: 0 };
}

async function stored(path: string): Promise<{ readonly trials: TrialRow[]; readonly rows: number }> {
  const store = await openStore({ path });
  try {
    const [found] = await store.query('SELECT any(search_id) AS id FROM trials', z.object({ id: z.string() }));
    return { trials: await readTrials(store, found!.id), rows: await rowsOf(store) };
  } finally {
    await store.close();
  }
}

async function rowsOf(store: Store): Promise<number> {
  return (await store.query('SELECT count() AS n FROM trials', z.object({ n: z.number() })))[0]!.n;
}
