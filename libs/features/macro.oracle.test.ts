/** Categories D and E, and DVOL, against scripts/oracle/features_macro.py: written out over whole series, calendars from other packages. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { contextEvent } from '../history/events.ts';
import { takerFeeBps } from '../market/fees.ts';
import { Tick } from '../wire/tributary/v1/market.ts';
import { calendarBlock } from './calendar.ts';
import { COLUMNS } from './catalogue.ts';
import { columnsOf } from './declaration.ts';
import { createFold, foldTick } from './fold.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}

interface ContextRun extends Golden {
  readonly start: number;
  /** Seconds since the start: end of the period, availability; value. */
  readonly series: Readonly<
    Record<string, { readonly validFor: number; readonly rows: readonly (readonly [number, number, number])[] }>
  >;
  /** By hour since the start. */
  readonly btc: readonly (number | null)[];
  readonly legs: Readonly<Record<string, readonly number[]>>;
}

interface QuoteRun extends Golden {
  readonly start: number;
  readonly fees: Readonly<Record<string, number>>;
  readonly legs: readonly (readonly [string, string])[];
  /** Rate of USDT, then by leg: middle, half spread, whether quoted, whether traded. */
  readonly minutes: readonly (readonly [number, ...(readonly [number, number, number, number])[]])[];
}

const golden = JSON.parse(readFileSync(new URL('golden/macro.json', import.meta.url), 'utf8')) as {
  readonly time: Golden;
  readonly context: ContextRun;
  readonly quotes: QuoteRun;
};
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('every column of D and E has an oracle', () => {
  const judged = new Set(Object.values(golden).flatMap(({ columns }) => columns));
  expect(COLUMNS.filter(({ category, name }) => 'DE'.includes(category) && !judged.has(name))).toEqual([]);
});

test('category E is what zoneinfo and exchange_calendars say, around every weekday off of four years', () => {
  expect(golden.time.columns).toEqual(columnsOf(calendarBlock).map(({ name }) => name));
  const wrong: string[] = [];
  const out = new Float64Array(golden.time.columns.length);
  for (const { t, values } of golden.time.rows) {
    // The calendar reads nothing but t.
    calendarBlock.write(null, { t } as Parameters<typeof calendarBlock.write>[1], out, 0);
    compare(golden.time.columns, values, out, t, wrong);
  }
  expect(wrong).toEqual([]);
});

test('features of context values, closes and hourly prices', () => {
  expect(differences(contextRun(golden.context), golden.context)).toEqual([]);
}, 60_000);

test('features of quotes and legs: a de-peg, lost quotes, a venue that stops trading', () => {
  for (const [venue, fee] of Object.entries(golden.quotes.fees))
    expect({ venue, fee: takerFeeBps(venue) }).toEqual({ venue, fee });
  expect(differences(quoteRun(golden.quotes), golden.quotes)).toEqual([]);
}, 60_000);

function differences(ticks: Iterable<Tick>, { columns, rows }: Golden): string[] {
  const places = columns.map((wanted) => COLUMNS.findIndex(({ name }) => name === wanted));
  expect(columns.filter((_, index) => places[index]! < 0)).toEqual([]);
  const byTime = new Map(rows.map((row) => [row.t, row.values]));
  // Without targets no vector is made, which takes weeks of minutes a while; the asset's own columns are what is judged.
  const state = createFold({ targets: [] });
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of ticks) {
    foldTick(state, tick, 0, () => undefined);
    const expected = tick.event?.$case === 'clock' ? byTime.get(state.minute) : undefined;
    if (expected === undefined || state.t !== state.minute) continue;
    compared++;
    const { values } = state.assets.get('BTC')!;
    const own = places.map((place) => (Number.isFinite(values[place]) ? values[place]! : NaN));
    compare(columns, expected, own, state.minute, wrong);
  }
  expect(compared).toBe(rows.length);
  return wrong;
}

function compare(
  columns: readonly string[],
  expected: readonly (number | null)[],
  values: ArrayLike<number>,
  t: number,
  wrong: string[],
): void {
  expected.forEach((wanted, index) => {
    const value = values[index]!;
    const isRight = wanted === null ? Number.isNaN(value) : Math.abs(value - wanted) <= 1e-9 + 1e-8 * Math.abs(wanted);
    if (!isRight) wrong.push(`${columns[index]!} at ${new Date(t).toISOString()}: ${value}, oracle ${wanted}`);
  });
}

/** The context values as they became available; each hour a candle of each venue that ends with it, and the reference. */
function* contextRun({ start, series, btc, legs }: ContextRun): Generator<Tick> {
  const events = Object.entries(series)
    .flatMap(([key, { rows, validFor }]) => {
      const [source = '', name = ''] = key.split(':');
      return rows.map(([observed, available, value]) => ({ source, name, value, validFor, observed, available }));
    })
    .sort((a, b) => a.available - b.available);
  let next = 0;
  for (let hour = 1; hour < btc.length; hour++) {
    const end = start + hour * HOUR;
    for (; next < events.length && start + events[next]!.available * 1000 <= end; next++) {
      const { source, name, value, validFor, observed, available } = events[next]!;
      const availableAt = start + available * 1000;
      const times = { observedAt: start + observed * 1000, publishedAt: availableAt, availableAt, validFor };
      yield contextEvent({ source, series: name, seq: next + 1, value, ...times });
    }
    yield clock(end - MINUTE);
    for (const [venue, prices] of Object.entries(legs)) yield candle(venue, 'BTC-USD', end - MINUTE, prices[hour]!);
    const price = btc[hour];
    if (price !== null && price !== undefined) yield reference('coinbase', 'BTC-USD', end, price);
    yield clock(end);
  }
}

function* quoteRun({ start, legs, minutes }: QuoteRun): Generator<Tick> {
  yield clock(start);
  for (const [minute, [rate, ...told]] of minutes.entries()) {
    const from = start + minute * MINUTE;
    yield reference('coinbase', 'USDT-USD', from + MINUTE, rate);
    for (const [index, [venue, quote]] of legs.entries()) {
      const [middle, half, isQuoted, isTraded] = told[index]!;
      const market = { asset: 'BTC', venue, instrument: `BTC-${quote}`, exchangeTime: (from + 1000) * 1000 };
      const sizes = { bidSize: 1, askSize: 1 };
      if (isQuoted === 1) {
        const value = { bid: middle - half, ask: middle + half, ...sizes };
        yield Tick.fromPartial({ ...market, event: { $case: 'quote', value } });
      } else yield Tick.fromPartial({ ...market, event: { $case: 'gap', value: {} } });
      if (isTraded === 1) yield candle(venue, `BTC-${quote}`, from, middle);
    }
    yield clock(from + MINUTE);
  }
}

function candle(venue: string, instrument: string, start: number, price: number): Tick {
  const value = { start, open: price, high: price, low: price, close: price, volume: 1, trades: 1 };
  return Tick.fromPartial({
    asset: 'BTC',
    venue,
    instrument,
    exchangeTime: (start + MINUTE) * 1000,
    event: { $case: 'candle', value },
  });
}

function reference(source: string, series: string, t: number, value: number): Tick {
  return Tick.fromPartial({ event: { $case: 'reference', value: { source, series, seq: t, value, effectiveT: t } } });
}

function clock(t: number): Tick {
  return Tick.fromPartial({ event: { $case: 'clock', value: { t } } });
}
