/**
 * Which legs the instrument follows within seconds: a leg's weight is the positive part of the correlation of its one-second mid returns
 * with the instrument's own next ones, over the half hour before the whole hour, normalised to a sum of one. Refit at each whole hour,
 * so weights never come from what they are applied to.
 */
import { type MinuteBlock } from './declaration.ts';
import { LEGS } from './leg-block.ts';
import { returnOverSeconds } from './seconds.ts';
import { type AssetState, type InstrumentState } from './state.ts';

export interface Following {
  /** Sums since half past: leg's return x own return one second later, leg's squared, own squared over the same pairs. */
  readonly cross: Float64Array;
  readonly power: Float64Array;
  readonly own: Float64Array;
  /** Returns of the legs in the second before; NaN = none. */
  readonly before: Float64Array;
  /** The newest second learned from, milliseconds. */
  second: number;
  /** Whether the half hour is seen from its start. */
  isWhole: boolean;
  readonly weights: Float64Array;
  isWeighted: boolean;
}

const HOUR = 3_600_000;
const HALF = HOUR / 2;
const LONGEST_HOLE = 4_000;

export function createFollowing(): Following {
  const zeros = (): Float64Array => new Float64Array(LEGS.length);
  return {
    cross: zeros(),
    power: zeros(),
    own: zeros(),
    before: zeros().fill(NaN),
    second: NaN,
    isWhole: false,
    weights: zeros(),
    isWeighted: false,
  };
}

/** Learns from the second that ended with the clock of t; the seconds of all instruments have been advanced. */
export function follow(state: Following, asset: AssetState, own: InstrumentState, t: number): void {
  if (t - state.second !== 1000) state.before.fill(NaN);
  if (!(t - state.second <= LONGEST_HOLE)) state.isWhole = false;
  const move = returnOverSeconds(own.seconds, 1);
  const isUsable = !Number.isNaN(move);
  for (let i = 0; i < LEGS.length; i++) {
    const before = state.before[i]!;
    if (isUsable && !Number.isNaN(before)) {
      state.cross[i]! += before * move;
      state.power[i]! += before * before;
      state.own[i]! += move * move;
    }
    const leg = legOf(asset, i);
    const isOther = leg !== undefined && leg !== own && leg.seconds.second === t;
    state.before[i] = isOther ? returnOverSeconds(leg.seconds, 1) : NaN;
  }
  state.second = t;
  const isHour = t % HOUR === 0;
  if (isHour) weigh(state);
  if (isHour || t % HALF === 0) {
    for (const sums of [state.cross, state.power, state.own]) sums.fill(0);
    state.isWhole = !isHour;
  }
}

function weigh(state: Following): void {
  let sum = 0;
  for (let i = 0; i < LEGS.length; i++) {
    const scale = Math.sqrt(state.power[i]! * state.own[i]!);
    state.weights[i] = state.isWhole && scale > 0 ? Math.max(0, state.cross[i]! / scale) : 0;
    sum += state.weights[i]!;
  }
  state.isWeighted = sum > 0;
  if (sum > 0) for (let i = 0; i < LEGS.length; i++) state.weights[i]! /= sum;
}

const GAP_SECONDS = [1, 5] as const;

export const secondLeaderBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: GAP_SECONDS.map((seconds) => ({
    name: `leader_gap_${seconds}s`,
    unit: 'log',
    formula: `sum over legs of leadership weight x (mid return of the leg over ${seconds} s - own); weights: correlation of the leg's second with the next own second, half an hour before each whole hour`,
    inputs: ['quotes' as const],
    source: 'de Jong and Nijman 1997',
    // The hour under way, and the half before it.
    warmup: 92,
  })),
  create: () => null,
  write: (_state, { asset, instrument: own, t }, out, at) => {
    const { following } = own;
    if (following?.isWeighted !== true || own.feed.isMasked || own.seconds.second !== t) return;
    for (let i = 0; i < GAP_SECONDS.length; i++) out[at + i] = gap(following, asset, own, GAP_SECONDS[i]!);
  },
};

function gap({ weights }: Following, asset: AssetState, own: InstrumentState, seconds: number): number {
  const move = returnOverSeconds(own.seconds, seconds);
  let sum = 0;
  for (let i = 0; i < LEGS.length; i++) {
    const leg = weights[i]! > 0 ? legOf(asset, i) : undefined;
    if (leg === undefined || leg.feed.isMasked || leg.seconds.second !== own.seconds.second) continue;
    const other = returnOverSeconds(leg.seconds, seconds);
    if (!Number.isNaN(other)) sum += weights[i]! * (other - move);
  }
  return sum;
}

function legOf(asset: AssetState, index: number): InstrumentState | undefined {
  const { venue, quote } = LEGS[index]!;
  return asset.venues.get(venue)?.get(`${asset.asset}-${quote}`);
}
