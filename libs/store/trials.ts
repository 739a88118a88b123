/** Trials of model searches in the store (migrations/0005-trials.sql says what the columns mean). */
import { z } from 'zod';
import { type Store } from './port.ts';

/** NaN comes back as null. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const Row = z.object({
  searchId: z.string(),
  trialId: z.string(),
  model: z.string(),
  config: z.string(),
  budget: z.number(),
  fold: z.number(),
  seed: z.number(),
  status: z.enum(['done', 'failed']),
  error: z.string(),
  moves: z.number(),
  logLoss: number,
  brier: number,
  accuracy: number,
  coverageAt68: number,
  decisions: z.number(),
  signals: z.number(),
  hours: z.number(),
  netMeanBps: number,
  netDeviationBps: number,
  grossSharpe: number,
  netSharpe: number,
  worker: z.string(),
  /** Milliseconds. */
  started: z.number(),
  tookSeconds: z.number(),
});
export type TrialRow = Readonly<z.output<typeof Row>>;

const NAMES = Object.keys(Row.shape) as (keyof TrialRow)[];
/** `logLoss` -> `log_loss`, `coverageAt68` -> `coverage_at_68`. */
const columnOf = (name: string): string => name.replaceAll(/[A-Z]|(?<=[a-z])\d+/g, (part) => `_${part.toLowerCase()}`);

export async function insertTrial(store: Store, trial: TrialRow): Promise<void> {
  const token = `${trial.searchId}/${trial.trialId}/${trial.budget}/${trial.fold}`;
  await store.insert('trials', NAMES.map(columnOf), [NAMES.map((name) => trial[name])], token);
}

/** Of one search, by trial, budget and fold. */
export function readTrials(store: Store, searchId: string): Promise<TrialRow[]> {
  const columns = NAMES.map((name) =>
    name === 'started' ? 'toUnixTimestamp64Milli(trials.started) AS started' : `${columnOf(name)} AS ${name}`,
  );
  return store.query(
    `SELECT ${columns.join(', ')} FROM trials FINAL WHERE search_id = {searchId:String} ORDER BY trial_id, budget, fold`,
    Row,
    { searchId },
  );
}
