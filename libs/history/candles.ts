/** Files of one-minute candles: `ts,venue,symbol,open,high,low,close,volume[,trades]`; a missing minute = no trade. */
import { TributaryError } from '../errors/errors.ts';
import { createNames, type Fields, fieldsOf, findColumns } from './fields.ts';
import { type CandleRow } from './rows.ts';
import { readTable } from './table.ts';

const REQUIRED = ['ts', 'venue', 'symbol', 'open', 'high', 'low', 'close', 'volume'] as const;
const OPTIONAL = ['trades'] as const;
type Columns = Readonly<Record<(typeof REQUIRED)[number] | (typeof OPTIONAL)[number], number>>;

export interface Candles {
  /** By start, venue, instrument; each minute of an instrument once. */
  readonly rows: readonly CandleRow[];
  /** Identical repeats that were dropped. */
  readonly duplicates: number;
}

/** Blocks of rows in the file's order. Throws `TRB_HISTORY_NOT_FOUND`, `TRB_HISTORY_FORMAT`. */
export async function* readCandles(path: string): AsyncGenerator<CandleRow[]> {
  const names = createNames();
  let columns: Columns | undefined;
  for await (const block of readTable(path)) {
    columns ??= findColumns<keyof Columns>(path, block, REQUIRED, OPTIONAL);
    const fields = fieldsOf(path, block, names);
    const rows: CandleRow[] = [];
    for (; fields.row < block.rows.length; fields.row++) rows.push(candleOf(fields, columns));
    if (rows.length > 0) yield rows;
  }
}

/** The whole file, sorted and without repeats. Throws as `readCandles` and `sortCandles`. */
export async function loadCandles(path: string): Promise<Candles> {
  const rows: CandleRow[] = [];
  for await (const block of readCandles(path)) for (const row of block) rows.push(row);
  return sortCandles(rows);
}

/** Throws `TRB_HISTORY_FORMAT` where two candles of the same minute differ. */
export function sortCandles(rows: readonly CandleRow[]): Candles {
  const isSorted = rows.every((row, i) => i === 0 || compareCandles(rows[i - 1]!, row) <= 0);
  const sorted = isSorted ? rows : rows.toSorted(compareCandles);
  const kept = sorted.filter((row, i) => i === 0 || !isRepeat(sorted[i - 1]!, row));
  return { rows: kept, duplicates: rows.length - kept.length };
}

export function compareCandles(a: CandleRow, b: CandleRow): number {
  return a.start - b.start || compareText(a.venue, b.venue) || compareText(a.instrument, b.instrument);
}

/** By code unit, so the order is the same in every locale. */
function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function isRepeat(a: CandleRow, b: CandleRow): boolean {
  if (compareCandles(a, b) !== 0) return false;
  const isSame =
    a.open === b.open &&
    a.high === b.high &&
    a.low === b.low &&
    a.close === b.close &&
    a.volume === b.volume &&
    a.trades === b.trades;
  if (isSame) return true;
  const minute = new Date(b.start).toISOString();
  throw new TributaryError('TRB_HISTORY_FORMAT', `Two different candles of ${b.venue} ${b.instrument} at ${minute}.`, {
    hint: 'Keep the right one of the two lines.',
  });
}

function candleOf(fields: Fields, columns: Columns): CandleRow {
  const open = fields.price(columns.open);
  const high = fields.price(columns.high);
  const low = fields.price(columns.low);
  const close = fields.price(columns.close);
  if (high < low) throw fields.fail(`high ${high} is below low ${low}`);
  return {
    venue: fields.venue(columns.venue),
    instrument: fields.instrument(columns.symbol),
    start: fields.minute(columns.ts),
    open,
    // Aggregators give the previous close as open, outside the minute's range; a bar's range holds its open and close by definition.
    high: Math.max(open, high, close),
    low: Math.min(open, low, close),
    close,
    volume: fields.quantity(columns.volume),
    trades: fields.count(columns.trades),
  };
}
