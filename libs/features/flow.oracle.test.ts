/** Order flow against scripts/oracle/features_flow.py, which applies each formula to the whole list of events. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { Side, Tick } from '../wire/tributary/v1/market.ts';
import { featureSchema } from './catalogue.ts';
import { columnsOf } from './declaration.ts';
import { flowBlock, midReturnBlock, quoteBlock } from './flow-block.ts';
import { createFold, foldTick } from './fold.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}

const read = (file: string): Golden => JSON.parse(readFileSync(join(import.meta.dirname, 'golden', file), 'utf8')) as Golden;

const START = Date.UTC(2024, 2, 9);
const MINUTES = 120;
/** The minute without a trade. */
const QUIET = 85;

describe('order flow', () => {
  test.each(['flow.json', 'flow-edges.json'])('the oracle covers every feature of it: %s', (file) => {
    const declared = [quoteBlock, midReturnBlock, flowBlock].flatMap(columnsOf).map(({ name }) => name);
    expect([...read(file).columns].sort()).toEqual(declared.sort());
  });

  test.each([
    { market: 'the same trades, quotes and book slices', file: 'flow.json', hasEdges: false },
    { market: 'those of a market that is not well-behaved', file: 'flow-edges.json', hasEdges: true },
  ])('is what the formulas say of $market', ({ file, hasEdges }) => {
    const golden = read(file);
    const rows = new Map(golden.rows.map(({ t, values }) => [t, values]));
    const places = golden.columns.map((name) => featureSchema().columns.indexOf(name));
    const state = createFold({ targets: ['coinbase:BTC-USD'] });
    const wrong: string[] = [];
    let compared = 0;
    for (const tick of events(hasEdges)) {
      foldTick(state, tick, 0, ({ t, values }) => {
        rows.get(t)?.forEach((expected, index) => {
          const value = values[places[index]!]!;
          compared++;
          // Float32, and what the order of summation leaves.
          const isRight =
            expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-11 + 2e-7 * Math.abs(expected);
          if (!isRight) wrong.push(`${golden.columns[index]!} at ${(t - START) / 60_000}: ${value}, oracle ${expected}`);
        });
      });
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(golden.rows.length * golden.columns.length);
  });
});

/** The events of the oracle: the same draws. With edges, by minute, as the oracle's header says. */
function* events(hasEdges: boolean): Generator<Tick> {
  const draw = createDraw(54_321);
  let price = 250_000;
  let tradeId = 0;
  for (let second = 0; second < MINUTES * 60; second++) {
    const minute = hasEdges ? Math.floor(second / 60) : 0;
    const isWithin = (from: number, to: number): boolean => minute >= from && minute < to;
    const isFlat = isWithin(62, 68);
    const move = draw(41) - 20;
    price += isFlat ? 0 : move;
    if (hasEdges && second === 92 * 60) price += 75_000;
    for (let left = second === 0 ? 1 : draw(3); left > 0; left--) {
      const drawn = {
        bid: (price - 1 - draw(5)) / 100,
        ask: (price + 1 + draw(5)) / 100,
        bidSize: (1 + draw(3000)) / 1000,
        askSize: (1 + draw(3000)) / 1000,
      };
      const value = isFlat ? { bid: (price - 2) / 100, ask: (price + 2) / 100, bidSize: 0.5, askSize: 0.5 } : drawn;
      if (isWithin(93, 97)) value.bidSize = 0;
      yield tickOf(second * 1000, { $case: 'quote', value });
    }
    const trades = second === 0 ? 1 : draw(4);
    for (let index = 0; index < trades; index++) {
      const isBuy = draw(2) === 0;
      const aggressor = isBuy || isWithin(68, 75) ? Side.SIDE_BUY : Side.SIDE_SELL;
      const offset = draw(11) - 5;
      const traded = (price + (isFlat ? 0 : offset)) / 100;
      const base = 1 + draw(2000);
      const isHuge = minute === 108 && second % 60 === 7;
      const size = (base * (draw(60) === 0 ? 20 : 1) * (isHuge ? 1_000_000 : 1)) / 1000;
      const time = second * 1000 + index * 100 - (draw(40) === 0 ? 5000 : 0);
      if (hasEdges ? isWithin(75, 92) : Math.floor(second / 60) === QUIET - 1) continue;
      yield tickOf(time, { $case: 'trade', value: { tradeId: ++tradeId, price: traded, size, aggressor, repaired: false } });
    }
    for (let left = [0, 1, 1, 1, 1, 2][draw(6)]!; left > 0; left--) {
      const slice = bookSlice(draw, second * 1000, isWithin(97, 101));
      if (!isWithin(101, 107)) yield slice;
    }
    if ((second + 1) % 10 === 0 || draw(25) !== 0) {
      yield Tick.fromPartial({ event: { $case: 'clock', value: { t: START + (second + 1) * 1000 } } });
    }
  }
}

function bookSlice(draw: (below: number) => number, time: number, isEmptySided: boolean): Tick {
  const levels = 5 + draw(16);
  const list = (count: number, next: () => number): number[] => Array.from({ length: count }, next);
  const bidSizes = list(levels, () => (1 + draw(5000)) / 1000);
  const askSizes = list(levels, () => (1 + draw(5000)) / 1000);
  const bidValue10bps = (1 + draw(50_000)) / 10;
  const askValue10bps = (1 + draw(50_000)) / 10;
  const bidValue50bps = (1 + draw(50_000)) / 10;
  const askValue50bps = (1 + draw(50_000)) / 10;
  const orderFlow = list(5, () => (draw(2001) - 1000) / 1000);
  return Tick.fromPartial({
    ...MARKET,
    exchangeTime: (START + time) * 1000,
    event: {
      $case: 'book',
      value: {
        ...(isEmptySided ? { bidSizes: [0], askSizes: askSizes.slice(0, 1) } : { bidSizes, askSizes }),
        ...{ bidValue10bps, askValue10bps, bidValue50bps, askValue50bps, orderFlow },
      },
    },
  });
}

const MARKET = { asset: 'BTC', venue: 'coinbase', instrument: 'BTC-USD' };

function tickOf(time: number, event: NonNullable<Tick['event']>): Tick {
  return { ...MARKET, exchangeTime: (START + time) * 1000, receiveTime: (START + time) * 1000, sequence: 0, event };
}

function createDraw(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
}
