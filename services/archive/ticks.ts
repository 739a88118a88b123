/** Archived ticks as they stood in the log: what `rows.ts` writes, read back in the log's order, a block of offsets in memory at a time. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Store } from '#libs/store/port.ts';
import { type FeedGap, type InstrumentStatus, type Tick, type Trade } from '#libs/wire/tributary/v1/market.ts';
import { ARRAYS, KIND_COLUMNS, type Kind, TEXTS } from './rows.ts';

export interface ArchivedTick {
  readonly offset: number;
  /** When it was appended, milliseconds. */
  readonly timestamp: number;
  readonly tick: Tick;
}

export interface TickQuery {
  readonly partition: number;
  /** Offsets, `end` excluded. */
  readonly from: number;
  readonly end: number;
  /** By the time of append, milliseconds, `until` excluded. Default: all. */
  readonly span?: { readonly since: number; readonly until: number };
  /** Default: all. */
  readonly kinds?: readonly Kind[];
  /** Of a book the fact that there was news is enough. */
  readonly withoutBooks?: boolean;
}

/** Rows of a `span`. */
export const SPAN = 'log_time >= fromUnixTimestamp64Milli({since:Int64}) AND log_time < fromUnixTimestamp64Milli({until:Int64})';
/** What one statement reads: a long run holds no statement open, which servers and proxies would cut. */
const BLOCK = 100_000;

const scalarsOf = (kind: Kind): string[] => KIND_COLUMNS[kind].filter((column) => !ARRAYS.has(column) && !TEXTS.has(column));
const textsOf = (kind: Kind): string[] => KIND_COLUMNS[kind].filter((column) => TEXTS.has(column));
const KINDS = Object.keys(KIND_COLUMNS) as Kind[];

/** An array by kind, of the values that the kind has: the rest of the sixty columns hold nothing. */
function byKind(columnsOf: (kind: Kind) => readonly string[], valueOf: (column: string) => string, none: string): string {
  const branches = KINDS.filter((kind) => columnsOf(kind).length > 0).map(
    (kind) => `kind = '${kind}', [${columnsOf(kind).map(valueOf).join(', ')}]`,
  );
  return `multiIf(${branches.join(', ')}, ${none})`;
}

const NUMBERS = byKind(scalarsOf, (column) => `toFloat64(${column})`, 'emptyArrayFloat64()');
const WORDS = byKind(textsOf, (column) => `CAST(${column}, 'String')`, 'emptyArrayString()');
const NO_LISTS = `CAST([], 'Array(Array(Float64))')`;
const LISTS = `if(kind = 'book', [${[...ARRAYS].join(', ')}], ${NO_LISTS})`;

/** JSON has no numbers for these: ClickHouse quotes their names. */
const UNUSUAL = { nan: NaN, '-nan': NaN, inf: Infinity, '-inf': -Infinity } as const;
const Float = z.union([
  z.number(),
  z.enum(Object.keys(UNUSUAL) as (keyof typeof UNUSUAL)[]).transform((name): number => UNUSUAL[name]),
]);
const Row = z.object({
  offset: z.number(),
  appended: z.number(),
  kind: z.enum(KINDS),
  asset: z.string(),
  venue: z.string(),
  instrument: z.string(),
  exchanged: z.number(),
  received: z.number(),
  sequence: z.number(),
  numbers: z.array(Float),
  words: z.array(z.string()),
  lists: z.array(z.array(Float)),
});
type Row = z.output<typeof Row>;

/**
 * Each offset once, although its row may have been inserted twice. Throws `TRB_STORE_…`, and `TRB_ARCHIVE_MIXED` where two ticks stand at one
 * offset.
 */
export async function* readTicks(store: Store, query: TickQuery): AsyncGenerator<readonly ArchivedTick[]> {
  const { partition, from: first, end, span, kinds, withoutBooks = false } = query;
  const conditions = [
    'log_partition = {partition:Int32} AND log_offset >= {from:Int64} AND log_offset < {to:Int64}',
    ...(span === undefined ? [] : [SPAN]),
    ...(kinds === undefined ? [] : ['kind IN {kinds:Array(String)}']),
  ];
  const sql = `SELECT log_offset AS offset, toUnixTimestamp64Milli(log_time) AS appended, kind, asset, venue, instrument,
      toUnixTimestamp64Micro(exchange_time) AS exchanged, toUnixTimestamp64Micro(receive_time) AS received, sequence,
      ${NUMBERS} AS numbers, ${WORDS} AS words, ${withoutBooks ? NO_LISTS : LISTS} AS lists
    FROM ticks WHERE ${conditions.join(' AND ')}
    ORDER BY log_offset LIMIT 1 BY log_offset, log_time, kind, instrument, venue SETTINGS output_format_json_quote_denormals = 1`;
  for (let from = first, last = -1; from < end; from += BLOCK) {
    const range = { partition, from, to: Math.min(from + BLOCK, end), ...span, ...(kinds !== undefined && { kinds }) };
    for await (const rows of store.stream(sql, Row, range)) {
      for (const { offset } of rows) {
        if (offset === last) throw mixed(partition, offset);
        last = offset;
      }
      if (rows.length > 0) yield rows.map(archivedTick);
    }
  }
}

function mixed(partition: number, offset: number): TributaryError {
  return new TributaryError('TRB_ARCHIVE_MIXED', `The archive holds two ticks at offset ${offset} of partition ${partition}.`, {
    hint: 'Two logs were archived into one database. Give each log a database of its own (--clickhouse-database).',
  });
}

function archivedTick(row: Row): ArchivedTick {
  const { offset, appended, asset, venue, instrument, exchanged, received, sequence } = row;
  const tick = { asset, venue, instrument, exchangeTime: exchanged, receiveTime: received, sequence, event: eventOf(row) };
  return { offset, timestamp: appended, tick };
}

/** The values stand in the order of the kind's columns. */
function eventOf({ kind, numbers, words: [word = '', another = ''], lists }: Row): Tick['event'] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = numbers;
  switch (kind) {
    case 'trade':
      return { $case: kind, value: { tradeId: a, price: b, size: c, aggressor: d as Trade['aggressor'], repaired: e !== 0 } };
    case 'quote':
      return { $case: kind, value: { bid: a, bidSize: b, ask: c, askSize: d } };
    case 'book': {
      const [bidPrices = [], bidSizes = [], askPrices = [], askSizes = [], orderFlow = []] = lists;
      const bands = { bidValue10bps: a, askValue10bps: b, bidValue50bps: c, askValue50bps: d };
      return { $case: kind, value: { bidPrices, bidSizes, askPrices, askSizes, ...bands, orderFlow, updates: e } };
    }
    case 'status':
      return { $case: kind, value: { status: a as InstrumentStatus['status'], tickSize: b, renamedTo: word } };
    case 'heartbeat': {
      const counts = { gaps: d, checksumFailures: e, reconnects: f, conflatedQuotes: g };
      const complete = { completeThroughTradeId: h, completeThroughTime: i };
      return { $case: kind, value: { healthy: a !== 0, lastFrameTime: b, clockSkew: c, ...counts, ...complete } };
    }
    case 'gap':
      return { $case: kind, value: { kind: a as FeedGap['kind'], fromTradeId: b, toTradeId: c, detail: word } };
    case 'reference': {
      const times = { publishedAt: c, effectiveT: d, observedAt: e, validFor: f };
      return { $case: kind, value: { source: word, series: another, seq: a, value: b, ...times } };
    }
    case 'clock':
      return { $case: kind, value: { t: a, writerEpoch: b } };
    case 'candle':
      return { $case: kind, value: { start: a, open: b, high: c, low: d, close: e, volume: f, trades: g } };
  }
}
