/** What a backtest is asked: validated once, before anything is read. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Horizon, SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type LabelTarget } from '#libs/validation/labels.ts';

/** As a person gives them: text, lists separated by commas. */
const rawSchema = z.strictObject({
  history: z.string().min(1).describe('Candle file: .csv, .csv.gz or .parquet.'),
  context: z.string().min(1).optional().describe('File of context values. Default: none are known.'),
  trainUntil: z.string().describe('ISO time, UTC: the first decision that is tested. What came before trains.'),
  retrainEvery: z.string().default('2d').describe('Length of a test fold, such as 12h or 2d. Default 2d.'),
  horizons: z.string().default('1m,5m').describe('Of 1m, 5m, 15m. Default 1m,5m.'),
  report: z.string().min(1).optional().describe('JSON report. Default: none is written.'),
  predictions: z.string().min(1).optional().describe('CSV of every decision. Default: none is written.'),
  symbols: z.string().optional().describe('BASE-QUOTE list. Default: every one quoted in USD.'),
  venues: z.string().optional().describe('Default: every one in the file.'),
  seed: z.coerce.number().int().nonnegative().default(1).describe('Default 1.'),
  workers: z.coerce
    .number()
    .int()
    .min(0)
    .max(64)
    .optional()
    .describe('Training threads; 0 = in the main one. Default: cores, at most 4.'),
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
  readonly horizons: readonly Horizon[];
  readonly targets: readonly LabelTarget[];
  readonly report: string | undefined;
  readonly predictions: string | undefined;
  readonly symbols: readonly string[] | undefined;
  readonly venues: readonly string[] | undefined;
  readonly seed: number;
  readonly workers: number | undefined;
  readonly quick: boolean;
}

const MINUTE = 60_000;
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
    retrainEvery: parseDuration(data.retrainEvery),
    horizons: parseHorizons(data.horizons),
    targets: ['entry', 'close'],
    report: data.report,
    predictions: data.predictions,
    symbols: list(data.symbols),
    venues: list(data.venues),
    seed: data.seed,
    workers: data.workers,
    quick: data.quick,
  };
}

/** Throws `TRB_UNKNOWN_HORIZON`. */
export function parseHorizons(text: string): Horizon[] {
  const names = [...new Set(list(text) ?? [])];
  const horizons = names.flatMap((name) => SLOW_HORIZONS.filter((horizon) => horizon === name));
  if (horizons.length === 0 || horizons.length < names.length) {
    throw new TributaryError('TRB_UNKNOWN_HORIZON', `"${text}" is no list of horizons that candles can be tested on.`, {
      hint: `Choose from ${SLOW_HORIZONS.join(', ')}.`,
    });
  }
  return horizons;
}

function parseTime(text: string): number {
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const zoned = isIso && text.includes('T') && !/(Z|[+-]\d{2}:\d{2})$/.test(text) ? `${text}Z` : text;
  const time = isIso ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(time)) throw wrong(`--train-until "${text}" is not a time`, 'Write it as 2023-03-08T00:00:00Z.');
  return Math.floor(time / MINUTE) * MINUTE;
}

function parseDuration(text: string): number {
  const match = /^(\d+)([mhd])$/.exec(text);
  const duration = match === null ? 0 : Number(match[1]) * UNITS[match[2]!]!;
  if (duration < 60 * MINUTE)
    throw wrong(`--retrain-every "${text}" is not a duration of an hour or more`, 'Write it as 12h or 2d.');
  return duration;
}

function list(text: string | undefined): string[] | undefined {
  const parts = text
    ?.split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return parts === undefined || parts.length === 0 ? undefined : parts;
}

function wrong(what: string, hint: string): TributaryError {
  return new TributaryError('TRB_BACKTEST_OPTIONS', `${what}.`, { hint });
}
