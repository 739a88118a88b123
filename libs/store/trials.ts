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

/** All trials that any search ever ran. */
export interface TrialSummary {
  /** Configurations by search, those that failed among them. */
  readonly count: number;
  /** Of their Sharpe ratios per hour, each trial's the mean of its folds at its largest budget; undefined where less than two have one. */
  readonly variance: { readonly gross: number | undefined; readonly net: number | undefined };
}

export async function summariseTrials(store: Store): Promise<TrialSummary> {
  const of = (column: string): string => `avgIf(${column}, isFinite(${column}))`;
  const [summary] = await store.query(
    `SELECT count() AS count, varSampIf(gross, isFinite(gross)) AS gross, varSampIf(net, isFinite(net)) AS net
    FROM (
      SELECT argMax(gross, budget) AS gross, argMax(net, budget) AS net
      FROM (
        SELECT search_id, trial_id, budget, ${of('gross_sharpe')} AS gross, ${of('net_sharpe')} AS net
        FROM trials FINAL GROUP BY search_id, trial_id, budget
      )
      GROUP BY search_id, trial_id
    )`,
    z.object({ count: z.coerce.number(), gross: number, net: number }),
  );
  const { count, gross, net } = summary!;
  const known = (variance: number): number | undefined => (Number.isFinite(variance) ? variance : undefined);
  return { count, variance: { gross: known(gross), net: known(net) } };
}
