/** Ingest against the exchange simulator: whatever goes wrong, every trade of the simulator's ledger reaches the log once. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Side } from '#libs/wire/tributary/v1/market.ts';
import { type FaultKind } from '#services/simulator/faults.ts';
import { type Simulator, startSimulator } from '#services/simulator/simulator.ts';
import { type Harness, openHarness, until } from './harness.test-tool.ts';

const BTC = 'BTC-USD';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ symbols: [BTC], tradeRate: 4, historyDays: 0.1, rateLimits: false });
});
afterAll(() => simulator.stop());

describe.each(['coinbase', 'kraken'] as const)('%s', (venue) => {
  let harness: Harness;
  let run: ReturnType<Harness['start']>;
  const endpoints = () => ({ ws: simulator.urls[`${venue}Ws`], rest: simulator.urls[`${venue}Rest`] });
  const begin = () => harness.start({ venue, instruments: [BTC], endpoints: endpoints(), silenceMs: 2_000 });

  beforeAll(async () => {
    harness = await openHarness();
    run = begin();
    await until('the first trades and quotes', () => harness.of('trade', BTC).length > 3 && harness.of('quote', BTC).length > 3);
  });
  afterAll(async () => {
    await harness.close();
  });

  /** Waits until all trades that the ledger has now are in the log, then compares: none missing, none twice, none changed. */
  async function expectAllTrades(): Promise<void> {
    const first = Math.min(...harness.of('trade', BTC).map(({ tradeId }) => tradeId));
    const ledger = simulator.ledger.trades({ venue, instrument: BTC, fromId: first });
    const wanted = new Set(ledger.map(({ tradeId }) => tradeId));
    await until('every trade of the ledger', () => {
      const seen = new Set(harness.of('trade', BTC).map(({ tradeId }) => tradeId));
      return [...wanted].every((id) => seen.has(id));
    });
    const logged = harness
      .of('trade', BTC)
      .filter(({ tradeId }) => wanted.has(tradeId))
      .sort((one, other) => one.tradeId - other.tradeId);
    expect(logged.map(({ tradeId, price, size, aggressor }) => [tradeId, price, size, aggressor])).toEqual(
      ledger.map(({ tradeId, price, size, aggressor }) => [
        tradeId,
        Number(price),
        Number(size),
        aggressor === 'buy' ? Side.SIDE_BUY : Side.SIDE_SELL,
      ]),
    );
  }

  /** What the metric says, seconds. */
  async function skewSaid(name: 'skew' | 'skew_error'): Promise<number> {
    const said = new RegExp(`tributary_ingest_clock_${name}_seconds\\{venue="${venue}"\\} (\\S+)`);
    return Number(said.exec(await harness.metrics.metrics())![1]);
  }

  async function expectNewQuotes(): Promise<void> {
    const before = harness.of('quote', BTC).length;
    await until('quotes', () => harness.of('quote', BTC).length > before + 3);
  }

  test('publishes trades, quotes, slices, status, heartbeats, and the stablecoin rate for every partition', async () => {
    await until(
      'references and heartbeats',
      () => harness.of('reference').length >= 4 && harness.of('heartbeat', BTC).some(({ healthy }) => healthy),
    );
    await expectAllTrades();
    expect(harness.of('status', BTC)[0]).toMatchObject({ status: 1 });
    expect(harness.of('gap', BTC).map(({ detail }) => detail)).toEqual(['start']);
    const series = new Set(harness.of('reference').map((reference) => reference.series));
    expect(series).toContain(BTC);
    expect(series).toContain('USDT-USD');
    for (const { seq, effectiveT, source } of harness.of('reference'))
      expect([effectiveT, source]).toEqual([(seq + 2) * 1000, venue]);
    for (const { bid, ask } of harness.of('quote', BTC)) expect(bid).toBeLessThan(ask);
    for (const slice of harness.of('book', BTC)) {
      expect(slice.orderFlow.length).toBe(5);
      expect(slice.bidPrices.length).toBeLessThanOrEqual(20);
      expect(slice.bidValue10bps).toBeGreaterThan(0);
    }
    expect(harness.health.ready).toBe(true);
  });

  const faults: [FaultKind, string[]][] = [
    ['cut', ['DISCONNECT']],
    ['gap', ['TRADES']],
    ['malformed', ['MALFORMED']],
    ['absurd', ['MALFORMED']],
    ['tenfold', ['MALFORMED']],
    ['crossed', venue === 'coinbase' ? ['CROSSED_BOOK'] : ['CROSSED_BOOK', 'CHECKSUM']],
    ['stall', ['STALE']],
    ...(venue === 'kraken' ? [['badChecksum', ['CHECKSUM']] satisfies [FaultKind, string[]]] : []),
  ];
  test.each(faults)('after the fault %s the hole is stated and filled, and quotes flow again', async (kind, expected) => {
    const before = harness.gaps(BTC).length;
    simulator.fault(
      venue,
      kind,
      kind === 'stall'
        ? { seconds: 4 }
        : kind === 'gap'
          ? { instrument: BTC, count: 3 }
          : kind === 'absurd' || kind === 'tenfold'
            ? { instrument: BTC, count: kind === 'tenfold' ? 5 : 1 }
            : {},
    );
    await until(`a gap of ${expected.join(' or ')}`, () =>
      harness
        .gaps(BTC)
        .slice(before)
        .some((gap) => expected.includes(gap)),
    );
    await expectNewQuotes();
    await expectAllTrades();
  });

  test('repairs through a REST API that throttles', async () => {
    simulator.fault(venue, '429', { seconds: 3 });
    simulator.fault(venue, 'gap', { instrument: BTC, count: 3 });
    const before = harness.of('trade', BTC).filter(({ repaired }) => repaired).length;
    await until('a repaired trade', () => harness.of('trade', BTC).filter(({ repaired }) => repaired).length > before);
    await expectAllTrades();
  });

  test.each([600, -600])('says that the clock of a venue is %i s ahead, within the error that it states', async (seconds) => {
    await run.stop();
    simulator.fault(venue, 'clockSkew', { seconds: 60, offsetMs: seconds * 1000 });
    const before = harness.of('heartbeat', BTC).length;
    run = begin();
    const beats = () => harness.of('heartbeat', BTC).slice(before);
    await until('heartbeats that know it', () => beats().some(({ clockSkew }) => clockSkew !== 0));
    const [skew, error] = [await skewSaid('skew'), await skewSaid('skew_error')];
    expect(Math.abs(skew - seconds)).toBeLessThanOrEqual(error);
    // A resolution of a second, and the time that an answer takes at most.
    expect(error).toBeLessThan(3.5);
    expect(beats().at(-1)!.clockSkew / 1e6).toBeCloseTo(skew, 6);
    simulator.fault(venue, 'clockSkew', { seconds: 0 });
  });

  test('after a restart goes on where it stopped: the trades between are filled in, sequences go on growing', async () => {
    await run.stop();
    const stoppedAt = simulator.ledger.count(venue, BTC);
    await until('trades that nobody follows', () => simulator.ledger.count(venue, BTC) > stoppedAt + 5);
    const before = harness.ticks.length;
    run = begin();
    await until('the feed again', () => harness.ticks.slice(before).some(({ event }) => event?.$case === 'quote'));
    await expectAllTrades();
    const sequences = new Map<string, number>();
    for (const { instrument, event, sequence } of harness.ticks) {
      if (instrument === '') continue;
      const key = `${instrument} ${event!.$case}`;
      expect(sequence).toBeGreaterThan(sequences.get(key) ?? 0);
      sequences.set(key, sequence);
    }
  });
});
