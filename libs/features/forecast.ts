/** The own next minute by a regression on where the legs stand now, fitted anew every four hours: between trainings the model's follows too late. */
import { type MinuteBlock } from './declaration.ts';
import { LEGS, legOf, levelOf, retOf, spreadDevOf } from './leg-block.ts';
import { SPREAD_MINUTES } from './legs.ts';
import { type View } from './view.ts';

const BLOCK = 4 * 3_600_000;
/** Fitted on the last 12 complete blocks, from 3 on. */
const BLOCKS = 12;
const LEAST_BLOCKS = 3;
const RIDGE = 0.1;
/** Keeps inputs that never moved out of the way. */
const FLOOR = 1e-9;
const CLIP = 5;
/** Of |body| / scale. */
const LARGEST_MOVE = 9;

const LEG_COUNT = LEGS.length;
// Places of the inputs: 1, own return and those of the legs, all of them a minute before, own spreads, spreads of the legs.
const RETURNS = 1;
const BEFORE = RETURNS + 1 + LEG_COUNT;
const OWN_SPREADS = BEFORE + 1 + LEG_COUNT;
const LEG_SPREADS = OWN_SPREADS + 1 + SPREAD_MINUTES.length;
const WIDTH = LEG_SPREADS + LEG_COUNT;
/** Upper triangle, row by row. */
const PACKED = (WIDTH * (WIDTH + 1)) / 2;

interface Forecast {
  /** By block: sums of z zᵀ, of z y, and how many. */
  readonly squares: Float64Array;
  readonly products: Float64Array;
  readonly pairs: Float64Array;
  /** Blocks that are complete, at most 12; -1: the one under way was cut by a cold start. */
  blocks: number;
  slot: number;
  /** Inputs of the newest minute, and the own scale then. */
  readonly z: Float64Array;
  scale: number;
  readonly weights: Float64Array;
  isWeighted: boolean;
}

export const forecastBlock: MinuteBlock<Forecast> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    {
      name: 'own_forecast',
      unit: 'sd',
      formula:
        'ridge regression (0.1 of the diagonal) of sign(body) sqrt(min(|body| / scale, 9)), body = ln(close / open) of the next own minute, on own_ret and leg_ret of 12 legs now and a minute ago, own_spread, own_spread_dev and leg_spread_dev_10; 48 h (from 12 h on), refit every 4 h',
      inputs: ['bars', 'references'],
      source: 'Hoerl and Kennard 1970; de Jong and Nijman 1997',
      // The first block may be cut; 12 whole ones follow, whose first pair needs the inputs of the minute before.
      warmup: (BLOCKS + 1) * 240 + Math.max(...SPREAD_MINUTES) + 1,
    },
  ],
  create: () => ({
    squares: new Float64Array(BLOCKS * PACKED),
    products: new Float64Array(BLOCKS * WIDTH),
    pairs: new Float64Array(BLOCKS),
    blocks: -1,
    slot: 0,
    z: new Float64Array(WIDTH),
    scale: NaN,
    weights: new Float64Array(WIDTH),
    isWeighted: false,
  }),
  write: (state, view, out, at) => {
    learn(state, outcome(state, view));
    look(state, view);
    if (view.t % BLOCK === 0) refit(state);
    if (!state.isWeighted || !view.instrument.leg.isRecent) return;
    let value = 0;
    for (let i = 0; i < WIDTH; i++) value += state.weights[i]! * state.z[i]!;
    out[at] = value;
  },
};

/** What became of the inputs of a minute ago; NaN = nothing to learn from. */
function outcome({ scale }: Forecast, { instrument: { minute, feed } }: View): number {
  if (minute.empty || feed.isMasked || minute.close === minute.open) return NaN;
  const body = Math.log(minute.close / minute.open);
  return Math.sign(body) * Math.sqrt(Math.min(Math.abs(body) / scale, LARGEST_MOVE));
}

function learn(state: Forecast, y: number): void {
  if (Number.isNaN(y)) return;
  const { squares, products, slot, z } = state;
  let at = slot * PACKED;
  for (let i = 0; i < WIDTH; i++) {
    const zi = z[i]!;
    products[slot * WIDTH + i]! += zi * y;
    for (let j = i; j < WIDTH; j++) squares[at++]! += zi * z[j]!;
  }
  state.pairs[slot]!++;
}

function look(state: Forecast, view: View): void {
  const { z } = state;
  const { instrument } = view;
  z.copyWithin(BEFORE, RETURNS, BEFORE);
  z[0] = 1;
  z[RETURNS] = bounded(retOf(instrument));
  z[OWN_SPREADS] = bounded(levelOf(instrument, view));
  for (let k = 0; k < SPREAD_MINUTES.length; k++) z[OWN_SPREADS + 1 + k] = bounded(spreadDevOf(instrument, view, k));
  for (let i = 0; i < LEG_COUNT; i++) {
    const leg = legOf(view, i);
    z[RETURNS + 1 + i] = leg === undefined ? 0 : bounded(retOf(leg));
    z[LEG_SPREADS + i] = leg === undefined ? 0 : bounded(spreadDevOf(leg, view, 0));
  }
  state.scale = instrument.leg.trail.scale;
}

/** Missing counts as 0. */
function bounded(value: number): number {
  return value > CLIP ? CLIP : value < -CLIP ? -CLIP : value || 0;
}

/** The block that ended becomes the newest of the 12; one that a cold start cut is thrown away. */
function refit(state: Forecast): void {
  const { squares, products, pairs } = state;
  if (state.blocks >= 0) {
    state.blocks = Math.min(state.blocks + 1, BLOCKS);
    state.slot = (state.slot + 1) % BLOCKS;
    if (state.blocks >= LEAST_BLOCKS) state.isWeighted = solve(state);
  } else state.blocks = 0;
  const { slot } = state;
  squares.fill(0, slot * PACKED, (slot + 1) * PACKED);
  products.fill(0, slot * WIDTH, (slot + 1) * WIDTH);
  pairs[slot] = 0;
}

/** Weights from the sums of all blocks (those to come hold zeros), by Cholesky; false where they are not positive definite. */
function solve({ squares, products, pairs, weights }: Forecast): boolean {
  const s = summed(squares, PACKED);
  const w = summed(products, WIDTH);
  const floor = FLOOR * summed(pairs, 1)[0]!;
  // Uᵀ U in place of the triangle; U[k][i] stands at rowOf(k) + i.
  for (let i = 0; i < WIDTH; i++) {
    const row = rowOf(i);
    s[row + i] = s[row + i]! * (1 + RIDGE) + floor;
    for (let k = 0; k < i; k++) {
      const above = rowOf(k);
      for (let j = i; j < WIDTH; j++) s[row + j]! -= s[above + i]! * s[above + j]!;
    }
    if (!(s[row + i]! > 0)) return false;
    const root = Math.sqrt(s[row + i]!);
    for (let j = i; j < WIDTH; j++) s[row + j]! /= root;
  }
  for (let i = 0; i < WIDTH; i++) {
    for (let k = 0; k < i; k++) w[i]! -= s[rowOf(k) + i]! * w[k]!;
    w[i]! /= s[rowOf(i) + i]!;
  }
  for (let i = WIDTH - 1; i >= 0; i--) {
    for (let k = i + 1; k < WIDTH; k++) w[i]! -= s[rowOf(i) + k]! * w[k]!;
    w[i]! /= s[rowOf(i) + i]!;
  }
  weights.set(w);
  return true;
}

/** Sum of the blocks, oldest or newest first alike. */
function summed(blocks: Float64Array, width: number): Float64Array {
  const sum = new Float64Array(width);
  for (let at = 0; at < blocks.length; at++) sum[at % width]! += blocks[at]!;
  return sum;
}

/** Where column 0 of row i of the packed triangle would stand. */
function rowOf(i: number): number {
  return i * WIDTH - (i * (i + 1)) / 2;
}
