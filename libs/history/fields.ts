/** The fields of a row, checked: a bad one is an error that names its line. */
import { type TributaryError } from '../errors/errors.ts';
import { parseInstrument } from '../market/instrument.ts';
import { formatError } from './format-error.ts';
import { type Cell, type TableBlock } from './table.ts';

/** Beyond this no pair trades; such a price is a recording error. */
const MAX_PRICE = 1e12;
/** What the wire format holds. */
const MAX_COUNT = 2 ** 31 - 1;
const MINUTE = 60_000;
/** 2000-01-01 and 2100-01-01, milliseconds. */
const EARLIEST = 946_684_800_000;
const LATEST = 4_102_444_800_000;
const HAS_ZONE = /(?:Z|[+-]\d\d:?\d\d)$/i;
const VENUE = /^[a-z0-9][a-z0-9_.-]{0,31}$/;

/** Reads one block's rows; `row` is set before each. */
export interface Fields {
  row: number;
  venue(column: number): string;
  instrument(column: number): string;
  /** Milliseconds; ISO 8601 (UTC unless it says otherwise), or a number of seconds or milliseconds. */
  minute(column: number): number;
  /** Milliseconds, 0 = not given. */
  milliseconds(column: number): number;
  price(column: number): number;
  /** 0 or empty = not given. */
  priceIfGiven(column: number): number;
  /** At least 0; empty gives `otherwise`, or is an error without it. */
  quantity(column: number, otherwise?: number): number;
  /** Any finite number. */
  number(column: number): number;
  /** A whole number up to `most` (default what the wire's int32 holds); -1 where empty. */
  count(column: number, most?: number): number;
  text(column: number): string;
  fail(what: string): TributaryError;
}

/** Column numbers by name, -1 where an optional one is absent. Throws `TRB_HISTORY_FORMAT` naming those that are missing. */
export function findColumns<N extends string>(
  path: string,
  block: TableBlock,
  required: readonly N[],
  optional: readonly N[],
): Readonly<Record<N, number>> {
  const missing = required.filter((name) => !block.columns.includes(name));
  if (missing.length > 0) {
    const hint = `Wanted: ${required.join(',')}${optional.length === 0 ? '' : `[,${optional.join(',')}]`}.`;
    throw formatError(path, undefined, `columns missing in the header: ${missing.join(', ')}`, hint);
  }
  return Object.fromEntries([...required, ...optional].map((name) => [name, block.columns.indexOf(name)])) as Record<N, number>;
}

/** Names seen so far; each is checked once. */
export interface Names {
  readonly venues: Map<string, string>;
  readonly instruments: Map<string, string>;
  lastTime: [text: string, time: number];
}

export function createNames(): Names {
  return { venues: new Map(), instruments: new Map(), lastTime: ['', 0] };
}

export function fieldsOf(path: string, block: TableBlock, names: Names): Fields {
  const cell = (column: number): Cell => (column < 0 ? '' : block.rows[fields.row]![column]);
  const complain = (column: number, want: string) =>
    fields.fail(`${block.columns[column] ?? 'a column'} is "${describe(cell(column))}", wanted ${want}`);
  const checked = (column: number, least: number, want: string) => {
    const value = numberOf(cell(column));
    if (!(value >= least && value < Infinity)) throw complain(column, want);
    return value;
  };
  const fields: Fields = {
    row: 0,
    venue(column) {
      const given = describe(cell(column));
      let venue = names.venues.get(given);
      if (venue === undefined) {
        venue = given.toLowerCase();
        if (!VENUE.test(venue)) throw complain(column, 'a venue such as coinbase');
        names.venues.set(given, venue);
      }
      return venue;
    },
    instrument(column) {
      const given = describe(cell(column));
      let instrument = names.instruments.get(given);
      if (instrument === undefined) {
        try {
          instrument = parseInstrument(given.toUpperCase()).name;
        } catch {
          throw complain(column, 'BASE-QUOTE such as BTC-USD');
        }
        names.instruments.set(given, instrument);
      }
      return instrument;
    },
    minute(column) {
      const given = cell(column);
      if (typeof given === 'string' && given === names.lastTime[0]) return names.lastTime[1];
      const time = timeOf(given);
      if (!(time >= EARLIEST && time < LATEST)) throw complain(column, 'a time between 2000 and 2100');
      if (time % MINUTE !== 0) throw complain(column, 'the start of a minute');
      if (typeof given === 'string') names.lastTime = [given, time];
      return time;
    },
    milliseconds(column) {
      const given = cell(column);
      if (isEmpty(given)) return 0;
      const time = given instanceof Date ? given.getTime() : numberOf(given);
      if (time === 0) return 0;
      if (!(time >= EARLIEST && time < LATEST)) throw complain(column, 'milliseconds since 1970, between 2000 and 2100');
      return time;
    },
    price(column) {
      const value = numberOf(cell(column));
      if (!(value > 0 && value < MAX_PRICE)) throw complain(column, 'a price above 0 and below 1e12');
      return value;
    },
    priceIfGiven: (column) => (isEmpty(cell(column)) || numberOf(cell(column)) === 0 ? 0 : fields.price(column)),
    quantity(column, otherwise) {
      if (otherwise !== undefined && isEmpty(cell(column))) return otherwise;
      return checked(column, 0, 'a number of at least 0');
    },
    number(column) {
      const value = numberOf(cell(column));
      if (!Number.isFinite(value)) throw complain(column, 'a number');
      return value;
    },
    count(column, most = MAX_COUNT) {
      if (isEmpty(cell(column))) return -1;
      const value = numberOf(cell(column));
      if (!(Number.isInteger(value) && value >= -1 && value <= most)) throw complain(column, 'a whole number');
      return value;
    },
    text: (column) => describe(cell(column)),
    fail: (what) => formatError(path, block.place(fields.row), what, 'Correct or remove the line, or fetch the file again.'),
  };
  return fields;
}

function isEmpty(cell: Cell): boolean {
  return cell === null || cell === undefined || cell === '' || (typeof cell === 'string' && cell.trim() === '');
}

function describe(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  // JSON has null for a time beyond all calendars, where toISOString throws.
  return (
    typeof cell === 'string' ? cell : cell instanceof Date ? ((cell.toJSON() as string | null) ?? 'no time') : String(cell)
  ).trim();
}

/** NaN where it is not a number; empty text is none. */
function numberOf(cell: Cell): number {
  if (typeof cell === 'number') return cell;
  if (isEmpty(cell) || typeof cell === 'boolean') return NaN;
  return Number(cell);
}

function timeOf(cell: Cell): number {
  if (cell instanceof Date) return cell.getTime();
  const value = numberOf(cell);
  if (!Number.isNaN(value)) return value > 1e11 ? value : value * 1000;
  const text = describe(cell);
  return Date.parse(HAS_ZONE.test(text) ? text : `${text}Z`);
}
