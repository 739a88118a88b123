/**
 * Bars for tests, by a linear congruential generator and plain arithmetic, so that scripts/oracle/generated_bars.py makes the same ones
 * bit for bit; both must change together.
 */
export interface GeneratedBar {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

export interface GeneratorOptions {
  readonly n: number;
  readonly seed?: number;
  readonly start?: number;
  readonly width?: number;
  /** Share of bars without a trade. */
  readonly quiet?: number;
  /** Each so many bars the open is 3 % off; 0 = never. */
  readonly gapEvery?: number;
  /** Each so many bars the price is times or over 10; 0 = never. */
  readonly jumpEvery?: number;
}

export const CASES: Readonly<Record<string, GeneratorOptions>> = {
  walk: { n: 400 },
  flat: { n: 120, width: 0 },
  quiet: { n: 400, seed: 2, quiet: 0.6 },
  gaps: { n: 400, seed: 3, gapEvery: 37 },
  jumps: { n: 400, seed: 4, jumpEvery: 50 },
  tiny: { n: 400, seed: 5, start: 1e-8 },
  large: { n: 400, seed: 6, start: 1e6, width: 1e-5 },
};

export function generatedBars(options: GeneratorOptions): GeneratedBar[] {
  const { n, seed = 1, start = 100, width = 0.01, quiet = 0, gapEvery = 0, jumpEvery = 0 } = options;
  const uniform = createUniform(seed);
  const bars: GeneratedBar[] = [];
  let close = start;
  for (let i = 0; i < n; i++) {
    let open = close;
    if (uniform() < quiet || width === 0) {
      bars.push({ open, high: open, low: open, close: open, volume: 0 });
      continue;
    }
    if (gapEvery !== 0 && i % gapEvery === gapEvery - 1) open *= uniform() < 0.5 ? 1.03 : 0.97;
    if (jumpEvery !== 0 && i % jumpEvery === jumpEvery - 1) {
      open = Math.floor(i / jumpEvery) % 2 === 0 ? open * 10 : open / 10;
    }
    close = open * (1 + (uniform() - 0.5) * width);
    const high = Math.max(open, close) * (1 + (uniform() * width) / 4);
    const low = Math.min(open, close) * (1 - (uniform() * width) / 4);
    bars.push({ open, high, low, close, volume: uniform() * 10 });
  }
  return bars;
}

/** Numerical Recipes' generator: enough for shapes, not for statistics. */
export function createUniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
