/** How far the instrument stands from every leg and from all together, and which of them it has been following. */
import { DOLLAR_LEGS, EURO_NOTE, EURO_VERSIONS, EVERY_LEG, FURTHER_LEGS, hasFeature, legOf, LEGS } from './leg-block.ts';
import { type Feature, type MinuteBlock } from './declaration.ts';
import { clear, createRolling, deviation, mean, push, type Rolling } from './rolling.ts';
import { returnOver } from './trail.ts';
import { type View } from './view.ts';

const inputs = ['bars', 'references'] as const;

export const fairBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: [
    {
      name: 'xvenue_vwap_dev',
      unit: 'log',
      formula: 'ln(close / price of all live dollar legs weighted by their volume of the last hour)',
      inputs,
      warmup: 60,
    },
  ],
  create: () => null,
  write: (_state, { asset, instrument }, out, at) => {
    const { isLive, conversion, dollars } = instrument.leg;
    if (isLive && conversion.isDollars) out[at] = dollars - asset.fair;
  },
};

/** The euro legs stand last: they had no level before they were converted. */
const LEVEL_LEGS = [...DOLLAR_LEGS, ...FURTHER_LEGS, ...LEGS.filter(({ quote }) => quote === 'EUR')];

export const spreadLevelBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: LEVEL_LEGS.map(({ variant }) => variant),
  features: [{ name: 'spread', unit: 'log', formula: 'ln(close / close of the leg), both in dollars', inputs, warmup: 1 }],
  create: () => null,
  write: (_state, { asset, instrument }, out, at) => {
    LEVEL_LEGS.forEach(({ venue, quote }, index) => {
      const other = asset.venues.get(venue)?.get(`${asset.asset}-${quote}`);
      if (other === undefined || other === instrument || !other.leg.isLive || !instrument.leg.isLive) return;
      if (!other.leg.conversion.isDollars || !instrument.leg.conversion.isDollars) return;
      out[at + index] = instrument.leg.dollars - other.leg.dollars;
    });
  },
};

const Z_MINUTES = [5, 60] as const;

interface LegSpreads {
  /** By leg, then by width of Z_MINUTES and 10; legs with one feature hold one hour only. */
  readonly windows: readonly (readonly Rolling[])[];
  /** By leg: whether both sides of the spread were in dollars (Conversion.isDollars); windows of another basis are forgotten. */
  readonly basis: Uint8Array;
}

export const spreadBlock: MinuteBlock<LegSpreads> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  variants: EVERY_LEG.map(({ variant }) => variant),
  has: hasFeature,
  features: [
    ...Z_MINUTES.map((width): Feature => ({
      name: `spread_z_${width === 60 ? '1h' : '5m'}`,
      unit: 'z',
      formula: `the spread less its mean over ${width} min, over its sd + 1e-6${EURO_NOTE}`,
      variantVersions: EURO_VERSIONS,
      inputs,
      warmup: width,
    })),
    {
      name: 'spread_gap_10',
      unit: 'sd',
      formula: `the spread less its mean over 10 min, over the lead's scale${EURO_NOTE}`,
      variantVersions: EURO_VERSIONS,
      inputs,
      warmup: 121,
    },
  ],
  create: () => ({
    windows: EVERY_LEG.map((_, i) => (i < LEGS.length ? [...Z_MINUTES, 10] : [60]).map((width) => createRolling(width))),
    basis: new Uint8Array(EVERY_LEG.length),
  }),
  write: (state, view, out, at) => {
    const own = view.instrument.leg;
    const scale = view.asset.lead?.leg.trail.scale ?? NaN;
    for (let i = 0; i < EVERY_LEG.length; i++) {
      const other = legOf(view, i);
      const isFurther = i >= LEGS.length;
      if (other !== undefined && other !== view.instrument && other.leg.isLive && own.isLive) {
        const windows = state.windows[i]!;
        const basis = Number(own.conversion.isDollars) + 2 * Number(other.leg.conversion.isDollars);
        if (state.basis[i] !== basis) windows.forEach(clear);
        state.basis[i] = basis;
        const spread = own.dollars - other.leg.dollars;
        if (isFurther) out[at] = pushScore(spread, windows[0]!, 30);
        else writeSpread(spread, scale, windows, out, at);
      }
      at += isFurther ? 1 : spreadBlock.features.length;
    }
  },
};

function writeSpread(spread: number, scale: number, [short, hour, ten]: readonly Rolling[], out: Float64Array, at: number): void {
  out[at] = pushScore(spread, short!, 5);
  out[at + 1] = pushScore(spread, hour!, 30);
  push(ten!, spread);
  out[at + 2] = (spread - mean(ten!, 5)) / scale;
}

/** Takes the spread into the window and gives its z there; NaN = fewer than `least`. */
function pushScore(spread: number, window: Rolling, least: number): number {
  push(window, spread);
  return (spread - mean(window, least)) / (deviation(window, least) + 1e-6);
}

const HOUR = 3_600_000;
const HOURS = 24;

interface Leadership {
  /** Sums of products by hour and leg: leg's return x own return one minute later, leg's squared, own squared. */
  readonly cross: Float64Array;
  readonly power: Float64Array;
  readonly own: Float64Array;
  /** Hours that are complete, at most 24; hour under way. */
  hours: number;
  slot: number;
  /** Returns of the legs in the minute before; NaN = none. */
  readonly before: Float64Array;
  readonly weights: Float64Array;
  isWeighted: boolean;
}

/**
 * A leg leads where its return goes with the instrument's next one: weight = positive part of that trailing correlation, normalised
 * to a sum of one. Fitted at each whole hour from the 24 hours before it, so never from what it is applied to.
 */
export const leaderBlock: MinuteBlock<Leadership> = {
  kind: 'minute',
  category: 'A',
  scope: 'instrument',
  features: ['1m', '5m'].map((window) => ({
    name: `leader_gap_${window}`,
    unit: 'log',
    formula: `sum over legs of leadership weight x (return of the leg over ${window} - own return); weights: correlation of the leg's minute with the next own minute, 24 h, refit hourly`,
    inputs: ['bars' as const],
    source: 'de Jong and Nijman 1997',
    // The first hour may be cut; 24 whole ones follow.
    warmup: (HOURS + 1) * 60 + 6,
  })),
  create: () => ({
    cross: new Float64Array(HOURS * LEGS.length),
    power: new Float64Array(HOURS * LEGS.length),
    own: new Float64Array(HOURS),
    hours: -1,
    slot: 0,
    before: new Float64Array(LEGS.length).fill(NaN),
    weights: new Float64Array(LEGS.length),
    isWeighted: false,
  }),
  write: (state, view, out, at) => {
    learn(state, view);
    if (view.t % HOUR === 0) refit(state);
    if (!state.isWeighted || !view.instrument.leg.isRecent) return;
    out[at] = gap(state, view, 1);
    out[at + 1] = gap(state, view, 5);
  },
};

function learn(state: Leadership, view: View): void {
  const own = returnOver(view.instrument.leg.trail, 1);
  const base = state.slot * LEGS.length;
  const isUsable = view.instrument.leg.isRecent && !Number.isNaN(own);
  if (isUsable) state.own[state.slot]! += own * own;
  for (let i = 0; i < LEGS.length; i++) {
    const before = state.before[i]!;
    if (isUsable && !Number.isNaN(before)) {
      state.cross[base + i]! += before * own;
      state.power[base + i]! += before * before;
    }
    const leg = legOf(view, i);
    state.before[i] = leg !== undefined && leg !== view.instrument && leg.leg.isRecent ? returnOver(leg.leg.trail, 1) : NaN;
  }
}

/** The hour that ended becomes the newest of the 24; one that a cold start cut (hours = -1) is thrown away. */
function refit(state: Leadership): void {
  const count = LEGS.length;
  if (state.hours >= 0) {
    state.hours = Math.min(state.hours + 1, HOURS);
    state.slot = (state.slot + 1) % HOURS;
    if (state.hours === HOURS) weigh(state);
  } else state.hours = 0;
  state.cross.fill(0, state.slot * count, (state.slot + 1) * count);
  state.power.fill(0, state.slot * count, (state.slot + 1) * count);
  state.own[state.slot] = 0;
}

function weigh(state: Leadership): void {
  const count = LEGS.length;
  let ownPower = 0;
  for (const value of state.own) ownPower += value;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let cross = 0;
    let power = 0;
    for (let hour = 0; hour < HOURS; hour++) {
      cross += state.cross[hour * count + i]!;
      power += state.power[hour * count + i]!;
    }
    const correlation = power > 0 && ownPower > 0 ? cross / Math.sqrt(power * ownPower) : 0;
    state.weights[i] = Math.max(0, correlation);
    sum += state.weights[i]!;
  }
  state.isWeighted = sum > 0;
  if (sum > 0) for (let i = 0; i < count; i++) state.weights[i]! /= sum;
}

function gap(state: Leadership, view: View, minutes: number): number {
  const own = returnOver(view.instrument.leg.trail, minutes);
  let sum = 0;
  for (let i = 0; i < LEGS.length; i++) {
    const weight = state.weights[i]!;
    const leg = weight > 0 ? legOf(view, i) : undefined;
    if (leg?.leg.isRecent !== true) continue;
    const other = returnOver(leg.leg.trail, minutes);
    if (!Number.isNaN(other)) sum += weight * (other - own);
  }
  return sum;
}
