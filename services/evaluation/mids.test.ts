/** Outcomes of the fast lane: by the mid, by the rule of its labels. */
import { describe, expect, test } from '@jest/globals';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { HORIZON_MS } from '#libs/market/horizon.ts';
import { labelMids } from '#libs/validation/mid-labels.ts';
import { DOWN, FLAT, UP, VOID } from '#libs/validation/labels.ts';
import { GapKind, Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { foldTickRows } from '#services/training/fast/history.ts';
import { OutcomeJoin } from './outcomes.ts';

const T = Date.UTC(2024, 4, 1);
const PLACE = { asset: 'BTC', venue: 'okx', instrument: 'BTC-USDT' };
const { OUTCOME_STATUS_UP, OUTCOME_STATUS_DOWN, OUTCOME_STATUS_FLAT, OUTCOME_STATUS_VOID } = OutcomeStatus;

const decision = (t: number, horizon: '1s' | '5s' = '1s', publishedAt = t): Signal =>
  Signal.fromPartial({ ...PLACE, horizon, lane: 'fast', t, publishedAt, validUntil: t + HORIZON_MS[horizon] });

function settle(signals: readonly Signal[], ticks: readonly Tick[]): Outcome[] {
  const join = new OutcomeJoin(2_000);
  for (const signal of signals) join.expect(signal);
  const outcomes: Outcome[] = [];
  for (const tick of ticks) join.fold(tick, (outcome) => outcomes.push(outcome));
  return outcomes;
}

const at = (ms: number, event: NonNullable<Tick['event']>): Tick =>
  Tick.fromPartial({ ...PLACE, exchangeTime: (T - 500) * 1000, receiveTime: (T + ms) * 1000, event });
const quote = (ms: number, mid: number): Tick =>
  at(ms, { $case: 'quote', value: { bid: mid - 1, ask: mid + 1, bidSize: 1, askSize: 1 } });
const trade = (ms: number): Tick =>
  at(ms, { $case: 'trade', value: { tradeId: ms, price: 1, size: 1, aggressor: 0, repaired: false } });
const gap = (ms: number, kind: GapKind): Tick =>
  at(ms, { $case: 'gap', value: { kind, fromTradeId: 0, toTradeId: 0, detail: '' } });
const clock = (ms: number): Tick => Tick.fromPartial({ event: { $case: 'clock', value: { t: T + ms, writerEpoch: 1 } } });

test('are what training calls right and wrong: the labels of every decision on generated ticks', async () => {
  const listings = [
    { venue: 'coinbase', quote: 'USD' },
    { venue: 'okx', quote: 'USDT' },
  ];
  const rows = generateTickRows({ start: T, seconds: 120, listings, seed: 9 });
  const { targets, to } = await foldTickRows(rows, { venues: ['okx'] });
  const { table, series } = targets[0]!;
  // A recorder's stall is seen by its silence alone; live, ingest says what it missed.
  const { y } = labelMids(series, { horizon: HORIZON_MS['1s'], delay: 0 }, table.t, [], to);
  const outcomes = settle(
    Array.from(table.t, (t) => decision(t)),
    [...tickFileToTicks(rows)],
  );
  const status = {
    [UP]: OUTCOME_STATUS_UP,
    [DOWN]: OUTCOME_STATUS_DOWN,
    [FLAT]: OUTCOME_STATUS_FLAT,
    [VOID]: OUTCOME_STATUS_VOID,
  };
  const labels = new Map(Array.from(table.t, (t, i) => [t, status[y[i] as keyof typeof status]]));
  expect(outcomes.length).toBeGreaterThan(table.t.length - 20);
  expect(outcomes.map(({ signal, status: came }) => [signal!.t, came])).toEqual(
    outcomes.map(({ signal }) => [signal!.t, labels.get(signal!.t)]),
  );
  expect(new Set(outcomes.map(({ status: came }) => came)).size).toBeGreaterThan(2);
});

describe('the move', () => {
  test('begins with the last mid at publication and ends a horizon after the decision', () => {
    const [outcome] = settle(
      [decision(T + 100, '1s', T + 400)],
      [clock(0), quote(50, 10), quote(300, 12), quote(1_100, 11), quote(1_101, 99), clock(4_000)],
    );
    expect(outcome).toMatchObject({
      status: OUTCOME_STATUS_DOWN,
      entryPrice: 12,
      exitPrice: 11,
      voidReason: '',
      resolvedAt: T + 4_000,
    });
  });

  test('is flat where only trades came, and void where nothing did or the quotes were not known', () => {
    const of = (ticks: readonly Tick[]): string => {
      const [{ status, voidReason } = { status: undefined, voidReason: '' }] = settle(
        [decision(T + 100)],
        [clock(0), ...ticks, clock(4_000)],
      );
      return voidReason === '' ? String(status) : voidReason;
    };
    expect(of([quote(50, 10), trade(900)])).toBe(String(OUTCOME_STATUS_FLAT));
    expect(of([quote(50, 10)])).toBe('no_quote');
    expect(of([])).toBe('feed_gap');
    expect(of([quote(200, 10)])).toBe('feed_gap');
    expect(of([quote(50, 10), gap(500, GapKind.GAP_KIND_DISCONNECT)])).toBe('feed_gap');
    expect(of([quote(50, 10), gap(90, GapKind.GAP_KIND_CHECKSUM), quote(200, 10), quote(900, 11)])).toBe('feed_gap');
    // Nobody knows what was missed since the last sign of life, so the begin has to lie before that.
    expect(of([quote(50, 10), gap(500, GapKind.GAP_KIND_OVERFLOW), quote(900, 11)])).toBe('feed_gap');
    expect(of([quote(50, 10), trade(300), gap(500, GapKind.GAP_KIND_OVERFLOW), quote(900, 11)])).toBe(String(OUTCOME_STATUS_UP));
    expect(of([quote(50, 10), gap(500, GapKind.GAP_KIND_TRADES), quote(900, 11)])).toBe(String(OUTCOME_STATUS_UP));
  });
});
