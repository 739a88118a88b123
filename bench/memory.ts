/**
 * What an asset and a venue hold in memory: folds of N and of 2 N assets (and of 2 and 4 venues), warm after a day and two hours of
 * minutes and ten minutes of seconds; the difference, after garbage collection, of heap and array buffers. Needs `--expose-gc`.
 */
import { createFold, foldTick, type FoldState } from '#libs/features/fold.ts';
import { generateMarket, type Listing } from '#libs/features/checks/market.ts';
import { type Figure, figure } from './measure.ts';

const START = Date.UTC(2026, 0, 5);
const VENUES = ['coinbase', 'kraken', 'binanceus', 'cryptocom'];

export function benchMemory(): Figure[] {
  const { gc } = globalThis;
  if (gc === undefined) return [];
  const held = (assets: number, venues: number): number => {
    gc();
    const before = used();
    const states = Array.from({ length: assets }, () => folded(venues));
    gc();
    const bytes = used() - before;
    if (states.length !== assets) throw new Error('the states are gone');
    return bytes / 1024;
  };
  const runs = [0, 1, 2].map(() => ({ few: held(3, 4), many: held(6, 4), narrow: held(6, 2) }));
  return [
    figure(
      'memory: one asset on 4 venues',
      'KiB',
      runs.map(({ few, many }) => (many - few) / 3),
    ),
    figure(
      'memory: one venue more',
      'KiB',
      runs.map(({ many, narrow }) => (many - narrow) / 12),
    ),
  ];
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A state of its own for each asset, so that nothing is shared between them. */
function folded(venues: number): FoldState {
  const listings = VENUES.slice(0, venues).map((venue): Listing => ({ venue, base: 'BTC', quote: 'USD' }));
  const state = createFold();
  const ticks = generateMarket({ start: START, candleMinutes: 1_560, liveMinutes: 10, listings, seed: 3 });
  ticks.forEach((tick, offset) => foldTick(state, tick, offset, () => undefined));
  return state;
}
