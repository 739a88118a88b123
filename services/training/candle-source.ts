/** Where training takes its history from: candles and context values in order of time, a block at a time, out of a file or a store. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { CONTEXT_REACH } from '#libs/history/context-events.ts';
import { loadContext } from '#libs/history/context-file.ts';
import { type ContextRow } from '#libs/history/events.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { streamCandles, type TimeRange } from '#libs/store/candles.ts';
import { streamContextValues } from '#libs/store/context-values.ts';
import { type Store } from '#libs/store/port.ts';
import { toStoreOptions } from '#services/archive/options.ts';

export interface InstrumentCandles {
  readonly venue: string;
  /** BASE-QUOTE. */
  readonly instrument: string;
  readonly candles: number;
}

export interface CandleSource {
  readonly instruments: readonly InstrumentCandles[];
  /** Start of the first minute and end of the last, milliseconds. */
  readonly from: number;
  readonly to: number;
  /** In order of minute, venue, instrument; each once. */
  candles(): AsyncIterable<readonly CandleRow[]>;
  /** In order of availability. */
  context(): AsyncIterable<readonly ContextRow[]>;
}

/** Options of commands that learn from candles, as they parse. */
export const sourceSchema = z.object({
  history: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  from: z.enum(['clickhouse']).optional(),
  since: z.number().int().optional(),
  until: z.number().int().optional(),
  days: z.number().int().positive().optional(),
  clickhouse: z.string().optional(),
  clickhouseUser: z.string().default('default'),
  clickhouseCluster: z.string().optional(),
  clickhouseCa: z.string().optional(),
  clickhouseCert: z.string().optional(),
  clickhouseKey: z.string().optional(),
  clickhouseDatabase: z.string().default('tributary'),
  store: z.string().optional(),
});
export type SourceChoice = z.output<typeof sourceSchema>;

/** Throws `TRB_USAGE` where a choice names no source, or two. */
export function checkSource({ history, from, since, days }: SourceChoice): void {
  if (since !== undefined && days !== undefined) throw usage('Name one beginning.', 'Give --since or --days.');
  if ((history === undefined) === (from === undefined))
    throw usage('Name one source of history.', 'Give --history FILE or --from clickhouse.');
}

/** `close` when it has been read. Throws `TRB_USAGE`, `TRB_HISTORY_…`, `TRB_STORE_…`. */
export async function openSource(choice: SourceChoice): Promise<{ readonly source: CandleSource; close: () => Promise<void> }> {
  const { history, context } = choice;
  checkSource(choice);
  if (context !== undefined && history === undefined)
    throw usage('--context goes with --history: the store has context values of its own.', 'Leave it out.');
  if (history !== undefined) return { source: await candlesOfFile(history, context, choice), close: () => Promise.resolve() };
  const store = await openArchive(choice);
  try {
    return { source: await candlesOfStore(store, choice), close: () => store.close() };
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** The store, its tables made where they were missing. Throws `TRB_STORE_…`. */
export async function openArchive(choice: SourceChoice): Promise<Store> {
  const [{ openStore }, { migrate }] = await Promise.all([import('#libs/store/open.ts'), import('#libs/store/migrate.ts')]);
  const store = await openStore(toStoreOptions(choice));
  try {
    await migrate(store);
    return store;
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
}

/** Milliseconds, `until` excluded; `days`: of what is left the last ones, instead of `since`. Default: everything. */
export interface SourceRange {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly days?: number | undefined;
}

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;
/** What one statement reads: a long training run holds no statement open, which servers and proxies would cut. */
const CANDLE_WINDOW = DAY;
const CONTEXT_WINDOW = 30 * DAY;
/** Of an instrument; fewer make no model (LEAST_MOVES of train.ts). */
const LEAST_CANDLES = 200;
const MORE_CANDLES = 'Bring some with `tributary backfill`, or widen --since and --until.';

/** The whole file is held in memory. Throws `TRB_HISTORY_…`. */
export async function candlesOfFile(
  path: string,
  contextPath: string | undefined,
  { since, until = Infinity, days }: SourceRange = {},
): Promise<CandleSource> {
  const { rows: all } = await loadCandles(path);
  const end = all.findLastIndex(({ start }) => start < until) + 1;
  const begin = days === undefined ? (since ?? -Infinity) : (all[end - 1]?.start ?? 0) + MINUTE - days * DAY;
  const first = all.findIndex(({ start }) => start >= begin);
  const rows = first < 0 ? [] : all.slice(first, end);
  if (rows.length === 0) throw empty('The history holds no candles.', 'Give a file with at least a day of them.');
  const values = contextPath === undefined ? [] : await loadContext(contextPath);
  const counts = new Map<string, InstrumentCandles>();
  for (const { venue, instrument } of rows) {
    const key = `${venue}:${instrument}`;
    counts.set(key, { venue, instrument, candles: (counts.get(key)?.candles ?? 0) + 1 });
  }
  return {
    // As a store lists them.
    instruments: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counted]) => counted),
    from: rows[0]!.start,
    to: rows.at(-1)!.start + MINUTE,
    candles: () => once(rows),
    context: () => once(values),
  };
}

const Listed = z.object({
  venue: z.string(),
  instrument: z.string(),
  candles: z.number(),
  first: z.number(),
  last: z.number(),
});

/** A day of candles in memory at a time. Throws `TRB_HISTORY_EMPTY`, `TRB_HISTORY_SHORT`, `TRB_STORE_…`. */
export async function candlesOfStore(
  store: Store,
  { since = 0, until = Date.UTC(2200, 0), days }: SourceRange = {},
): Promise<CandleSource> {
  const begin = days === undefined ? since : (await newestMinute(store, until)) + MINUTE - days * DAY;
  const listed = await store.query(
    `SELECT venue, instrument, uniqExact(candles.start) AS candles,
       toUnixTimestamp64Milli(min(candles.start)) AS first, toUnixTimestamp64Milli(max(candles.start)) AS last
     FROM candles WHERE candles.start >= fromUnixTimestamp64Milli({since:Int64}) AND candles.start < fromUnixTimestamp64Milli({until:Int64})
     GROUP BY venue, instrument ORDER BY venue, instrument`,
    Listed,
    { since: begin, until },
  );
  if (listed.length === 0) throw empty('The store holds no candles of that time.', MORE_CANDLES);
  const most = Math.max(...listed.map(({ candles }) => candles));
  if (most < LEAST_CANDLES) {
    throw new TributaryError(
      'TRB_HISTORY_SHORT',
      `The store holds ${most} candles of that time at most, ${LEAST_CANDLES} needed.`,
      {
        hint: MORE_CANDLES,
      },
    );
  }
  const from = Math.min(...listed.map(({ first }) => first));
  const to = Math.max(...listed.map(({ last }) => last)) + MINUTE;
  return {
    instruments: listed.map(({ venue, instrument, candles }) => ({ venue, instrument, candles })),
    from,
    to,
    candles: () => inWindows({ from, to }, CANDLE_WINDOW, (window) => streamCandles(store, window)),
    context: () => inWindows({ from: from - CONTEXT_REACH, to }, CONTEXT_WINDOW, (window) => streamContextValues(store, window)),
  };
}

async function newestMinute(store: Store, until: number): Promise<number> {
  const [row] = await store.query(
    `SELECT toUnixTimestamp64Milli(max(candles.start)) AS last FROM candles WHERE candles.start < fromUnixTimestamp64Milli({until:Int64})`,
    z.object({ last: z.number() }),
    { until },
  );
  return row?.last ?? 0;
}

async function* inWindows<Row>(
  { from, to }: TimeRange,
  length: number,
  read: (window: TimeRange) => AsyncIterable<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let start = from; start < to; start += length) yield* read({ from: start, to: Math.min(start + length, to) });
}

async function* once<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  yield await Promise.resolve(rows);
}

function usage(message: string, hint: string): TributaryError {
  return new TributaryError('TRB_USAGE', message, { hint });
}

function empty(message: string, hint: string): TributaryError {
  return new TributaryError('TRB_HISTORY_EMPTY', message, { hint });
}
