import { deserialize, serialize } from 'node:v8';
import { describe, expect, test } from '@jest/globals';
import { withContext } from '../history/context-events.ts';
import { candlesToTicks } from '../history/candle-events.ts';
import { type ContextRow, contextEvent } from '../history/events.ts';
import { type FeatureVector } from '../wire/tributary/v1/features.ts';
import { type Reference } from '../wire/tributary/v1/market.ts';
import {
  acceptContext,
  applyContext,
  contextBefore,
  type ContextBook,
  contextHealth,
  contextValue,
  isContext,
} from './context.ts';
import { createFold, foldTick } from './fold.ts';
import { QUALITY } from './quality.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const T = Date.UTC(2026, 0, 1);
const KEY = 'fred:rate';

function row(seq: number, value: number, observedAt: number, change: Partial<ContextRow> = {}): ContextRow {
  const times = { publishedAt: observedAt, availableAt: observedAt, validFor: 2 * DAY };
  return { source: 'fred', series: 'rate', seq, value, observedAt, ...times, ...change };
}

function reference(given: ContextRow): Reference {
  const { event } = contextEvent(given);
  if (event?.$case !== 'reference') throw new Error('no reference');
  return event.value;
}

function bookOf(rows: readonly ContextRow[], t: number): ContextBook {
  const book: ContextBook = new Map();
  for (const each of rows) acceptContext(book, reference(each));
  applyContext(book, t);
  return book;
}

describe('a context value', () => {
  test('is told from a rate by its validity', () => {
    expect(isContext(reference(row(1, 1, T)))).toBe(true);
    expect(isContext(reference(row(1, 1, T, { validFor: 0 })))).toBe(false);
  });

  test('takes effect at its time, serves as long as it says, and then no more', () => {
    const book = bookOf([row(1, 4, T, { availableAt: T + HOUR, validFor: HOUR })], T + HOUR - 1);
    expect(contextValue(book, KEY, T + HOUR - 1)).toBeNaN();
    applyContext(book, T + HOUR);
    expect(contextValue(book, KEY, T + HOUR)).toBe(4);
    expect(contextHealth(book, T + HOUR + 7)).toEqual({ isOld: false, age: 7 });
    expect(contextValue(book, KEY, T + 2 * HOUR)).toBe(4);
    expect(contextValue(book, KEY, T + 2 * HOUR + 1)).toBeNaN();
    expect(contextHealth(book, T + 2 * HOUR + 1)).toEqual({ isOld: true, age: -1 });
  });

  test('counts once, and nonsense not at all', () => {
    const book: ContextBook = new Map();
    const accept = (change: Partial<Reference>): boolean => acceptContext(book, { ...reference(row(5, 4, T)), ...change });
    expect(accept({})).toBe(true);
    expect(accept({})).toBe(false);
    expect(accept({ seq: 4 })).toBe(false);
    expect(accept({ seq: 6, value: NaN })).toBe(false);
    expect(accept({ seq: 6, value: Infinity })).toBe(false);
    expect(accept({ seq: 6, effectiveT: 0 })).toBe(false);
    expect(accept({ seq: 6, value: 5 })).toBe(true);
  });

  test('a revision takes the place of its period from its own time on', () => {
    const book = bookOf([row(1, 4, T), row(2, 9, T, { availableAt: T + HOUR }), row(3, 5, T + DAY)], T);
    expect(contextValue(book, KEY, T)).toBe(4);
    applyContext(book, T + HOUR);
    expect(contextValue(book, KEY, T + HOUR)).toBe(9);
    applyContext(book, T + DAY);
    expect(contextValue(book, KEY, T + DAY)).toBe(5);
    expect(contextBefore(book, KEY, DAY, T + DAY)).toBe(9);
  });

  test('an older period that comes late is past, not the newest', () => {
    const book = bookOf([row(1, 4, T), row(2, 7, T - DAY, { availableAt: T + HOUR })], T + HOUR);
    expect(contextValue(book, KEY, T + HOUR)).toBe(4);
    expect(contextBefore(book, KEY, DAY, T + HOUR)).toBe(7);
  });
});

describe('the past of a series', () => {
  const STEP = 15 * MINUTE;
  const END = T + 60 * DAY;
  const long = Array.from({ length: (60 * DAY) / STEP + 1 }, (_, i) => row(i + 1, i, T + i * STEP));
  const indexOf = (t: number): number => (t - T) / STEP;

  test('is thinned to a few values an hour and a day, whatever the rate', () => {
    const kept = bookOf(long, END).get(KEY)!.observations;
    expect(kept.at(-1)!.observedAt).toBe(END);
    expect(kept.length).toBeLessThanOrEqual(1 + 27 + 41);
    expect(END - kept[0]!.observedAt).toBeLessThanOrEqual(40 * DAY);
  });

  test('gives the value of so long before, to within the hour or the day', () => {
    const book = bookOf(long, END);
    expect(contextValue(book, KEY, END)).toBe(indexOf(END));
    expect(contextBefore(book, KEY, HOUR, END)).toBe(indexOf(END - HOUR));
    expect(contextBefore(book, KEY, DAY, END)).toBe(indexOf(END - DAY));
    expect(contextBefore(book, KEY, 7 * DAY, END)).toBe(indexOf(END - 7 * DAY));
    expect(contextBefore(book, KEY, 35 * DAY, END)).toBe(indexOf(END - 35 * DAY));
  });

  test('is missing where the series has a hole there, or its newest value may serve no more', () => {
    const days = [0, 1, 9].map((day, i) => row(i + 1, day, T + day * DAY));
    const book = bookOf(days, T + 9 * DAY);
    expect(contextBefore(book, KEY, DAY, T + 9 * DAY)).toBeNaN();
    expect(contextBefore(book, KEY, 8 * DAY, T + 9 * DAY)).toBe(1);
    expect(contextBefore(book, KEY, 8 * DAY, T + 11 * DAY + 1)).toBeNaN();
  });

  test('a snapshot in the middle changes nothing', () => {
    const half = long.length >> 1;
    const whole = bookOf(long, END);
    const first = bookOf(long.slice(0, half + 3), T + half * STEP);
    const restored = deserialize(serialize(first)) as ContextBook;
    for (const each of long.slice(half + 3)) acceptContext(restored, reference(each));
    applyContext(restored, END);
    expect(restored).toEqual(whole);
  });
});

describe('in folded vectors', () => {
  const MINUTES = 1320;
  const candles = Array.from({ length: MINUTES }, (_, i) => {
    const close = 100 + Math.sin(i / 50);
    const bar = { open: close, high: close, low: close, close, volume: 1, trades: 1 };
    return { venue: 'kraken', instrument: 'BTC-USD', start: T + i * MINUTE, ...bar };
  });
  const validFor = 600 * MINUTE;
  const first = row(1, 4, T - DAY, { publishedAt: T + 599 * MINUTE, availableAt: T + 600 * MINUTE + 1, validFor });
  const revision = { ...first, seq: 2, value: 40, publishedAt: T + 800 * MINUTE, availableAt: T + 800 * MINUTE };

  function fold(rows: readonly ContextRow[]): { vectors: FeatureVector[]; values: Map<number, number> } {
    const state = createFold();
    const vectors: FeatureVector[] = [];
    const values = new Map<number, number>();
    let offset = 0;
    for (const tick of withContext(candlesToTicks(candles), rows)) {
      foldTick(state, tick, offset++, (vector) => {
        vectors.push(vector);
        values.set(vector.t, contextValue(state.context, KEY, vector.t));
      });
    }
    return { vectors, values };
  }

  test('a value is seen from the first minute after its availability on, and never before', () => {
    const { vectors, values } = fold([first]);
    for (const { t, contextAge } of vectors) {
      const isThere = t >= first.availableAt && t <= first.availableAt + first.validFor;
      expect([t, values.get(t)]).toEqual([t, isThere ? 4 : NaN]);
      expect(contextAge).toBe(isThere ? t - first.availableAt : -1);
    }
    expect(vectors.some(({ contextAge }) => contextAge >= 0)).toBe(true);
  });

  test('a vector says that a series is too old', () => {
    const { vectors } = fold([first]);
    for (const { t, quality } of vectors) {
      expect((quality & QUALITY.CONTEXT_OLD) !== 0).toBe(t > first.availableAt + first.validFor);
    }
    expect(vectors.at(-1)!.quality & QUALITY.CONTEXT_OLD).not.toBe(0);
  });

  test('a revision changes nothing before its own availability', () => {
    const before = fold([first]);
    const after = fold([first, revision]);
    for (const [t, value] of after.values) {
      if (t < revision.availableAt) expect(value).toEqual(before.values.get(t));
      else if (t <= revision.availableAt + revision.validFor) expect(value).toBe(40);
    }
    const past = (vectors: readonly FeatureVector[]): readonly FeatureVector[] =>
      vectors.filter(({ t }) => t < revision.availableAt);
    expect(past(after.vectors)).toEqual(past(before.vectors));
  });

  test('a hole of days takes no value that may still serve', () => {
    const state = createFold();
    const clock = (t: number) => ({ ...contextEvent(first), event: { $case: 'clock', value: { t, writerEpoch: 0 } } }) as const;
    for (const tick of [clock(T), contextEvent({ ...first, validFor: 9 * DAY }), clock(T + DAY), clock(T + 4 * DAY)]) {
      foldTick(state, tick, 0, () => undefined);
    }
    expect(contextValue(state.context, KEY, T + 4 * DAY)).toBe(4);
  });
});
