/**
 * Tests only: turns a recorded session of Bybit's old inverse API (2021: `orderBookL2_25` with insert, update, delete; `trade`) into v5
 * frames, so that the v5 mapper and book work on real order flow. The old frames carry no update id: frames are numbered as they came.
 */
import { type RecordedFrame } from '../../recording.test-tool.ts';

interface OldLevel {
  readonly price: string;
  readonly side: 'Buy' | 'Sell';
  readonly size?: number;
}
interface OldBook {
  readonly topic: string;
  readonly type: 'snapshot' | 'delta';
  readonly data: readonly OldLevel[] | { readonly delete: OldLevel[]; readonly update: OldLevel[]; readonly insert: OldLevel[] };
  readonly timestamp_e6: number | string;
}
interface OldTrade {
  readonly trade_time_ms: number;
  readonly symbol: string;
  readonly side: string;
  readonly size: number;
  readonly price: number;
  readonly trade_id: string;
}

export function toV5(recorded: readonly RecordedFrame[]): RecordedFrame[] {
  const updateIds = new Map<string, number>();
  return recorded.flatMap(({ text, receiveTime }) => {
    const frame = JSON.parse(text) as { topic?: string };
    const [channel, symbol] = frame.topic?.split('.') ?? [];
    if (channel === undefined || symbol === undefined) return [];
    if (channel === 'trade') return [{ receiveTime, text: tradesOf((frame as { data: OldTrade[] }).data, symbol) }];
    const u = (updateIds.get(symbol) ?? 0) + 1;
    updateIds.set(symbol, u);
    return [{ receiveTime, text: bookOf(frame as OldBook, symbol, u) }];
  });
}

function bookOf({ type, data, timestamp_e6: micros }: OldBook, symbol: string, u: number): string {
  const levels =
    'delete' in data ? [...data.delete.map((level) => ({ ...level, size: 0 })), ...data.update, ...data.insert] : data;
  const sideOf = (side: string) => levels.filter((level) => level.side === side).map(({ price, size }) => [price, String(size)]);
  const book = { s: symbol, b: sideOf('Buy'), a: sideOf('Sell'), u, seq: u };
  return JSON.stringify({ topic: `orderbook.200.${symbol}`, type, ts: Math.round(Number(micros) / 1000), data: book });
}

function tradesOf(trades: readonly OldTrade[], symbol: string): string {
  const data = trades.map(({ trade_time_ms: T, side: S, size, price, trade_id: i }) => ({
    ...{ T, s: symbol, S, v: String(size), p: String(price), i, BT: false },
  }));
  return JSON.stringify({ topic: `publicTrade.${symbol}`, type: 'snapshot', ts: data[0]!.T, data });
}
