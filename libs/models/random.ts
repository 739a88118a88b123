/** Seeded randomness: the same seed gives the same numbers everywhere. */

/** Bound once: a look-up through the global object would cost more than the arithmetic, under jest ten times as much. */
const { imul, min } = Math;

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, passes gjrand; plenty for sampling rows. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** A generator's seed for one purpose, so that adding one purpose moves no other's numbers. FNV-1a over the text. */
export function seedFor(seed: number, purpose: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < purpose.length; i++) hash = imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** `count` of the numbers 0..total-1 without repeats, in rising order. */
export function sample(random: Random, total: number, count: number): Int32Array {
  const chosen = new Int32Array(min(count, total));
  let kept = 0;
  for (let i = 0; i < total && kept < chosen.length; i++) {
    if (random.next() * (total - i) < chosen.length - kept) chosen[kept++] = i;
  }
  return chosen;
}
