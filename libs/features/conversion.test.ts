/** Legs in stablecoins and in euro: converted by the live rate, masked where it is off its peg or old. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { candlesToTicks } from '../history/candle-events.ts';
import { loadCandles } from '../history/candles.ts';
import { sharedData } from '../history/shared-data.ts';
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { createFold, foldTick } from './fold.ts';
import { QUALITY } from './quality.ts';

const MINUTE = 60_000;
const column = (name: string): number => {
  const at = featureSchema().columns.indexOf(name);
  if (at < 0) throw new Error(`no column ${name}`);
  return at;
};

describe('March 2023, when USDC lost its peg', () => {
  const path = sharedData('btc-1m-4venues-2023-03-01_2023-03-14.csv.gz');
  if (path === undefined) {
    test.todo('btc-1m-4venues-2023-03-01_2023-03-14.csv.gz is absent');
    return;
  }
  let vectors: FeatureVector[];
  const shareOf = (name: string, day: number, from: number, to: number): number => {
    const [begin, end] = [Date.UTC(2023, 2, day, from), Date.UTC(2023, 2, day, to)];
    const within = vectors.filter(({ t }) => t > begin && t <= end);
    expect(within.length).toBeGreaterThan(60);
    return within.filter(({ values }) => !Number.isNaN(values[column(name)])).length / within.length;
  };

  beforeAll(async () => {
    const [begin, end] = [Date.UTC(2023, 2, 10, 8), Date.UTC(2023, 2, 12)];
    const wanted = ['BTC-USD', 'BTC-USDC', 'BTC-EUR', 'USDC-USD', 'USDT-USD'];
    const { rows } = await loadCandles(path);
    const some = rows.filter(
      ({ venue, instrument, start }) => start >= begin && start < end && wanted.includes(instrument) && venue !== 'cryptocom',
    );
    vectors = [];
    const state = createFold({ targets: ['kraken:BTC-USD'] });
    for (const tick of candlesToTicks(some)) foldTick(state, tick, 0, (vector) => vectors.push(vector));
  }, 60_000);

  test('USDC legs were converted before, and stood within 40 bps of the dollar price', () => {
    for (const leg of ['kraken_usdc', 'binanceus_usdc']) {
      expect(shareOf(`spread.${leg}@1`, 10, 12, 20)).toBeGreaterThan(0.6);
      const spreads = vectors
        .filter(({ t }) => t > Date.UTC(2023, 2, 10, 12) && t <= Date.UTC(2023, 2, 10, 20))
        .map(({ values }) => Math.abs(values[column(`spread.${leg}@1`)]!))
        .filter((spread) => !Number.isNaN(spread))
        .sort((one, other) => one - other);
      expect(spreads[Math.floor(spreads.length / 2)]).toBeLessThan(0.004);
    }
  });

  test('on the 11th they are masked, and every vector says why', () => {
    for (const leg of ['kraken_usdc', 'binanceus_usdc']) {
      for (const name of [`spread.${leg}@1`, `leg_spread.${leg}@1`, `leg_spread_dev_10.${leg}@1`]) {
        expect([name, shareOf(name, 11, 3, 24)]).toEqual([name, 0]);
      }
    }
    const eleventh = vectors.filter(({ t }) => t > Date.UTC(2023, 2, 11, 3) && t <= Date.UTC(2023, 2, 12));
    expect(eleventh.every(({ quality }) => (quality & QUALITY.DEPEG) !== 0)).toBe(true);
  });

  test('the dollar legs go on meanwhile, and so does the movement of the leg in its own currency', () => {
    expect(shareOf('spread.coinbase_usd@1', 11, 3, 24)).toBeGreaterThan(0.95);
    expect(shareOf('leg_ret.binanceus_usdc@1', 11, 3, 24)).toBeGreaterThan(0.9);
  });

  test('that file quotes no euro: euro legs have their deviations at a constant rate, and no level', () => {
    expect(shareOf('leg_spread_dev_10.kraken_eur@2', 11, 3, 24)).toBeGreaterThan(0.95);
    expect(shareOf('spread.kraken_eur@1', 11, 3, 24)).toBe(0);
  });
});

describe('a euro leg', () => {
  const START = Date.UTC(2024, 2, 9);
  const candle = (venue: string, instrument: string, minute: number, close: number): Tick => {
    const start = START + minute * MINUTE;
    const value = { start, open: close, high: close, low: close, close, volume: 1, trades: 1 };
    return Tick.fromPartial({
      asset: 'BTC',
      venue,
      instrument,
      exchangeTime: (start + MINUTE) * 1000,
      event: { $case: 'candle', value },
    });
  };
  const rate = (key: string, minute: number, value: number): Tick => {
    const [source = '', series = ''] = key.split(':');
    const effectiveT = START + (minute + 1) * MINUTE;
    return Tick.fromPartial({ event: { $case: 'reference', value: { source, series, seq: minute + 1, value, effectiveT } } });
  };
  const clock = (minute: number): Tick => Tick.fromPartial({ event: { $case: 'clock', value: { t: START + minute * MINUTE } } });

  /** A dollar and a euro leg, 1.08 apart, and the rates that `ratesOf` gives for each minute; values of a column by minute. */
  function fold(minutes: number, name: string, ratesOf: (minute: number) => readonly Tick[]): number[] {
    const values: number[] = [];
    const state = createFold({ targets: ['kraken:BTC-USD'] });
    for (let minute = 0; minute < minutes; minute++) {
      // The dollar price moves a little, so that there is a scale.
      const price = 50_000 + 10 * (minute % 7);
      const ticks = [
        candle('kraken', 'BTC-USD', minute, price),
        candle('kraken', 'BTC-EUR', minute, price / 1.08),
        ...ratesOf(minute),
      ];
      for (const tick of [...ticks, clock(minute + 1)]) {
        foldTick(state, tick, 0, (vector) => values.push(vector.values[column(name)]!));
      }
    }
    return values;
  }

  test('stands at its dollar price, by EUR-USD or through USDT', () => {
    const direct = fold(3, 'spread.kraken_eur@1', (minute) => [rate('kraken:EUR-USD', minute, 1.08)]);
    const tether = (minute: number) => rate('kraken:USDT-USD', minute, 0.999);
    const inverse = fold(3, 'spread.kraken_eur@1', (minute) => [rate('coinbase:USDT-EUR', minute, 0.999 / 1.08), tether(minute)]);
    const cross = fold(3, 'spread.kraken_eur@1', (minute) => [rate('binance:EUR-USDT', minute, 1.08 / 0.999), tether(minute)]);
    for (const spreads of [direct, inverse, cross]) for (const spread of spreads) expect(Math.abs(spread)).toBeLessThan(1e-6);
  });

  test('is missing when the rate is old, or the stablecoin that it goes through is off its peg', () => {
    const old = fold(8, 'spread.kraken_eur@1', (minute) => (minute < 2 ? [rate('kraken:EUR-USD', minute, 1.08)] : []));
    expect(old.map(Number.isNaN)).toEqual([false, false, false, false, false, true, true, true]);
    const depegged = fold(2, 'spread.kraken_eur@1', (minute) => [
      rate('binance:EUR-USDT', minute, 1.2),
      rate('kraken:USDT-USD', minute, 0.9),
    ]);
    expect(depegged).toEqual([NaN, NaN]);
  });

  test('begins its deviations anew when a rate is quoted for the first time: euro and dollars are never in one window', () => {
    const [deviations, scores] = ['leg_spread_dev_10.kraken_eur@2', 'spread_z_5m.kraken_eur@2'].map((name) =>
      fold(140, name, (minute) => (minute < 60 ? [] : [rate('kraken:EUR-USD', minute, 1.08)])),
    );
    // Five values are needed; the rate takes effect at the end of minute 60.
    expect(deviations!.slice(56, 68).map(Number.isNaN)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    for (const value of deviations!.slice(64)) expect(Math.abs(value)).toBeLessThan(1e-3);
    for (const value of scores!.slice(64)) expect(Math.abs(value)).toBeLessThan(1e-3);
  });
});
