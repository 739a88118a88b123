/** All legs, conversion rates, reference returns and the longest bars against scripts/oracle/features_legs.py: pandas. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { createFold, foldTick } from './fold.ts';
import { EVERY_LEG } from './leg-block.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/legs.json'), 'utf8')) as Record<
  'coinbase' | 'kraken' | 'bars',
  Golden
>;

const START = Date.UTC(2024, 2, 9);
const MINUTE = 60_000;
const MINUTES = 1_700;
const HOURS = 460;
const RATES = ['coinbase:USDT-USD', 'kraken:USDT-USD', 'kraken:USDC-USD', 'binanceus:USDC-USDT', 'kraken:EUR-USD'];

test('features of all legs are what pandas makes of the same candles and rates', () => {
  const { coinbase, kraken } = golden;
  expect(differences(market(), { 'coinbase:ETH-USD': coinbase, 'kraken:ETH-USD': kraken })).toEqual([]);
}, 60_000);

test('the volume of the longest bars stands to 20 of them as numpy says', () => {
  expect(differences(hours(), { 'kraken:ETH-USD': golden.bars })).toEqual([]);
}, 60_000);

/** Compares the vectors of each target at its golden times. */
function differences(ticks: Iterable<Tick>, wanted: Readonly<Record<string, Golden>>): string[] {
  const { columns: all } = featureSchema();
  const state = createFold({ targets: Object.keys(wanted) });
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of ticks) {
    foldTick(state, tick, 0, ({ t, venue, instrument, values }) => {
      const { columns, rows } = wanted[`${venue}:${instrument}`]!;
      rows
        .find((row) => row.t === t)
        ?.values.forEach((expected, index) => {
          const value = values[all.indexOf(columns[index]!)] ?? Infinity;
          compared++;
          // pandas' own running sums and Float32 leave about seven digits.
          const isRight =
            expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-9 + 1e-6 * Math.abs(expected);
          if (!isRight) wrong.push(`${columns[index]!} at ${(t - START) / MINUTE}: ${value}, oracle ${expected}`);
        });
    });
  }
  expect(compared).toBe(Object.values(wanted).reduce((sum, { columns, rows }) => sum + rows.length * columns.length, 0));
  return wrong;
}

/** The candles and rates of the oracle: the same draws, in whole cents, thousandths and basis points. */
function* market(): Generator<Tick> {
  const draw = createDraw();
  let eth = 250_000;
  let btc = 6_000_000;
  for (let minute = 0; minute < MINUTES; minute++) {
    const move = draw(401) - 200;
    eth += move;
    btc += 15 * move + draw(4001) - 2000;
    yield reference('coinbase:BTC-USD', minute, btc / 100);
    yield reference('coinbase:ETH-USD', minute, eth / 100);
    if (minute % 5 === 0 && (minute < 1_300 || minute >= 1_360)) yield aggregate(minute, (eth + ((minute * 37) % 41) - 20) / 100);
    for (const rate of RATES) {
      const value = ((rate === 'kraken:EUR-USD' ? 10_800 : 10_000) + draw(41) - 20) / 10_000;
      if (draw(5) !== 0 || minute % 3 === 0) yield reference(rate, minute, value);
    }
    for (const [index, { venue, quote }] of EVERY_LEG.entries()) {
      const middle = quote === 'EUR' ? eth - 20_000 : eth;
      const close = middle + draw(81) - 40;
      const open = middle + draw(81) - 40;
      const high = Math.max(open, close) + draw(60);
      const low = Math.min(open, close) - draw(60);
      const volume = (1 + draw(5000)) / 1000;
      if (draw(40) < index && minute > 0) continue;
      const prices = { open: open / 100, high: high / 100, low: low / 100, close: close / 100 };
      yield candle(venue, `ETH-${quote}`, minute, { ...prices, volume });
    }
    yield clock(minute + 1);
  }
}

/** A candle in the first minute of each hour; the clock skips to its end. */
function* hours(): Generator<Tick> {
  const draw = createDraw();
  for (let hour = 0; hour < HOURS; hour++) {
    const volume = (1 + draw(5000)) / 10;
    yield candle('kraken', 'ETH-USD', hour * 60, { open: 100, high: 100, low: 100, close: 100, volume });
    yield clock(hour * 60 + 1);
    yield clock(hour * 60 + 60);
  }
}

interface Shape {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

function candle(venue: string, instrument: string, minute: number, shape: Shape): Tick {
  const start = START + minute * MINUTE;
  const exchangeTime = (start + MINUTE) * 1000;
  const value = { start, ...shape, trades: -1 };
  return Tick.fromPartial({ asset: 'ETH', venue, instrument, exchangeTime, event: { $case: 'candle', value } });
}

function reference(key: string, minute: number, value: number): Tick {
  const [source = '', series = ''] = key.split(':');
  const effectiveT = START + (minute + 1) * MINUTE;
  return Tick.fromPartial({ event: { $case: 'reference', value: { source, series, seq: minute + 1, value, effectiveT } } });
}

/** CryptoCompare's price of all exchanges; it serves for 20 minutes. */
function aggregate(minute: number, value: number): Tick {
  const effectiveT = START + (minute + 1) * MINUTE;
  const series = { source: 'cryptocompare', series: 'cccagg.ETH', seq: minute + 1, value };
  const times = { effectiveT, observedAt: effectiveT, publishedAt: effectiveT * 1000, validFor: 20 * MINUTE };
  return Tick.fromPartial({ event: { $case: 'reference', value: { ...series, ...times } } });
}

function clock(minute: number): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t: START + minute * MINUTE } } });
}

function createDraw(): (below: number) => number {
  let state = 12_345;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
}
