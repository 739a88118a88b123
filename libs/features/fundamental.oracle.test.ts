/**
 * Every column of category C against scripts/oracle/features_context.py: its formulas written out over the vintages of the same generated
 * series, with missing, late and zero values, revisions, gaps, silent sources and series that never come.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import { expect, test } from '@jest/globals';

import { contextEvent } from '../history/events.ts';
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { Tick } from '../wire/tributary/v1/market.ts';
import { COLUMNS, featureSchema } from './catalogue.ts';
import { createFold, foldTick, type FoldState } from './fold.ts';

type Cadence = 'hourly' | 'daily';

interface Golden {
  readonly start: number;
  readonly days: number;
  /** Name, pace, divisor of the walk. */
  readonly series: readonly (readonly [string, Cadence, number])[];
  readonly events: number;
  readonly columns: readonly string[];
  readonly rows: Readonly<Record<string, readonly { readonly hour: number; readonly values: readonly (number | null)[] }[]>>;
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/fundamental.json'), 'utf8')) as Golden;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const VALID = { hourly: 6 * HOUR, daily: 3 * DAY };

test('the oracle has every column of the category, each with values and each missing at times', () => {
  const declared = COLUMNS.filter(({ category }) => category === 'C').map(({ name }) => name);
  expect([...golden.columns].sort()).toEqual(declared.sort());
  for (const [index, column] of golden.columns.entries()) {
    const values = Object.values(golden.rows).flatMap((rows) => rows.map((row) => row.values[index]));
    const there = values.filter((value) => value !== null).length;
    expect({ column, isTested: there >= 8 && there < values.length }).toEqual({ column, isTested: true });
  }
});

test('fundamental features are what the formulas say of the same vintages', () => {
  const { columns: all } = featureSchema();
  const assets = Object.keys(golden.rows);
  const state = createFold({ targets: assets.map((asset) => `kraken:${asset}-USD`) });
  const events = contextEvents();
  expect(events).toHaveLength(golden.events);
  const wrong: string[] = [];
  let compared = 0;
  let next = 0;
  for (let hour = 1; hour <= golden.days * 24; hour++) {
    const t = golden.start + hour * HOUR;
    for (; next < events.length && availableAt(events[next]!) <= t; next++) foldTick(state, events[next]!, 0, () => undefined);
    const rows = new Map(assets.map((asset) => [asset, golden.rows[asset]!.find((row) => row.hour === hour)]));
    const compare = ({ instrument, values }: FeatureVector): void => {
      const asset = instrument.split('-')[0]!;
      for (const [index, expected] of (rows.get(asset)?.values ?? []).entries()) {
        const column = golden.columns[index]!;
        const value = values[all.indexOf(column)] ?? Infinity;
        compared++;
        const isRight = expected === null ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-7 + 1e-6 * Math.abs(expected);
        if (!isRight) wrong.push(`${column} of ${asset} at hour ${hour}: ${value}, oracle ${expected}`);
      }
    };
    if (rows.get(assets[0]!) !== undefined) vectorsAt(state, t, assets, compare);
    foldTick(state, clock(t), 0, () => undefined);
  }
  expect(wrong).toEqual([]);
  expect(compared).toBe(Object.values(golden.rows).flat().length * golden.columns.length);
});

/** The vectors that a state gives at t once the assets have traded; the state itself, in which they have not, stays fast. */
function vectorsAt(state: FoldState, t: number, assets: readonly string[], emit: (vector: FeatureVector) => void): void {
  const copy = deserialize(serialize(state)) as FoldState;
  for (const asset of assets) foldTick(copy, candle(asset, t - MINUTE), 0, emit);
  foldTick(copy, clock(t), 0, emit);
}

interface Vintage {
  readonly available: number;
  readonly observed: number;
  readonly value: number;
}

/** All series, in order of availability. */
function contextEvents(): readonly Tick[] {
  const draw = createDraw();
  const events = golden.series.flatMap(([key, cadence, divisor], index) => {
    const vintages = drawn(key, cadence, divisor, index, draw).sort((a, b) => a.available - b.available);
    const [source = '', series = ''] = key.split(/:(.*)/s);
    return vintages.map(({ available, observed, value }, place) =>
      contextEvent({
        source,
        series,
        seq: place + 1,
        value,
        observedAt: observed,
        publishedAt: available,
        availableAt: available,
        validFor: VALID[cadence],
      }),
    );
  });
  return events.sort((a, b) => availableAt(a) - availableAt(b));
}

function drawn(key: string, cadence: Cadence, divisor: number, index: number, draw: (below: number) => number): Vintage[] {
  let walk = 1_000_000 + 1000 * index;
  const vintages: Vintage[] = [];
  for (let step = 0; step < golden.days * (cadence === 'hourly' ? 24 : 1); step++) {
    walk += Math.floor((walk * (draw(401) - 200)) / 10_000);
    const isMissing = draw(12) === 0;
    const late = draw(180);
    const isZero = draw(150) === 0;
    const revised = draw(6);
    const revision = draw(201) - 100;
    const value = isZero ? 0 : walk / divisor;
    const isHourly = cadence === 'hourly';
    const observed = isHourly ? golden.start + (step + 1) * HOUR + draw(50) * MINUTE : golden.start + (step + 1) * DAY;
    const available = isHourly ? observed + (late % 30) * MINUTE : observed + 12 * HOUR + late * MINUTE;
    if (isMissing || isSilent(cadence, index, step) || (key.endsWith('.ETH') && index % 9 === 4)) continue;
    vintages.push({ available, observed, value });
    if (isHourly || revised >= 2) continue;
    const delay = (revised === 0 ? 20 : 30) * HOUR;
    vintages.push({ available: available + delay, observed, value: value + (value * revision) / 1000 });
  }
  return vintages;
}

function isSilent(cadence: Cadence, index: number, step: number): boolean {
  return cadence === 'hourly'
    ? (index % 5 === 0 && step >= 200 && step < 260) || (index % 2 === 0 && step >= 640 && step < 650)
    : (index % 7 === 3 && step >= 18 && step < 26) || (index % 4 === 1 && step >= 28 && step < 31);
}

function availableAt({ event }: Tick): number {
  return event?.$case === 'reference' ? event.value.effectiveT : NaN;
}

function candle(asset: string, start: number): Tick {
  const value = { start, open: 100, high: 100, low: 100, close: 100, volume: 1, trades: -1 };
  const exchangeTime = (start + MINUTE) * 1000;
  return Tick.fromPartial({
    asset,
    venue: 'kraken',
    instrument: `${asset}-USD`,
    exchangeTime,
    event: { $case: 'candle', value },
  });
}

function clock(t: number): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t } } });
}

function createDraw(): (below: number) => number {
  let state = 12_345;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
}
