/** What lives by the second against scripts/oracle/features_seconds.py: mid returns up to a day, leadership, the BTC reference. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { createFold, foldTick } from './fold.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/seconds.json'), 'utf8')) as Golden;

const START = Date.UTC(2024, 2, 9);
const MINUTES = 1_470;
const SECONDS = 8_400;
const LEGS = [
  { venue: 'coinbase', instrument: 'ETH-USD', lag: 2 },
  { venue: 'kraken', instrument: 'ETH-USD', lag: 0 },
  { venue: 'kraken', instrument: 'ETH-USDT', lag: 1 },
  { venue: 'binanceus', instrument: 'ETH-USD', lag: 3 },
] as const;
const LAST_OF_THIRD = 5_900;

test('what lives by the second is what the formulas say of the same mids', () => {
  const rows = new Map(golden.rows.map(({ t, values }) => [t, values]));
  const places = golden.columns.map((name) => featureSchema().columns.indexOf(name));
  const state = createFold({ targets: ['coinbase:ETH-USD'] });
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of events()) {
    foldTick(state, tick, 0, ({ t, values }) => {
      rows.get(t)?.forEach((expected, index) => {
        const value = values[places[index]!]!;
        compared++;
        const isRight = expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-11 + 2e-7 * Math.abs(expected);
        if (!isRight) wrong.push(`${golden.columns[index]!} at ${(t - START) / 60_000}: ${value}, oracle ${expected}`);
      });
    });
  }
  expect(wrong).toEqual([]);
  expect(compared).toBe(golden.rows.length * golden.columns.length);
});

/** The events of the oracle: the same draws, in whole cents. */
function* events(): Generator<Tick> {
  const draw = createDraw(77_777);
  let price = 250_000;
  let btc = 6_000_000;
  // Vectors are of instruments that have traded.
  yield trade(0, price);
  for (let minute = 1; minute <= MINUTES; minute++) {
    price += draw(401) - 200;
    for (const { venue, instrument } of LEGS) {
      const middle = price + draw(41) - 20;
      yield quote(venue, instrument, minute * 60, middle - 1, middle + 1 + draw(3));
    }
    yield clock(minute * 60);
  }
  const moves = [0, 0, 0];
  for (let second = 1; second <= SECONDS; second++) {
    const now = MINUTES * 60 + second;
    moves.push(draw(41) - 20);
    price += moves.at(-1)!;
    for (const [index, { venue, instrument, lag }] of LEGS.entries()) {
      let late = 0;
      for (let back = 1; back <= lag; back++) late += moves[moves.length - back]!;
      const middle = price - late + draw(7) - 3;
      if (draw(4) === 0 || (index === 2 && second > LAST_OF_THIRD)) continue;
      yield quote(venue, instrument, now, middle - 1, middle + 1 + draw(3));
    }
    btc += draw(2001) - 1000;
    const effectiveT = START + (now + 2) * 1000;
    const value = { source: 'coinbase', series: 'BTC-USD', seq: second, value: btc / 100, effectiveT };
    yield Tick.fromPartial({ event: { $case: 'reference', value } });
    if (second % 60 === 0 || draw(20) !== 0) yield clock(now);
  }
}

function quote(venue: string, instrument: string, second: number, bid: number, ask: number): Tick {
  const exchangeTime = (START + second * 1000 - 500) * 1000;
  const value = { bid: bid / 100, bidSize: 1, ask: ask / 100, askSize: 1 };
  return Tick.fromPartial({ asset: 'ETH', venue, instrument, exchangeTime, event: { $case: 'quote', value } });
}

function trade(second: number, price: number): Tick {
  const exchangeTime = (START + second * 1000) * 1000;
  const value = { tradeId: 1, price: price / 100, size: 1 };
  return Tick.fromPartial({
    asset: 'ETH',
    venue: 'coinbase',
    instrument: 'ETH-USD',
    exchangeTime,
    event: { $case: 'trade', value },
  });
}

function clock(second: number): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t: START + second * 1000 } } });
}

function createDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
}
