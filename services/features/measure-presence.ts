/**
 * Measures how much of each column has a value with the default venues alone, on recorded data. Of several recordings that one counts
 * in which the column is there most: candles know nothing of books, and half an hour of ticks knows nothing of days.
 */
import { COLUMNS } from '#libs/features/catalogue.ts';
import { type Column } from '#libs/features/declaration.ts';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { loadCandles } from '#libs/history/candles.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { loadTicks } from '#libs/history/ticks.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Presence } from './presence.ts';

export interface Recording {
  readonly name: string;
  readonly what: string;
  readonly ticks: () => Promise<Iterable<Tick>>;
  /** Columns that it says something of; default all. */
  readonly judges?: (column: Column) => boolean;
}

/** Venues that are followed without being named. */
const DEFAULT_VENUES = ['coinbase', 'kraken'];

export function candleRecording(path: string): Recording {
  return {
    name: 'candles',
    what: 'one-minute candles of Coinbase and Kraken, 1 to 14 March 2023 (other venues of the file left out)',
    ticks: async () => candlesToTicks((await loadCandles(path)).rows.filter(({ venue }) => DEFAULT_VENUES.includes(venue))),
  };
}

export function tickRecording(path: string): Recording {
  return {
    name: 'ticks',
    what: 'best prices and last trades of Coinbase and Kraken, 26 September 2025, 29 minutes, no books (other venues of the file left out)',
    ticks: async () => tickFileToTicks((await loadTicks(path)).filter(({ venue }) => DEFAULT_VENUES.includes(venue))),
  };
}

export async function measurePresence(recordings: readonly Recording[]): Promise<Presence> {
  const best = new Float64Array(COLUMNS.length);
  const measured: Presence['recordings'] = [];
  for (const { name, what, ticks, judges } of recordings) {
    const { vectors, values } = count(await ticks());
    if (vectors === 0) continue;
    COLUMNS.forEach((column, index) => {
      if (judges?.(column) === false) values[index] = 0;
    });
    measured.push({ name, what, vectors, columns: values.filter((number) => number > 0).length });
    values.forEach((number, column) => (best[column] = Math.max(best[column]!, number / vectors)));
  }
  const columns = Object.fromEntries(COLUMNS.map(({ name }, column) => [name, Number(best[column]!.toFixed(4))]));
  return { recordings: measured, columns };
}

function count(ticks: Iterable<Tick>): { readonly vectors: number; readonly values: Float64Array } {
  const values = new Float64Array(COLUMNS.length);
  const state = createFold();
  let vectors = 0;
  let offset = 0;
  for (const tick of ticks) {
    foldTick(state, tick, offset++, (vector) => {
      vectors++;
      vector.values.forEach((value, column) => (values[column]! += Number(!Number.isNaN(value))));
    });
  }
  return { vectors, values };
}
