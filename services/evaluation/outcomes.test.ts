import { describe, expect, test } from '@jest/globals';
import { GapKind, Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { OutcomeJoin } from './outcomes.ts';

const T = Date.UTC(2026, 0, 5, 12);
const at = (seconds: number) => ({
  asset: 'BTC',
  venue: 'kraken',
  instrument: 'BTC-USD',
  exchangeTime: (T + seconds * 1000) * 1000,
});
let tradeId = 0;
const trade = (seconds: number, price: number, more: { tradeId?: number; repaired?: boolean } = {}) =>
  Tick.fromPartial({
    ...at(seconds),
    receiveTime: (T + seconds * 1000) * 1000,
    event: { $case: 'trade', value: { tradeId: ++tradeId, price, size: 1, ...more } },
  });
const gap = (seconds: number, kind: GapKind, fromTradeId = 0, toTradeId = 0) =>
  Tick.fromPartial({
    ...at(seconds),
    receiveTime: (T + seconds * 1000) * 1000,
    event: { $case: 'gap', value: { kind, fromTradeId, toTradeId } },
  });
const candle = (minute: number, open: number, close: number) =>
  Tick.fromPartial({
    ...at((minute + 1) * 60),
    event: { $case: 'candle', value: { start: T + minute * 60_000, open, close, high: 9e9, low: 0 } },
  });
const clock = (seconds: number) =>
  Tick.fromPartial({ event: { $case: 'clock', value: { t: T + seconds * 1000, writerEpoch: 1 } } });
const decision = (seconds: number, horizon = '1m', minutes = 1) =>
  Signal.fromPartial({
    ...{ asset: 'BTC', venue: 'kraken', instrument: 'BTC-USD', horizon, t: T },
    ...{ publishedAt: T + seconds * 1000, validUntil: T + seconds * 1000 + minutes * 60_000 },
  });

function settle(signals: readonly Signal[], ticks: readonly Tick[]): Outcome[] {
  const join = new OutcomeJoin(2_000);
  for (const signal of signals) join.expect(signal);
  const outcomes: Outcome[] = [];
  for (const tick of ticks) join.fold(tick, (outcome) => outcomes.push(outcome));
  return outcomes;
}

const { OUTCOME_STATUS_UP: UP, OUTCOME_STATUS_DOWN: DOWN, OUTCOME_STATUS_FLAT: FLAT, OUTCOME_STATUS_VOID: VOID } = OutcomeStatus;

describe('entry and exit', () => {
  test('are the first trade at or after publication and the last before its horizon ends, by the venue’s time', () => {
    const [outcome] = settle(
      [decision(1)],
      [
        clock(0),
        trade(0.999, 1),
        trade(1.5, 101),
        trade(1, 100),
        trade(60.9, 99),
        trade(61, 500),
        trade(60.999, 98),
        clock(62),
        clock(63),
      ],
    );
    expect(outcome).toMatchObject({ status: DOWN, entryPrice: 100, exitPrice: 98, resolvedAt: T + 63_000, voidReason: '' });
    expect(outcome!.logReturn).toBeCloseTo(Math.log(98 / 100), 12);
  });

  test('among trades of the same time follow the log', () => {
    const [outcome] = settle([decision(0)], [clock(0), trade(1, 10), trade(1, 11), trade(50, 12), trade(50, 13), clock(62)]);
    expect(outcome).toMatchObject({ status: UP, entryPrice: 10, exitPrice: 13 });
  });

  test('a late trade counts until the clock that settles, and not after', () => {
    const before = settle([decision(0)], [clock(0), trade(1, 10), clock(61), trade(59, 9), clock(62)]);
    const after = settle([decision(0)], [clock(0), trade(1, 10), clock(62), trade(59, 9), clock(63)]);
    expect([before[0]!.status, after[0]!.status]).toEqual([DOWN, FLAT]);
  });

  test('of candles are the first open and the last close within the horizon', () => {
    const candles = [
      candle(0, 10, 11),
      clock(60),
      candle(1, 12, 13),
      clock(120),
      clock(180),
      candle(3, 20, 5),
      clock(240),
      candle(4, 6, 7),
    ];
    const outcomes = settle(
      [decision(0), decision(60), decision(120), decision(60, '5m', 5)],
      [...candles, clock(300), clock(360), clock(420)],
    );
    expect(outcomes.map(({ status, entryPrice, exitPrice, voidReason }) => [status, entryPrice, exitPrice, voidReason])).toEqual([
      [UP, 10, 11, ''],
      [UP, 12, 13, ''],
      [VOID, 0, 0, 'no_trade'],
      [DOWN, 12, 7, ''],
    ]);
  });

  test('prices that are none are passed over', () => {
    const [outcome] = settle(
      [decision(0)],
      [clock(0), trade(1, 0), trade(2, 10), trade(3, -1), trade(4, NaN), trade(5, 11), trade(6, Infinity), clock(62)],
    );
    expect(outcome).toMatchObject({ status: UP, entryPrice: 10, exitPrice: 11 });
  });
});

describe('void', () => {
  test('where nobody traded, and where nothing was seen', () => {
    const outcomes = settle([decision(-30), decision(0)], [clock(0), trade(65, 10), clock(62)]);
    expect(outcomes.map(({ status, voidReason }) => [status, voidReason])).toEqual([
      [VOID, 'feed_gap'],
      [VOID, 'no_trade'],
    ]);
  });

  test('where trades are missing, until they are repaired', () => {
    const start = [clock(0), trade(1, 10, { tradeId: 1 })];
    const missing = [trade(5, 12, { tradeId: 4 }), gap(5, GapKind.GAP_KIND_TRADES, 2, 3)];
    const repair = [trade(2, 11, { tradeId: 2, repaired: true }), trade(3, 11, { tradeId: 3, repaired: true })];
    expect(settle([decision(0)], [...start, ...missing, clock(62)])[0]).toMatchObject({ status: VOID, voidReason: 'feed_gap' });
    expect(settle([decision(0)], [...start, ...missing, repair[0]!, clock(62)])[0]).toMatchObject({ status: VOID });
    expect(settle([decision(0)], [...start, ...missing, ...repair, clock(62)])[0]).toMatchObject({
      status: UP,
      entryPrice: 10,
      exitPrice: 12,
    });
    expect(settle([decision(6)], [...start, ...missing, trade(7, 1), trade(9, 2), clock(68)])[0]).toMatchObject({
      status: UP,
      entryPrice: 1,
    });
  });

  test.each([
    ['grow', 6, 8],
    ['say nothing', 0, -1],
  ])('where the feed was away and trade ids that %s cannot tell what it missed', (_ids, from, to) => {
    const start = [clock(0), trade(1, 10, { tradeId: 5 }), gap(20, GapKind.GAP_KIND_DISCONNECT)];
    const back = [gap(40, GapKind.GAP_KIND_TRADES, from, to), trade(40, 11, { tradeId: from === 0 ? 0 : 9 }), trade(41, 12)];
    expect(settle([decision(0)], [...start, ...back, clock(62)])[0]).toMatchObject({ status: VOID, voidReason: 'feed_gap' });
    expect(settle([decision(41)], [...start, ...back, trade(50, 13), clock(103)])[0]).toMatchObject({ status: UP });
  });

  test('where the feed was away at the end, but not where it came back', () => {
    const start = [clock(0), trade(1, 10), gap(20, GapKind.GAP_KIND_DISCONNECT)];
    expect(settle([decision(0)], [...start, clock(62)])[0]).toMatchObject({ status: VOID, voidReason: 'feed_gap' });
    expect(settle([decision(0)], [...start, trade(40, 11), clock(62)])[0]).toMatchObject({ status: UP, exitPrice: 11 });
  });
});

describe('the join', () => {
  test('gives the same outcomes whenever a decision comes into view before its time is up', () => {
    const ticks = [clock(0), ...Array.from({ length: 70 }, (_, i) => [trade(i + 0.5, 100 + Math.sin(i)), clock(i + 1)]).flat()];
    const early = settle([decision(3)], ticks);
    for (const seen of [1, 20, 80, 120]) {
      const join = new OutcomeJoin(2_000);
      const outcomes: Outcome[] = [];
      ticks.forEach((tick, i) => {
        if (i === seen) join.expect(decision(3));
        join.fold(tick, (outcome) => outcomes.push(outcome));
      });
      expect(outcomes).toEqual(early);
    }
  });

  test('keeps no more than the longest horizon needs', () => {
    const join = new OutcomeJoin(2_000);
    const outcomes: Outcome[] = [];
    for (let minute = 0; minute < 60; minute++) {
      join.expect({ ...decision(minute * 60, '15m', 15), t: T + minute * 60_000 });
      for (let i = 0; i < 60; i++) join.fold(trade(minute * 60 + i, 100 + minute + i), () => undefined);
      join.fold(clock((minute + 1) * 60), (outcome) => outcomes.push(outcome));
    }
    expect(outcomes).toHaveLength(60 - 15);
    expect(outcomes.every(({ status }) => status === UP)).toBe(true);
    expect(join.pending).toBe(15);
  });
});
