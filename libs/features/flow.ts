/**
 * Order flow of one instrument by second of the clock: trades, quotes and book slices as they came, in trailing windows. A gap in the
 * feed throws it away: flow with holes is none.
 */
import { type BookSlice, Side, type Trade } from '../wire/tributary/v1/market.ts';
import { createPair, createRolling, push, pushPair, type Rolling, type RollingPair } from './rolling.ts';
import { createSizes, sizeTrade, type TradeSizes } from './trade-sizes.ts';

/** Windows of trade imbalance and order flow beyond one second, seconds. */
export const FLOW_SECONDS = [10, 60, 300] as const;
/** Longest window of mid returns + 1, rounded up to a power of two. */
export const MID_RING = 64;
const DEPTH_LEVELS = 5;
/** More skipped seconds than this and the flow begins anew. */
const LONGEST_HOLE = 3_000;
const KYLE_BUCKET = 10_000;
const KYLE_BUCKETS = 90;

export interface Flow {
  /** Newest second that was closed, milliseconds, and how many in a row; NaN, 0 before the first. */
  second: number;
  seconds: number;
  /** The second under way. */
  readonly now: Second;
  /** The newest closed one. */
  readonly last: Second;
  readonly buys: readonly Rolling[];
  readonly sells: readonly Rolling[];
  readonly orderFlow: readonly Rolling[];
  /** Size resting in the first five levels of both sides, base units, at each second with a book, 60. */
  readonly depth: Rolling;
  /** ln mid by second modulo MID_RING; NaN = none. */
  readonly mids: Float64Array;
  readonly kyle: RollingPair;
  kyleMid: number;
  kyleValue: number;
  readonly sizes: TradeSizes;
  book: BookState | undefined;
}

interface Second {
  /** Base units bought and sold by aggressors. */
  buy: number;
  sell: number;
  /** Value bought less sold, quote currency. */
  value: number;
  /** Mean over levels of the book's order flow, base units. */
  orderFlow: number;
}

export interface BookState {
  imbalance5: number;
  imbalance20: number;
  depth5: number;
  value10bps: number;
  value50bps: number;
}

export function createFlow(): Flow {
  return {
    second: NaN,
    seconds: 0,
    now: { buy: 0, sell: 0, value: 0, orderFlow: 0 },
    last: { buy: 0, sell: 0, value: 0, orderFlow: 0 },
    buys: FLOW_SECONDS.map((width) => createRolling(width)),
    sells: FLOW_SECONDS.map((width) => createRolling(width)),
    orderFlow: FLOW_SECONDS.map((width) => createRolling(width)),
    depth: createRolling(60),
    mids: new Float64Array(MID_RING).fill(NaN),
    kyle: createPair(KYLE_BUCKETS),
    kyleMid: NaN,
    kyleValue: 0,
    sizes: createSizes(),
    book: undefined,
  };
}

export function flowTrade(flow: Flow, { price, size, aggressor }: Trade): void {
  const value = price * size;
  const sign = aggressor === Side.SIDE_BUY ? 1 : aggressor === Side.SIDE_SELL ? -1 : 0;
  if (sign > 0) flow.now.buy += size;
  if (sign < 0) flow.now.sell += size;
  flow.now.value += sign * value;
  sizeTrade(flow.sizes, value, sign);
}

export function flowBook(flow: Flow, slice: BookSlice): void {
  let orderFlow = 0;
  for (const level of slice.orderFlow) orderFlow += level;
  if (slice.orderFlow.length > 0) flow.now.orderFlow += orderFlow / slice.orderFlow.length;
  const bid5 = sumOf(slice.bidSizes, DEPTH_LEVELS);
  const ask5 = sumOf(slice.askSizes, DEPTH_LEVELS);
  flow.book = {
    imbalance5: imbalance(bid5, ask5),
    imbalance20: imbalance(sumOf(slice.bidSizes, 20), sumOf(slice.askSizes, 20)),
    depth5: bid5 + ask5,
    value10bps: slice.bidValue10bps + slice.askValue10bps,
    value50bps: slice.bidValue50bps + slice.askValue50bps,
  };
}

/** Ends the second before the clock of t; `mid` is the newest, NaN = no quote. False: too many were skipped, begin anew. */
export function endSecond(flow: Flow, t: number, mid: number): boolean {
  if (t - flow.second > LONGEST_HOLE + 1000) return false;
  const skipped = Number.isNaN(flow.second) ? 0 : Math.max(0, Math.round((t - flow.second) / 1000) - 1);
  for (let i = skipped; i > 0; i--) pushSecond(flow, t - i * 1000, 0, 0, 0, mid);
  const { now, last } = flow;
  pushSecond(flow, t, now.buy, now.sell, now.orderFlow, mid);
  Object.assign(last, now);
  flow.kyleValue += now.value;
  now.buy = now.sell = now.value = now.orderFlow = 0;
  if (t % KYLE_BUCKET === 0) {
    const logMid = Math.log(mid);
    const move = logMid - flow.kyleMid;
    if (!Number.isNaN(move)) pushPair(flow.kyle, flow.kyleValue / 1e6, move);
    flow.kyleMid = logMid;
    flow.kyleValue = 0;
  }
  flow.second = t;
  return true;
}

function pushSecond(flow: Flow, t: number, buy: number, sell: number, orderFlow: number, mid: number): void {
  flow.seconds++;
  for (let i = 0; i < FLOW_SECONDS.length; i++) {
    push(flow.buys[i]!, buy);
    push(flow.sells[i]!, sell);
    push(flow.orderFlow[i]!, orderFlow);
  }
  if (flow.book !== undefined) push(flow.depth, flow.book.depth5);
  flow.mids[Math.floor(t / 1000) % MID_RING] = Math.log(mid);
}

/** (a - b) / (a + b); 0 where both are nothing but rounding. */
export function imbalance(a: number, b: number): number {
  const sum = a + b;
  return sum > 1e-9 ? (a - b) / sum : 0;
}

function sumOf(values: readonly number[], count: number): number {
  let sum = 0;
  for (let i = 0; i < values.length && i < count; i++) sum += values[i]!;
  return sum;
}
