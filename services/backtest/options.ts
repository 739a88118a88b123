/** What a backtest is asked: validated once, before anything is read. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { CATEGORIES, type Category } from '#libs/features/declaration.ts';
import { type Horizon, SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type EnsembleOptions } from '#libs/models/decide.ts';
import { type CandleTarget } from '#libs/validation/labels.ts';
import { type TrialSummary } from '#libs/store/trials.ts';
import { type TrialsElsewhere } from './trials.ts';

/** Of both lanes. */
export const commonOptions = {
  report: z.string().min(1).optional().describe('JSON report. Default: none is written.'),
  predictions: z.string().min(1).optional().describe('CSV of every decision. Default: none is written.'),
  seed: z.coerce.number().int().nonnegative().default(1).describe('Default 1.'),
  workers: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe('Training threads; 0 = in the main one. Default: cores, at most 4.'),
  combine: z.enum(['vote', 'stacking', 'majority']).default('vote').describe('From members to one probability. Default vote.'),
  calibration: z
    .enum(['best', 'platt', 'beta', 'isotonic'])
    .default('best')
    .describe('best = the better of Platt and isotonic. Default best.'),
};

/** As a person gives them: text, lists separated by commas. */
const rawSchema = z.strictObject({
  ...commonOptions,
  history: z.string().min(1).describe('Candle file: .csv, .csv.gz or .parquet.'),
  context: z.string().min(1).optional().describe('File of context values. Default: none are known.'),
  trainUntil: z.string().describe('ISO time, UTC: the first decision that is tested. What came before trains.'),
  retrainEvery: z.string().default('2d').describe('Length of a test fold, such as 12h or 2d. Default 2d.'),
  horizons: z.string().default('1m,5m').describe('Of 1m, 5m, 15m. Default 1m,5m.'),
  symbols: z.string().optional().describe('BASE-QUOTE list. Default: every one quoted in USD.'),
  venues: z.string().optional().describe('Default: every one in the file.'),
  without: z.string().optional().describe('Feature categories switched off, of A,B,C,D,E,X. Default: none.'),
  onlyVenues: z.string().optional().describe('Candles of other venues are left out altogether. Default: none are.'),
  html: z.string().min(1).optional().describe('Report as one HTML page. Default: none is written.'),
  models: z
    .enum(['fast', 'all'])
    .default('fast')
    .describe('fast = trees and logistic regression; all = LSTM and Transformer too, beside the incumbent. Default fast.'),
  validation: z
    .enum(['walk-forward', 'combinatorial'])
    .default('walk-forward')
    .describe(
      'combinatorial = every choice of groups is tested by models of the others, before --train-until alone. Default walk-forward.',
    ),
  groups: z.coerce.number().int().min(3).max(16).default(6).describe('Of combinatorial validation. Default 6.'),
  testGroups: z.coerce.number().int().min(1).default(2).describe('Groups that are tested at once. Default 2.'),
  embargo: z.string().default('1h').describe('Time left out on both sides of a tested group, such as 1h. Default 1h.'),
  ledger: z.string().min(1).optional().describe('Every trial, a line each; this run adds its own. Default: none is kept.'),
  trials: z
    .string()
    .optional()
    .describe('N or N,VARIANCE: trials that no ledger holds, and the variance of their hourly Sharpe ratios.'),
  quick: z.boolean().default(false).describe('Smaller models, less accurate. Default false.'),
});

export type RawBacktestOptions = z.input<typeof rawSchema>;

export interface BacktestOptions {
  readonly history: string;
  readonly context: string | undefined;
  /** Milliseconds, a whole minute. */
  readonly trainUntil: number;
  /** Milliseconds, a whole number of minutes. */
  readonly retrainEvery: number;
  readonly validation: Validation;
  readonly horizons: readonly Horizon[];
  readonly targets: readonly CandleTarget[];
  readonly report: string | undefined;
  readonly predictions: string | undefined;
  readonly symbols: readonly string[] | undefined;
  readonly venues: readonly string[] | undefined;
  readonly seed: number;
  readonly workers: number | undefined;
  /** Categories whose columns are missing for training and test alike. */
  readonly without: readonly Category[];
  /** The fold sees candles of these venues alone; `venues` only chooses what is tested. */
  readonly onlyVenues: readonly string[] | undefined;
  readonly quick: boolean;
  readonly html: string | undefined;
  readonly models: 'fast' | 'all';
  readonly ensemble: EnsembleOptions;
  /** File of every trial that was ever run; this one is added to it. */
  readonly ledger: string | undefined;
  readonly trials: TrialsElsewhere;
  /** Those of the store, where one is named. */
  readonly searched?: TrialSummary;
}

export type Validation =
  | { readonly kind: 'walk-forward' }
  | {
      readonly kind: 'combinatorial';
      readonly groups: number;
      readonly testGroups: number;
      /** Milliseconds. */
      readonly embargo: number;
    };

const MINUTE = 60_000;
/** Splits of a combinatorial validation, at most: each fits all members of all heads three times. */
const MOST_SPLITS = 120;
const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: 60 * MINUTE, d: 1_440 * MINUTE };

/** Throws `TRB_BACKTEST_OPTIONS`, `TRB_UNKNOWN_HORIZON`. */
export function parseBacktestOptions(raw: unknown): BacktestOptions {
  const parsed = rawSchema.safeParse(raw);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw wrong(`${issue?.path.join('.') ?? 'option'}: ${issue?.message ?? 'not valid'}`, 'See `tributary backtest --help`.');
  }
  const { data } = parsed;
  return {
    history: data.history,
    context: data.context,
    trainUntil: parseTime(data.trainUntil),
    retrainEvery: parseDuration('--retrain-every', data.retrainEvery),
    validation: parseValidation(data),
    horizons: parseHorizons(data.horizons),
    targets: ['entry', 'close'],
    report: data.report,
    predictions: data.predictions,
    symbols: list(data.symbols),
    venues: list(data.venues),
    seed: data.seed,
    workers: data.workers,
    ledger: data.ledger,
    trials: parseTrials(data.trials),
    without: parseCategories(data.without),
    onlyVenues: list(data.onlyVenues),
    quick: data.quick,
    html: data.html,
    models: data.models,
    // Of many members some add nothing; of the few fast ones each has shown that it does.
    ensemble: { combination: data.combine, calibration: data.calibration, dropUseless: data.models === 'all', mirrored: true },
  };
}

/** Throws `TRB_UNKNOWN_HORIZON`. */
export function parseHorizons(text: string): Horizon[] {
  return parseHorizonsOf(text, SLOW_HORIZONS, 'candles');
}

/** Throws `TRB_UNKNOWN_HORIZON`. */
export function parseHorizonsOf(text: string, known: readonly Horizon[], from: string): Horizon[] {
  const names = [...new Set(list(text) ?? [])];
  const horizons = names.flatMap((name) => known.filter((horizon) => horizon === name));
  if (horizons.length === 0 || horizons.length < names.length) {
    throw new TributaryError('TRB_UNKNOWN_HORIZON', `"${text}" is no list of horizons that ${from} can be tested on.`, {
      hint: `Choose from ${known.join(', ')}.`,
    });
  }
  return horizons;
}

function parseCategories(text: string | undefined): Category[] {
  const names = list(text) ?? [];
  const known = CATEGORIES.filter((category) => names.includes(category));
  if (known.length < new Set(names).size)
    throw wrong(`--without "${text ?? ''}" is no list of feature categories`, `Choose from ${CATEGORIES.join(', ')}.`);
  return known;
}

/** Milliseconds, a whole minute. */
export function parseTime(text: string): number {
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const zoned = isIso && text.includes('T') && !/(Z|[+-]\d{2}:\d{2})$/.test(text) ? `${text}Z` : text;
  const time = isIso ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(time)) throw wrong(`--train-until "${text}" is not a time`, 'Write it as 2023-03-08T00:00:00Z.');
  return Math.floor(time / MINUTE) * MINUTE;
}

function parseDuration(option: string, text: string): number {
  const match = /^(\d+)([mhd])$/.exec(text);
  const duration = match === null ? 0 : Number(match[1]) * UNITS[match[2]!]!;
  if (duration < 60 * MINUTE) throw wrong(`${option} "${text}" is not a duration of an hour or more`, 'Write it as 12h or 2d.');
  return duration;
}

function parseValidation({ validation, groups, testGroups, embargo }: z.infer<typeof rawSchema>): Validation {
  if (validation === 'walk-forward') return { kind: validation };
  if (testGroups > groups - 2)
    throw wrong(`--test-groups ${testGroups} of --groups ${groups} leaves too little to train on`, 'Leave two or more untested.');
  if (splitsOf(groups, testGroups) > MOST_SPLITS)
    throw wrong(
      `${testGroups} of ${groups} groups can be chosen in ${splitsOf(groups, testGroups)} ways`,
      `Choose fewer groups: ${MOST_SPLITS} ways at most.`,
    );
  return { kind: validation, groups, testGroups, embargo: parseDuration('--embargo', embargo) };
}

/** Ways to choose `k` of `n`. */
function splitsOf(n: number, k: number): number {
  return k === 0 ? 1 : (splitsOf(n - 1, k - 1) * n) / k;
}

function parseTrials(text: string | undefined): TrialsElsewhere {
  if (text === undefined) return { count: 0, variance: undefined };
  const match = /^(\d+)(?:,(\d+(?:\.\d+)?(?:e-?\d+)?))?$/.exec(text);
  if (match === null)
    throw wrong(`--trials "${text}" is no number of trials`, 'Write it as 40, or with their variance as 40,0.0004.');
  return { count: Number(match[1]), variance: match[2] === undefined ? undefined : Number(match[2]) };
}

export function list(text: string | undefined): string[] | undefined {
  const parts = text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts === undefined || parts.length === 0 ? undefined : parts;
}

export function wrong(what: string, hint: string): TributaryError {
  return new TributaryError('TRB_BACKTEST_OPTIONS', `${what}.`, { hint });
}
