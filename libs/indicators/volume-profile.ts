/**
 * Volume profile of the last n bars: how much was traded at which price, in bins of 10 bps on a log scale; each bar's volume stands at
 * its typical price. Point of control: the bin with most volume. Value area: from there outward, always the larger neighbour first,
 * until 70 % of the volume is in (Steidlmayer's market profile). Fixed memory: a ring of bins, so a price range of more than
 * e^2 within the window has no profile.
 */
import { createRollingExtreme, peekRollingExtreme, pushRollingExtreme, type RollingExtremeState } from './rolling-extreme.ts';

export interface VolumeProfileState {
  /** Bin and volume of the last n bars; a bar without volume stands in no bin (NaN). */
  readonly bins: Float64Array;
  readonly volumes: Float64Array;
  count: number;
  head: number;
  /** Volume and number of bars by bin modulo BINS: a bin that all bars have left holds exactly nothing. */
  readonly profile: Float64Array;
  readonly occupied: Uint16Array;
  readonly lowest: RollingExtremeState;
  readonly highest: RollingExtremeState;
}

const BINS = 2048;
const BIN_WIDTH = 0.001;
const VALUE_AREA = 0.7;
/** Volumes that differ by less than this share of all are equal: rounding must not choose. */
const TIE = 1e-9;

export function createVolumeProfile(n: number): VolumeProfileState {
  return {
    bins: new Float64Array(n),
    volumes: new Float64Array(n),
    count: 0,
    head: 0,
    profile: new Float64Array(BINS),
    occupied: new Uint16Array(BINS),
    // One more: nothing is forming, the n pushed ones count.
    lowest: createRollingExtreme(n + 1, 'lowest'),
    highest: createRollingExtreme(n + 1, 'highest'),
  };
}

export function pushVolumeProfile(state: VolumeProfileState, typical: number, volume: number): void {
  const { bins, volumes, head } = state;
  if (state.count === bins.length) leave(state, bins[head]!, volumes[head]!);
  else state.count++;
  const bin = volume > 0 ? Math.floor(Math.log(typical) / BIN_WIDTH) : NaN;
  bins[head] = bin;
  volumes[head] = volume;
  pushRollingExtreme(state.lowest, volume > 0 ? bin : Infinity);
  pushRollingExtreme(state.highest, volume > 0 ? bin : -Infinity);
  if (volume > 0) {
    const slot = slotOf(bin);
    state.profile[slot]! += volume;
    state.occupied[slot]!++;
  }
  state.head = (head + 1) % bins.length;
}

function leave({ profile, occupied }: VolumeProfileState, bin: number, volume: number): void {
  if (Number.isNaN(bin)) return;
  const slot = slotOf(bin);
  occupied[slot]!--;
  profile[slot] = occupied[slot] === 0 ? 0 : profile[slot]! - volume;
}

function slotOf(bin: number): number {
  return ((bin % BINS) + BINS) % BINS;
}

/**
 * Writes ln(close / point of control) to out[at], and to out[at + 1] where the close stands in the value area: 0 at its lower edge, 1 at its
 * upper, beyond them outside. Both NaN before n bars, where nothing was traded, or over too wide a range. Of equal bins the one nearest
 * to the close is the point of control, the lower of two equally near.
 */
export function writeVolumeProfile(state: VolumeProfileState, close: number, out: Float64Array, at: number): void {
  out[at] = out[at + 1] = NaN;
  if (state.count < state.bins.length) return;
  const lowest = peekRollingExtreme(state.lowest, Infinity);
  const highest = peekRollingExtreme(state.highest, -Infinity);
  if (!(highest >= lowest && highest - lowest < BINS)) return;
  const price = Math.log(close) / BIN_WIDTH;
  let total = 0;
  let most = 0;
  for (let bin = lowest; bin <= highest; bin++) {
    const volume = state.profile[slotOf(bin)]!;
    total += volume;
    if (volume > most) most = volume;
  }
  const tie = TIE * total;
  let control = NaN;
  for (let bin = lowest; bin <= highest; bin++) {
    if (state.profile[slotOf(bin)]! < most - tie) continue;
    if (Number.isNaN(control) || Math.abs(bin + 0.5 - price) < Math.abs(control + 0.5 - price)) control = bin;
  }
  let below = control;
  let above = control;
  let inside = state.profile[slotOf(control)]!;
  while (inside < VALUE_AREA * total - tie && (below > lowest || above < highest)) {
    const lower = below > lowest ? state.profile[slotOf(below - 1)]! : -1;
    const upper = above < highest ? state.profile[slotOf(above + 1)]! : -1;
    if (lower >= upper - tie && lower >= 0) inside += state.profile[slotOf(--below)]!;
    if (upper >= lower - tie && upper >= 0) inside += state.profile[slotOf(++above)]!;
  }
  out[at] = (price - (control + 0.5)) * BIN_WIDTH;
  out[at + 1] = (price - below) / (above + 1 - below);
}
