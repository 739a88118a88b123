import { describe, expect, test } from '@jest/globals';
import { tickFileToTicks } from '../../history/tick-events.ts';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { GapKind, Tick } from '../../wire/tributary/v1/market.ts';
import { checkFastLane, receivedAt } from '../checks/fast.ts';
import { FAST_LANE, foldAll } from '../checks/lane.ts';
import { overwriteFuture } from '../checks/overwrite.ts';
import { generateTickRows } from '../checks/tick-market.ts';
import { QUALITY } from '../quality.ts';
import { fastSchema } from './catalogue.ts';

const T = Date.UTC(2024, 2, 1);
const PAIR = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'okx', quote: 'USDT' },
];
const rows = generateTickRows({ start: T, seconds: 150, listings: PAIR, seed: 3 });
const ticks = [...tickFileToTicks(rows)];
const vectors = foldAll(ticks, FAST_LANE);
const of = (venue: string): FeatureVector[] => vectors.filter((vector) => vector.venue === venue);

function value(vector: FeatureVector, name: string): number {
  const place = fastSchema().columns.indexOf(`${name}@1`);
  if (place < 0) throw new Error(`no column ${name}`);
  return vector.values[place]!;
}

test('future-overwrite sees quotes that stand in the log 100 ms before their time', () => {
  const early = ticks.map((tick) =>
    tick.event?.$case === 'quote' ? { ...tick, receiveTime: tick.receiveTime + 100_000 } : tick,
  );
  const t = vectors[vectors.length >> 1]!.t;
  // The fold tells time by the stamp as it reads it; a stamp that is later than the place shows in what moves before it.
  const stamp = (tick: Tick): number => receivedAt(tick) + (tick.event?.$case === 'quote' ? 100 : 0);
  expect(overwriteFuture(early, t, undefined, receivedAt, FAST_LANE).leaks).toEqual([]);
  expect(overwriteFuture(ticks, t, undefined, stamp, FAST_LANE).leaks.length).toBeGreaterThan(0);
});

test('columns are what they say, written out over the rows themselves', () => {
  const log = (venue: string, t: number, by = Infinity): number => {
    const last = rows.findLast((row) => row.venue === venue && row.receiveTime <= t && row.receiveTime < by)!;
    return Math.log((last.bid + last.ask) / 2);
  };
  // Prices at the ends of slots of 250 ms, oldest first; the newest is that of the last whole slot.
  const slots = (venue: string, t: number, count: number): number[] => {
    const first = Math.floor(t / 250) - count + 1;
    return Array.from({ length: count }, (_, i) => log(venue, Infinity, (first + i) * 250));
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
  const chosen = of('okx').filter((vector, i) => i % 20 === 7 && vector.t > T + 122_000);
  expect(chosen.length).toBeGreaterThan(1);
  for (const vector of chosen) {
    const { t } = vector;
    const own = slots('okx', t, 481);
    const steps = own.slice(1).map((price, i) => price - own[i]!);
    const scale = 2 * Math.sqrt(mean(steps.map((step) => step * step))) + 1e-6;
    const near = (name: string, expected: number): void => {
      expect([name, value(vector, name)]).toEqual([name, expect.closeTo(expected, 3)]);
    };
    near('fast_scale', Math.log(scale));
    near('fast_ret_1s', (log('okx', t) - own.at(-5)!) / scale);
    near('fast_ret_30s', (log('okx', t) - own.at(-121)!) / scale);
    near('fast_dev_5s', (log('okx', t) - mean(own.slice(-20))) / scale);
    const other = slots('coinbase', t, 480);
    const gap = log('coinbase', t) - log('okx', t) - (mean(other.slice(-120)) - mean(own.slice(-120)));
    near('fast_leg_gap_30s.coinbase_usd', gap / scale);
    near('fast_others_gap_30s', gap / scale);
    near('fast_leg_ret_2s.coinbase_usd', (log('coinbase', t) - other.at(-9)!) / scale);
    const newest = rows.findLast(({ venue, receiveTime }) => venue === 'okx' && receiveTime <= t)!;
    near('fast_age', (t - newest.receiveTime) / 1000);
    near('fast_trade_place', Math.max(-3, Math.min(3, 2 * (newest.tradePrice - (newest.bid + newest.ask) / 2))));
    near('fast_spread_sd', Math.log(2 / (newest.bid + newest.ask) / scale));
  }
});

describe('decisions', () => {
  test('are made at quotes of any venue, each stamped with its receipt, at most every 250 ms', () => {
    const times = new Set(ticks.flatMap(({ event, receiveTime }) => (event?.$case === 'quote' ? [receiveTime / 1000] : [])));
    for (const venue of ['coinbase', 'okx']) {
      const made = of(venue).map(({ t }) => t);
      expect(made.every((t) => times.has(t))).toBe(true);
      expect(made.every((t, i) => i === 0 || t - made[i - 1]! >= 250)).toBe(true);
    }
    const quotesOf = (venue: string): Set<number> =>
      new Set(rows.filter((row) => row.venue === venue).map((row) => row.receiveTime));
    expect(of('okx').some(({ t }) => !quotesOf('okx').has(t))).toBe(true);
  });

  test('begin when 30 s of prices are known, and end where the target was silent for 10 s', () => {
    expect(of('okx')[0]!.t).toBeGreaterThan(T + 30_000);
    expect(of('okx')[0]!.t).toBeLessThan(T + 33_000);
    const silent = rows.filter(({ venue, receiveTime }) => venue !== 'okx' || receiveTime < T + 100_000);
    const last = foldAll([...tickFileToTicks(silent)], FAST_LANE).findLast(({ venue }) => venue === 'okx')!;
    expect(last.t).toBeGreaterThan(T + 108_000);
    expect(last.t).toBeLessThan(T + 111_000);
  });

  test('are held between the clock and a second after it, whatever a feed says of the time', () => {
    const wild = ticks.map((tick) =>
      tick.event?.$case === 'quote' && tick.venue === 'okx' && tick.receiveTime > (T + 100_000) * 1000
        ? { ...tick, receiveTime: tick.receiveTime * 2 }
        : tick,
    );
    let clock = 0;
    const folding = FAST_LANE.begin();
    wild.forEach((tick, offset) => {
      if (tick.event?.$case === 'clock') clock = tick.event.value.t;
      folding.fold(tick, offset, ({ t }) => {
        expect(t).toBeGreaterThanOrEqual(clock);
        expect(t).toBeLessThanOrEqual(clock + 1000);
      });
    });
  });

  test('wait after a gap until there is a quote and 30 s of prices again; repeats, crossed and absurd quotes make none', () => {
    const at = T + 90_000;
    const place = ticks.findIndex(({ receiveTime }) => receiveTime >= at * 1000);
    const event = {
      $case: 'gap' as const,
      value: { kind: GapKind.GAP_KIND_DISCONNECT, fromTradeId: 0, toTradeId: 0, detail: '' },
    };
    const gap = Tick.fromPartial({
      asset: 'BTC',
      venue: 'okx',
      instrument: 'BTC-USDT',
      sequence: 1,
      receiveTime: at * 1000,
      event,
    });
    const after = foldAll(ticks.toSpliced(place, 0, gap), FAST_LANE).filter(({ venue, t }) => venue === 'okx' && t >= at);
    expect(after[0]!.t).toBeGreaterThanOrEqual(at + 30_000);
    expect(after[0]!.quality & QUALITY.GAP).not.toBe(0);
    const quote = (bid: number, ask: number, sequence: number): Tick => ({
      ...ticks.findLast((tick) => tick.event?.$case === 'quote')!,
      sequence,
      event: { $case: 'quote', value: { bid, ask, bidSize: 1, askSize: 1 } },
    });
    const nonsense = [quote(10, 9, 1e17), quote(1, 1e12, 2e17), quote(-1, 1, 3e17)];
    expect(foldAll([...ticks, ...ticks.slice(-30), ...nonsense], FAST_LANE)).toHaveLength(vectors.length);
  });

  test('there are none without a clock', () => {
    expect(
      foldAll(
        ticks.filter(({ event }) => event?.$case !== 'clock'),
        FAST_LANE,
      ),
    ).toEqual([]);
    expect([...checkFastLane([])]).toEqual([]);
  });
});

test('a restored state goes on bit for bit in the middle of a slot', () => {
  const folding = FAST_LANE.begin();
  const half = ticks.length >> 1;
  ticks.slice(0, half).forEach((tick, offset) => folding.fold(tick, offset, () => undefined));
  const rest: FeatureVector[] = [];
  const restored = FAST_LANE.begin(folding.store());
  ticks.slice(half).forEach((tick, offset) => restored.fold(tick, half + offset, (vector) => rest.push(vector)));
  expect(rest).toEqual(vectors.slice(vectors.length - rest.length));
});
