/** What a backtest of the fast lane is asked. */
import { z } from 'zod';
import { FAST_HORIZONS, type Horizon } from '#libs/market/horizon.ts';
import { type EnsembleOptions } from '#libs/models/decide.ts';
import { commonOptions, list, parseHorizonsOf, parseTime, wrong } from '../options.ts';

const rawSchema = z.strictObject({
  ...commonOptions,
  lane: z.literal('fast'),
  history: z.string().min(1).describe('Tick file: .csv, .csv.gz or .parquet.'),
  trainUntil: z.string().optional().describe('ISO time, UTC: the first decision that is tested.'),
  trainShare: z.coerce
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe('In place of trainUntil: the share of the recorded time that trains, for instance 0.6.'),
  horizons: z.string().default('1s,2s,5s,10s').describe('Of 1s, 2s, 5s, 10s. Default all.'),
  delay: z.coerce
    .number()
    .min(0)
    .max(999)
    .default(0)
    .describe('Milliseconds after the decision at which the price is taken that its move is measured from. Default 0.'),
  symbols: z.string().optional().describe('BASE-QUOTE list. Default: every one with quotes.'),
  venues: z.string().optional().describe('Default: every one with quotes.'),
});

export type RawFastBacktestOptions = z.input<typeof rawSchema>;

export interface FastBacktestOptions {
  readonly history: string;
  /** Where the test begins: a time in milliseconds, or the share of the recorded time before it. */
  readonly trainUntil: { readonly time: number } | { readonly share: number };
  readonly horizons: readonly Horizon[];
  /** Milliseconds. */
  readonly delay: number;
  readonly report: string | undefined;
  readonly predictions: string | undefined;
  readonly symbols: readonly string[] | undefined;
  readonly venues: readonly string[] | undefined;
  readonly seed: number;
  readonly workers: number | undefined;
  readonly ensemble: EnsembleOptions;
}

/** Throws `TRB_BACKTEST_OPTIONS`, `TRB_UNKNOWN_HORIZON`. */
export function parseFastBacktestOptions(raw: unknown): FastBacktestOptions {
  const parsed = rawSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const hint =
      'Of --lane fast there are: history, train-share or train-until, horizons, delay, report, predictions, symbols, venues, seed, workers, combine, calibration.';
    throw wrong(`${issue?.path.join('.') ?? 'option'}: ${issue?.message ?? 'not valid'}`, hint);
  }
  const { data } = parsed;
  return {
    history: data.history,
    trainUntil: parseSplit(data.trainUntil, data.trainShare),
    horizons: parseHorizonsOf(data.horizons, FAST_HORIZONS, 'ticks'),
    delay: data.delay,
    report: data.report,
    predictions: data.predictions,
    symbols: list(data.symbols),
    venues: list(data.venues),
    seed: data.seed,
    workers: data.workers,
    ensemble: { combination: data.combine, calibration: data.calibration, dropUseless: false, mirrored: false },
  };
}

function parseSplit(until: string | undefined, share: number | undefined): FastBacktestOptions['trainUntil'] {
  if (until !== undefined && share === undefined) return { time: parseTime(until) };
  if (until === undefined && share !== undefined) return { share };
  throw wrong('the test needs one begin, --train-until or --train-share', 'For instance --train-share 0.6.');
}
