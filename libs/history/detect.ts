/** Tells a file of candles from a file of ticks by its header. */
import { formatError } from './format-error.ts';
import { readTable } from './table.ts';

export type HistoryKind = 'candles' | 'ticks';

/** Throws `TRB_HISTORY_NOT_FOUND` or `TRB_HISTORY_FORMAT`. */
export async function detectHistory(path: string): Promise<HistoryKind> {
  for await (const { columns } of readTable(path)) {
    if (columns.includes('receive_ts_ms')) return 'ticks';
    if (columns.includes('close')) return 'candles';
    break;
  }
  const hint =
    'Candles: ts,venue,symbol,open,high,low,close,volume[,trades]. ' +
    'Ticks: venue,symbol,exchange_ts_ms,receive_ts_ms,best_bid,best_ask,last_trade_px,last_trade_qty[,bid_size,ask_size,side].';
  throw formatError(path, undefined, 'the header is neither that of candles nor that of ticks', hint);
}
