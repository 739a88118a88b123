/** Connections replaced while they serve, against the simulator over real sockets: by its ledger nothing is missing, twice or out of order. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '#libs/clock/clock.ts';
import { createDedupe, isNew } from '#libs/features/dedupe.ts';
import { type Simulator, startSimulator } from '#services/simulator/simulator.ts';
import { type Harness, openHarness, until } from './harness.test-tool.ts';

const INSTRUMENTS = ['BTC-USD', 'ETH-USD'];
const VENUES = ['coinbase', 'kraken'] as const;
type VenueName = (typeof VENUES)[number];

async function rotations(harness: Harness, outcome: 'done' | 'failed'): Promise<number> {
  const said = new RegExp(`tributary_ingest_rotations_total\\{venue="\\w+",outcome="${outcome}"\\} (\\d+)`);
  return Number(said.exec(await harness.metrics.metrics())?.[1] ?? 0);
}

/** Waits as long as the test may last. */
async function untilRotated(harness: Harness, outcome: 'done' | 'failed', times: number): Promise<void> {
  while ((await rotations(harness, outcome)) < times) await systemClock.sleep(50);
}

/** So much that a trace would show. */
async function untilHeard(harness: Harness): Promise<void> {
  const healthy = (instrument: string): number => harness.of('heartbeat', instrument).filter((beat) => beat.healthy).length;
  const isHeard = (instrument: string): boolean => harness.of('trade', instrument).length > 30 && healthy(instrument) > 5;
  while (!INSTRUMENTS.every(isHeard)) await systemClock.sleep(50);
}

function begin(harness: Harness, simulator: Simulator, venue: VenueName, rotateMs?: number): ReturnType<Harness['start']> {
  const endpoints = { ws: simulator.urls[`${venue}Ws`], rest: simulator.urls[`${venue}Rest`] };
  return harness.start({ venue, instruments: INSTRUMENTS, endpoints, rotateMs, silenceMs: 60_000 });
}

function expectNoTrace(harness: Harness, simulator: Simulator, venue: VenueName): void {
  for (const instrument of INSTRUMENTS) {
    expect(harness.of('gap', instrument).map(({ detail }) => detail)).toEqual(['start']);
    const dedupe = createDedupe();
    const trades = harness.ticks.filter((tick) => tick.instrument === instrument && tick.event?.$case === 'trade');
    expect(trades.every((tick) => isNew(dedupe, 'trade', tick))).toBe(true);
    const logged = harness.of('trade', instrument);
    const [first, last] = [logged[0]!.tradeId, logged.at(-1)!.tradeId];
    const made = simulator.ledger.trades({ venue, instrument, fromId: first }).filter(({ tradeId }) => tradeId <= last);
    expect(made.length).toBeGreaterThan(20);
    expect(logged.map(({ tradeId, price, size, repaired }) => [tradeId, price, size, repaired])).toEqual(
      made.map(({ tradeId, price, size }) => [tradeId, Number(price), Number(size), false]),
    );
    const beats = harness.ticks.flatMap(({ instrument: name, receiveTime, event }) =>
      name === instrument && event?.$case === 'heartbeat'
        ? [{ ...event.value, silence: receiveTime - event.value.lastFrameTime }]
        : [],
    );
    const since = beats.slice(beats.findIndex(({ healthy }) => healthy));
    expect(since.length).toBeGreaterThan(3);
    // Where this process itself got no turn for seconds, it says so of the feed.
    expect(since.filter(({ healthy, silence }) => !healthy && silence < 3_000_000)).toEqual([]);
    expect(since.filter(({ reconnects, checksumFailures }) => reconnects + checksumFailures > 0)).toEqual([]);
    for (const { bid, ask } of harness.of('quote', instrument)) expect(bid).toBeLessThan(ask);
  }
}

const simulatorWith = (options: { maxConnectionMs?: number }): Promise<Simulator> =>
  startSimulator({ symbols: INSTRUMENTS, tradeRate: 20, historyDays: 0.1, rateLimits: false, ...options });

describe('a venue that ends every connection after eight seconds', () => {
  let simulator: Simulator;
  let left: Harness;
  const rotated = new Map<VenueName, Harness>();
  beforeAll(async () => {
    simulator = await simulatorWith({ maxConnectionMs: 8_000 });
    left = await openHarness();
    begin(left, simulator, 'coinbase');
    const runs = [];
    for (const venue of VENUES) {
      const harness = await openHarness();
      rotated.set(venue, harness);
      runs.push({ harness, run: begin(harness, simulator, venue, 1_000) });
    }
    while (left.of('gap', 'BTC-USD').length < 2) await systemClock.sleep(50);
    for (const { harness, run } of runs) {
      await untilRotated(harness, 'done', 2);
      await untilHeard(harness);
      await run.stop();
    }
  }, 120_000);
  afterAll(async () => {
    for (const harness of [left, ...rotated.values()]) await harness.close();
    await simulator.stop();
  });

  test('left alone, it leaves a gap', () => {
    // What was missed meanwhile may be said next.
    const details = left.of('gap', 'BTC-USD').map(({ detail }) => detail);
    expect(details.slice(0, 2)).toEqual(['start', 'closed with code 1001']);
  });

  test.each(VENUES)('%s: replaced before that, it leaves no trace', (venue) => {
    expectNoTrace(rotated.get(venue)!, simulator, venue);
  });
});

test('where the next connection is refused the present one goes on, and is replaced later', async () => {
  const simulator = await simulatorWith({});
  const harnesses = await Promise.all(
    VENUES.map(async (venue) => {
      const harness = await openHarness();
      const run = begin(harness, simulator, venue, 1_000);
      await until('the first trades', () => INSTRUMENTS.every((instrument) => harness.of('trade', instrument).length > 0));
      simulator.fault(venue, 'refuse', { seconds: 60 });
      return { venue, harness, run };
    }),
  );
  try {
    for (const { harness, venue, run } of harnesses) {
      await untilRotated(harness, 'failed', 2);
      expect(await rotations(harness, 'done')).toBe(0);
      simulator.fault(venue, 'refuse', { seconds: 0 });
      await untilRotated(harness, 'done', 1);
      await untilHeard(harness);
      await run.stop();
      expectNoTrace(harness, simulator, venue);
    }
  } finally {
    for (const { harness } of harnesses) await harness.close();
    await simulator.stop();
  }
}, 120_000);
