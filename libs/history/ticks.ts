/**
 * Files of ticks: `venue,symbol,exchange_ts_ms,receive_ts_ms,best_bid,best_ask,last_trade_px,last_trade_qty[,bid_size,ask_size,side]`;
 * 0 or empty = not given.
 */
import { createNames, type Fields, fieldsOf, findColumns } from './fields.ts';
import { type TickRow } from './rows.ts';
import { readTable } from './table.ts';

const REQUIRED = [
  'venue',
  'symbol',
  'exchange_ts_ms',
  'receive_ts_ms',
  'best_bid',
  'best_ask',
  'last_trade_px',
  'last_trade_qty',
] as const;
const OPTIONAL = ['bid_size', 'ask_size', 'side'] as const;
type Columns = Readonly<Record<(typeof REQUIRED)[number] | (typeof OPTIONAL)[number], number>>;

/** Blocks of rows in the file's order. Throws `TRB_HISTORY_NOT_FOUND`, `TRB_HISTORY_FORMAT`. */
export async function* readTicks(path: string): AsyncGenerator<TickRow[]> {
  const names = createNames();
  let columns: Columns | undefined;
  for await (const block of readTable(path)) {
    columns ??= findColumns<keyof Columns>(path, block, REQUIRED, OPTIONAL);
    const fields = fieldsOf(path, block, names);
    const rows: TickRow[] = [];
    for (; fields.row < block.rows.length; fields.row++) rows.push(tickOf(fields, columns));
    if (rows.length > 0) yield rows;
  }
}

/** The whole file by receive time; rows of the same millisecond keep the file's order. Throws as `readTicks`. */
export async function loadTicks(path: string): Promise<TickRow[]> {
  const rows: TickRow[] = [];
  for await (const block of readTicks(path)) for (const row of block) rows.push(row);
  return rows.sort((a, b) => a.receiveTime - b.receiveTime);
}

function tickOf(fields: Fields, columns: Columns): TickRow {
  const receiveTime = fields.milliseconds(columns.receive_ts_ms);
  if (receiveTime === 0) throw fields.fail('receive_ts_ms is not given');
  return {
    venue: fields.venue(columns.venue),
    instrument: fields.instrument(columns.symbol),
    exchangeTime: fields.milliseconds(columns.exchange_ts_ms),
    receiveTime,
    bid: fields.priceIfGiven(columns.best_bid),
    ask: fields.priceIfGiven(columns.best_ask),
    bidSize: fields.quantity(columns.bid_size, 0),
    askSize: fields.quantity(columns.ask_size, 0),
    tradePrice: fields.priceIfGiven(columns.last_trade_px),
    tradeSize: fields.quantity(columns.last_trade_qty, 0),
    side: sideOf(fields, columns.side),
  };
}

function sideOf(fields: Fields, column: number): 'buy' | 'sell' | undefined {
  const text = fields.text(column).toLowerCase();
  if (text === '') return undefined;
  if (text === 'buy' || text === 'b') return 'buy';
  if (text === 'sell' || text === 's') return 'sell';
  throw fields.fail(`side is "${text}", wanted buy, sell or nothing`);
}
