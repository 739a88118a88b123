/** Category A from candles against scripts/oracle/features_price_time.py: pandas. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { candlesToTicks } from '../history/candle-events.ts';
import { loadCandles } from '../history/candles.ts';
import { sharedData } from '../history/shared-data.ts';
import { type Tick } from '../wire/tributary/v1/market.ts';
import { createFold, foldTick } from './fold.ts';
import { featureSchema } from './catalogue.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}

const read = (file: string): Golden =>
  (JSON.parse(readFileSync(new URL(`golden/${file}`, import.meta.url), 'utf8')) as Record<'price', Golden>).price;

const START = Date.UTC(2024, 2, 9);
const MINUTE = 60_000;
const MINUTES = 1_700;
/** With edges it ends here. */
const LAST_OF_BINANCEUS = 1_600;
const STILL = { open: 25_000, high: 25_000, low: 25_000, close: 25_000 };
const VENUES = ['coinbase', 'kraken', 'binanceus'];

describe('category A from candles', () => {
  test('is what pandas makes of the same candles', () => {
    expect(differences(candles(false), read('price-time.json'))).toEqual([]);
  }, 120_000);

  test('knows leadership where one venue never moves and the other one ends', () => {
    expect(differences(candles(true), read('leader-edges.json'))).toEqual([]);
  }, 120_000);

  test('is what pandas makes of recorded ones', async () => {
    const path = sharedData('btc-1m-4venues-2023-03-01_2023-03-14.csv.gz');
    if (path === undefined) return;
    const golden = read('price-recorded.json');
    const end = golden.rows.at(-1)!.t;
    const { rows } = await loadCandles(path);
    const known = rows.filter(
      ({ venue, instrument, start }) => VENUES.includes(venue) && instrument === 'BTC-USD' && start < end,
    );
    expect(differences(candlesToTicks(known), golden)).toEqual([]);
  }, 120_000);
});

/** Compares the vectors of the first venue at the golden times. */
function differences(ticks: Iterable<Tick>, golden: Golden): string[] {
  const rows = new Map(golden.rows.map((row) => [row.t, row.values]));
  const places = golden.columns.map((name) => featureSchema().columns.indexOf(name));
  expect(golden.columns.filter((_, index) => places[index]! < 0)).toEqual([]);
  const state = createFold({ targets: ['coinbase:BTC-USD'] });
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of ticks) {
    foldTick(state, tick, 0, ({ t, values }) => {
      rows.get(t)?.forEach((expected, index) => {
        const value = values[places[index]!]!;
        compared++;
        // pandas' own running sums and Float32 leave about seven digits.
        const isRight = expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-9 + 1e-6 * Math.abs(expected);
        if (!isRight) wrong.push(`${golden.columns[index]!} at ${new Date(t).toISOString()}: ${value}, pandas ${expected}`);
      });
    });
  }
  expect(compared).toBe(golden.rows.length * golden.columns.length);
  return wrong;
}

/** The candles of the oracle: the same draws, in whole cents and thousandths. With edges, as the oracle's header says. */
function* candles(hasEdges: boolean): Generator<Tick> {
  let state = 12_345;
  const draw = (below: number): number => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
  let price = 2_500_000;
  for (let minute = 0; minute < MINUTES; minute++) {
    const start = START + minute * MINUTE;
    price += draw(2001) - 1000;
    for (const [index, venue] of VENUES.entries()) {
      const close = price + draw(801) - 400;
      const open = price + draw(801) - 400;
      const high = Math.max(open, close) + draw(300);
      const low = Math.min(open, close) - draw(300);
      const volume = 1 + draw(5000);
      if (draw(10) < index && minute > 0) continue;
      if (hasEdges && venue === 'binanceus' && minute >= LAST_OF_BINANCEUS) continue;
      const isStill = hasEdges && venue === 'kraken';
      const value = {
        start,
        ...(isStill ? STILL : { open: open / 100, high: high / 100, low: low / 100, close: close / 100 }),
        volume: volume / 1000,
        trades: -1,
      };
      const time = (start + MINUTE) * 1000;
      const market = { asset: 'BTC', venue, instrument: 'BTC-USD', exchangeTime: time, receiveTime: time, sequence: 0 };
      yield { ...market, event: { $case: 'candle', value } };
    }
    const nobody = { asset: '', venue: '', instrument: '', exchangeTime: 0, receiveTime: 0, sequence: 0 };
    yield { ...nobody, event: { $case: 'clock', value: { t: start + MINUTE, writerEpoch: 0 } } };
  }
}
