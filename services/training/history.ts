/** History folded into vectors: in memory that threads share (backtests, replays), or through files (training). */
import { TributaryError } from '#libs/errors/errors.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { collectVectors } from '#libs/features/matrix.ts';
import { candleBlocksToTicks, candlesToTicks } from '#libs/history/candle-events.ts';
import { mergeContext, withContext } from '#libs/history/context-events.ts';
import { loadContext } from '#libs/history/context-file.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { isConversionRate, parseInstrument } from '#libs/market/instrument.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type MinuteSeries, minuteSeries } from '#libs/validation/labels.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type CandleSource } from './candle-source.ts';
import { shareTable } from './fit-pool.ts';
import { type StoredTable, VectorFiles } from './vector-files.ts';

export interface TrainingHistory {
  readonly tables: readonly VectorTable[];
  /** Of every instrument in the file. */
  readonly series: readonly MinuteSeries[];
  readonly candles: number;
  /** Start of the first minute and end of the last, milliseconds. */
  readonly from: number;
  readonly to: number;
}

export interface HistoryOptions {
  readonly symbols?: readonly string[] | undefined;
  readonly venues?: readonly string[] | undefined;
  /** File of context values, each folded from its own availability on. */
  readonly context?: string | undefined;
  /** Minutes folded so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const MINUTE = 60_000;

/**
 * Folds what the source holds in one pass and leaves the vectors in files of `folder`: in memory are a block of candles, the fold's state and
 * a block of vectors for each target. Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_SYMBOL`, `TRB_UNKNOWN_VENUE`, what the source throws.
 */
export async function foldToFiles(
  source: CandleSource,
  folder: string,
  options: Omit<HistoryOptions, 'context'>,
): Promise<StoredTable[]> {
  const targets = chooseTargets(source.instruments, options);
  const files = new VectorFiles(folder, targets, featureSchema().columns);
  const state = createFold({ targets });
  const ticks = mergeContext(candleBlocksToTicks(seen(source.candles(), files)), source.context());
  for await (const tick of counted(ticks, (source.to - source.from) / MINUTE, options))
    foldTick(state, tick, 0, (vector) => files.addVector(vector));
  return files.finish();
}

async function* seen(blocks: AsyncIterable<readonly CandleRow[]>, files: VectorFiles): AsyncGenerator<readonly CandleRow[]> {
  for await (const block of blocks) {
    for (const candle of block) files.addCandle(candle);
    yield block;
  }
}

/** `rows` sorted as by sortCandles. Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_SYMBOL`, `TRB_UNKNOWN_VENUE`. */
export async function foldCandles(rows: readonly CandleRow[], options: HistoryOptions): Promise<TrainingHistory> {
  if (rows.length === 0)
    throw new TributaryError('TRB_HISTORY_EMPTY', 'The history holds no candles.', {
      hint: 'Give a file with at least a day of them.',
    });
  const series = minuteSeries(rows);
  const targets = chooseTargets(series, options);
  const from = rows[0]!.start;
  const to = rows.at(-1)!.start + MINUTE;
  const context = options.context === undefined ? [] : await loadContext(options.context);
  const ticks = counted(withContext(candlesToTicks(rows), context), (to - from) / MINUTE, options);
  const vectors = await collectVectors(ticks, { targets });
  const tables: VectorTable[] = [];
  for (const [key, matrix] of vectors) {
    vectors.delete(key);
    tables.push(shareTable(matrix));
  }
  tables.sort((a, b) => (`${a.venue}:${a.instrument}` < `${b.venue}:${b.instrument}` ? -1 : 1));
  return { tables, series, candles: rows.length, from, to };
}

/** `venue:BASE-QUOTE` of what is trained on: quoted in dollars, traded for itself. */
function chooseTargets(
  instruments: readonly Pick<MinuteSeries, 'venue' | 'instrument'>[],
  options: Pick<HistoryOptions, 'symbols' | 'venues'>,
): string[] {
  const traded = instruments.filter(({ instrument }) => {
    const parsed = parseInstrument(instrument);
    return parsed.quote === 'USD' && !isConversionRate(parsed);
  });
  const symbols = new Set(traded.map(({ instrument }) => instrument));
  const venues = new Set(traded.map(({ venue }) => venue));
  for (const symbol of options.symbols ?? []) if (!symbols.has(symbol)) throw unknown('SYMBOL', symbol, symbols);
  for (const venue of options.venues ?? []) if (!venues.has(venue)) throw unknown('VENUE', venue, venues);
  return traded
    .filter(
      ({ venue, instrument }) => (options.venues?.includes(venue) ?? true) && (options.symbols?.includes(instrument) ?? true),
    )
    .map(({ venue, instrument }) => `${venue}:${instrument}`);
}

function unknown(kind: 'SYMBOL' | 'VENUE', name: string, known: ReadonlySet<string>): TributaryError {
  return new TributaryError(`TRB_UNKNOWN_${kind}`, `The history has no dollar candles of "${name}".`, {
    hint: `It has ${[...known].sort().join(', ') || 'none'}.`,
  });
}

/** Passes ticks on; reports, lets other work run and looks for an abort every few hundred minutes. */
async function* counted(
  ticks: Iterable<Tick> | AsyncIterable<Tick>,
  total: number,
  options: Pick<HistoryOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<Tick> {
  let minutes = 0;
  for await (const tick of ticks) {
    yield tick;
    if (tick.event?.$case !== 'clock' || ++minutes % 240 !== 0) continue;
    options.onProgress?.(minutes, total);
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
  }
  options.onProgress?.(total, total);
}
