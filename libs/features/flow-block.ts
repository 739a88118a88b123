/** Category A from quotes, books and trades; all missing where only candles are known. */
import { type Feature, type Input, type MinuteBlock } from './declaration.ts';
import { type Flow, imbalance, MID_RING } from './flow.ts';
import { deviation, mean, slope, valueAgo } from './rolling.ts';
import { type InstrumentState } from './state.ts';
import { endSizeMinute, largeShare } from './trade-sizes.ts';

function feature(name: string, unit: string, formula: string, input: Input, warmup: number, source?: string): Feature {
  return { name, unit, formula, inputs: [input], warmup, ...(source === undefined ? {} : { source }) };
}

export const quoteBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    feature('quoted_spread_bps', 'bps', '(ask - bid) / mid', 'quotes', 1),
    feature(
      'microprice_dev_bps',
      'bps',
      '(microprice - mid) / mid; microprice weighs each side by the other size',
      'quotes',
      1,
      'Stoikov 2018',
    ),
    feature('queue_imb_1', '-1..1', '(bid size - ask size) / their sum, best level', 'quotes', 1),
    feature('depth_imb_5', '-1..1', '(bid size - ask size) / their sum, 5 levels', 'books', 1),
    feature('depth_imb_20', '-1..1', '(bid size - ask size) / their sum, 20 levels', 'books', 1),
    feature('depth_usd_10bps', 'log', 'ln(1 + value resting within 10 bps of the mid, quote currency)', 'books', 1),
    feature('depth_usd_50bps', 'log', 'ln(1 + value resting within 50 bps of the mid, quote currency)', 'books', 1),
  ],
  create: () => null,
  write: (_state, { instrument }, out, at) => {
    if (instrument.feed.isMasked) return;
    writeQuote(instrument, out, at);
    const book = instrument.flow?.book;
    if (book === undefined) return;
    out[at + 3] = book.imbalance5;
    out[at + 4] = book.imbalance20;
    out[at + 5] = Math.log1p(book.value10bps);
    out[at + 6] = Math.log1p(book.value50bps);
  },
};

function writeQuote({ bid, ask, bidSize, askSize }: InstrumentState, out: Float64Array, at: number): void {
  if (bid === 0) return;
  const mid = (bid + ask) / 2;
  out[at] = ((ask - bid) / mid) * 1e4;
  const sizes = bidSize + askSize;
  if (sizes <= 0) return;
  const microprice = (bid * askSize + ask * bidSize) / sizes;
  out[at + 1] = ((microprice - mid) / mid) * 1e4;
  out[at + 2] = (bidSize - askSize) / sizes;
}

const MID_SECONDS = [1, 5, 10, 30, 60] as const;

export const midReturnBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: ['mid'],
  features: MID_SECONDS.map((seconds) =>
    feature(`ret_${seconds === 60 ? '1m' : `${seconds}s`}`, 'log return', `ln(mid / mid ${seconds} s before)`, 'quotes', 2),
  ),
  create: () => null,
  write: (_state, { instrument: { flow, feed } }, out, at) => {
    if (flow === undefined || feed.isMasked) return;
    const second = Math.floor(flow.second / 1000);
    const now = flow.mids[second % MID_RING]!;
    for (let i = 0; i < MID_SECONDS.length; i++) {
      const seconds = MID_SECONDS[i]!;
      if (flow.seconds > seconds) out[at + i] = now - flow.mids[(second - seconds) % MID_RING]!;
    }
  },
};

const LONG_MINUTES = { '5m': 5, '15m': 15, '1h': 60, '4h': 240, '1d': 1440 } as const;
const DAY_RING = 1441;

/** ln mid by minute of a day, modulo DAY_RING; NaN = none. */
export const longMidReturnBlock: MinuteBlock<Float64Array> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: ['mid'],
  features: Object.entries(LONG_MINUTES).map(([window, minutes]) =>
    feature(`ret_${window}`, 'log return', `ln(mid / mid ${window} before)`, 'quotes', minutes + 1),
  ),
  create: () => new Float64Array(DAY_RING).fill(NaN),
  write: (mids, { instrument: { bid, ask, feed }, t }, out, at) => {
    const minute = Math.round(t / 60_000);
    const now = bid > 0 && !feed.isMasked ? Math.log((bid + ask) / 2) : NaN;
    mids[minute % DAY_RING] = now;
    let i = at;
    for (const minutes of Object.values(LONG_MINUTES)) out[i++] = now - mids[(minute - minutes) % DAY_RING]!;
  },
};

export const flowBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    ...['1s', '10s', '1m', '5m'].map((window, index) =>
      feature(
        `trade_imb_${window}`,
        '-1..1',
        `(bought - sold by aggressors) / their sum over ${window}, 0 without trades`,
        'trades',
        index === 3 ? 6 : 2,
      ),
    ),
    ...['1s', '10s', '1m'].map((window) =>
      feature(
        `ofi_${window}`,
        'ratio',
        `order-flow imbalance over ${window}, mean of levels 1 to 5, over the mean size in the first 5 levels, 60 s`,
        'books',
        2,
        'Cont, Kukanov and Stoikov 2014',
      ),
    ),
    feature('trade_rate_z_1m', 'z', 'trades in the minute less their mean over 60 min, over their sd + 0.1', 'trades', 61),
    feature(
      'large_trade_flow_15m',
      'ratio',
      'signed value of trades above the 99th percentile of the hour before, over the value of all, 15 min',
      'trades',
      77,
    ),
    feature(
      'kyle_lambda_15m',
      'log per million',
      'slope of the 10 s mid return on the value bought less sold, 90 steps',
      'trades',
      16,
      'Kyle 1985',
    ),
  ],
  create: () => null,
  write: (_state, { instrument: { flow, feed }, t }, out, at) => {
    if (flow === undefined) return;
    endSizeMinute(flow.sizes, t);
    if (!feed.isMasked) writeFlow(flow, out, at);
  },
};

function writeFlow(flow: Flow, out: Float64Array, at: number): void {
  const { buys, sells, orderFlow, last, seconds, sizes } = flow;
  if (seconds > 0) out[at] = imbalance(last.buy, last.sell);
  for (let i = 0; i < buys.length; i++) {
    if (buys[i]!.count === buys[i]!.ring.length) out[at + 1 + i] = imbalance(buys[i]!.sum, sells[i]!.sum);
  }
  const depth = flow.depth.count === flow.depth.ring.length ? mean(flow.depth) : NaN;
  if (depth > 0) {
    out[at + 4] = last.orderFlow / depth;
    out[at + 5] = orderFlow[0]!.sum / depth;
    out[at + 6] = orderFlow[1]!.sum / depth;
  }
  if (sizes.counts.count === sizes.counts.ring.length) {
    out[at + 7] = (valueAgo(sizes.counts, 0) - mean(sizes.counts)) / (deviation(sizes.counts) + 0.1);
  }
  out[at + 8] = largeShare(sizes);
  out[at + 9] = slope(flow.kyle, flow.kyle.x.length);
}
