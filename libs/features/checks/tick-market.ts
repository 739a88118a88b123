/** Generated ticks of one asset as a recorder writes them: seeded; one venue leads, the others follow it half a second later, or nobody does. */
import { type TickRow } from '../../history/rows.ts';
import { createRandom } from '../../models/random.ts';
import { EVERY_LEG } from '../leg-block.ts';

export interface TickMarketOptions {
  /** Milliseconds. */
  readonly start: number;
  readonly seconds: number;
  /** Default: every leg of the catalogue. The first leads. */
  readonly listings?: readonly { readonly venue: string; readonly quote: string }[];
  /** Whether the others follow the first; else each walks alone. Default true. */
  readonly hasLeader?: boolean;
  readonly seed: number;
}

const LAG = 500;
/** Mean time between two rows of a venue, milliseconds. */
const EVERY = 400;
/** Of a step of the leader, and of what each venue adds of its own: ln. */
const STEP = 3e-5;
const NOISE = 4e-6;

/** Rows by receive time. */
export function generateTickRows(options: TickMarketOptions): TickRow[] {
  const { start, seconds, listings = EVERY_LEG, hasLeader = true, seed } = options;
  const end = start + seconds * 1000;
  const leader = walk(start - LAG, end, seed);
  const rows = listings.flatMap(({ venue, quote }, index) => {
    const random = createRandom(seed + 1 + index);
    const own = hasLeader ? leader : walk(start - LAG, end, seed + 1000 + index);
    const lag = hasLeader && index > 0 ? LAG : 0;
    const made: TickRow[] = [];
    for (let t = start + 1 + random.next() * EVERY; t < end; t += 1 + EVERY * -Math.log(1 - random.next())) {
      const receiveTime = Math.round(t);
      const mid = Math.round(100 * 50_000 * Math.exp(own(receiveTime - lag) + NOISE * (random.next() - 0.5))) / 100;
      const before = made.at(-1);
      const isTrade = random.next() < 0.3;
      const hasSide = index % 2 === 0;
      const isBuy = random.next() < 0.5;
      made.push({
        ...{ venue, instrument: `BTC-${quote}`, exchangeTime: receiveTime - 20, receiveTime, bid: mid - 0.5, ask: mid + 0.5 },
        ...{ bidSize: hasSide ? 0.1 + random.next() : 0, askSize: hasSide ? 0.1 + random.next() : 0 },
        tradePrice: isTrade ? mid + (isBuy ? 0.5 : -0.5) : (before?.tradePrice ?? mid),
        tradeSize: isTrade ? 0.01 + random.next() : (before?.tradeSize ?? 1),
        side: !isTrade ? before?.side : hasSide ? (isBuy ? 'buy' : 'sell') : undefined,
      });
    }
    return made;
  });
  return rows.sort((a, b) => a.receiveTime - b.receiveTime);
}

/** A random walk with a step every 700 ms or so, as a function of time. */
function walk(from: number, to: number, seed: number): (t: number) => number {
  const random = createRandom(seed);
  const times: number[] = [];
  const values: number[] = [];
  let value = 0;
  for (let t = from; t < to; t += 100 + 1200 * random.next()) {
    times.push(t);
    values.push((value += STEP * 2 * (random.next() - 0.5)));
  }
  return (t) => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! <= t) low = middle + 1;
      else high = middle;
    }
    return values[Math.max(0, low - 1)]!;
  };
}
