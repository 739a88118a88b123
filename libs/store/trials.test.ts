/** Trials of searches, summed up on the embedded ClickHouse. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { migrate } from './migrate.ts';
import { openStore } from './open.ts';
import { type Store } from './port.ts';
import { insertTrial, summariseTrials, type TrialRow } from './trials.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-trials-store-'));
let store: Store;
beforeAll(async () => {
  store = await openStore({ path: join(folder, 'store') });
  await migrate(store);
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const trial = (
  searchId: string,
  trialId: string,
  budget: number,
  fold: number,
  sharpe: number,
  more: Partial<TrialRow> = {},
): TrialRow => ({
  ...{ searchId, trialId, model: 'trees', config: '{}', budget, fold, seed: 1, status: 'done', error: '' },
  ...{ moves: 1, logLoss: 0.6, brier: 0.2, accuracy: 0.6, coverageAt68: 0, decisions: 1, signals: 1, hours: 1 },
  ...{ netMeanBps: 0, netDeviationBps: 1, grossSharpe: sharpe, netSharpe: sharpe - 1, worker: '0/1', started: 0, tookSeconds: 1 },
  ...more,
});

test('every configuration of every search is one trial, of the mean of its folds at its largest budget', async () => {
  expect(await summariseTrials(store)).toEqual({ count: 0, variance: { gross: undefined, net: undefined } });
  await insertTrial(store, trial('s', 'a', 1, 0, 0.1));
  await insertTrial(store, trial('s', 'a', 1, 1, 0.3));
  // Where it began: not what it came to.
  await insertTrial(store, trial('s', 'a', 0.1, 0, 9));
  expect((await summariseTrials(store)).variance).toEqual({ gross: undefined, net: undefined });
  await insertTrial(store, trial('s', 'b', 1, 0, 0.6));
  // The same configuration in another search; a fold without a ratio; one that failed.
  await insertTrial(store, trial('z', 'a', 1, 0, 0.4));
  await insertTrial(store, trial('z', 'a', 1, 1, Number.NaN));
  await insertTrial(store, trial('z', 'c', 1, 0, Number.NaN, { status: 'failed', error: 'it broke' }));
  // Done twice, it is one.
  await insertTrial(store, trial('z', 'a', 1, 0, 0.4, { worker: '1/2' }));
  const { count, variance } = await summariseTrials(store);
  expect(count).toBe(4);
  // Of 0.2, 0.6 and 0.4.
  expect(variance.gross).toBeCloseTo(0.04, 12);
  expect(variance.net).toBeCloseTo(0.04, 12);
});
