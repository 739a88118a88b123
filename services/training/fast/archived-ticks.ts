/** Archived ticks as the fast fold takes them: a partition of the log after the other, in its order, a block of offsets in memory at a time. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Store } from '#libs/store/port.ts';
import {
  BookSlice,
  type GapKind,
  Heartbeat,
  type InstrumentStatus,
  type Side,
  type Tick,
} from '#libs/wire/tributary/v1/market.ts';
import { type SourceRange } from '../candle-source.ts';
import { type TickArchive } from './history.ts';

/** What one statement reads: a long run holds no statement open, which servers and proxies would cut. */
const BLOCK = 200_000;
const DAY = 86_400_000;
/** What the fast fold looks at. */
const KINDS = `('quote', 'trade', 'book', 'status', 'heartbeat', 'gap', 'clock')`;
const SPAN = `log_time >= fromUnixTimestamp64Milli({since:Int64}) AND log_time < fromUnixTimestamp64Milli({until:Int64})`;
/** Five numbers of a row, by kind; `tickOf` reads them. */
const NUMBERS = `multiIf(
  kind = 'quote', [bid, bid_size, ask, ask_size, 0],
  kind = 'trade', [toFloat64(trade_id), price, size, toFloat64(aggressor), toFloat64(repaired)],
  kind = 'heartbeat', [toFloat64(healthy), toFloat64(last_frame_time), toFloat64(clock_skew), 0, 0],
  kind = 'gap', [toFloat64(gap_kind), toFloat64(from_trade_id), toFloat64(to_trade_id), 0, 0],
  kind = 'status', [toFloat64(status), tick_size, 0, 0, 0],
  kind = 'clock', [toFloat64(t), toFloat64(writer_epoch), 0, 0, 0], emptyArrayFloat64())`;

const Partition = z.object({ partition: z.number(), first: z.number(), last: z.number(), rows: z.number() });
const Quoted = z.object({ venue: z.string(), instrument: z.string() });
const Row = z.object({
  kind: z.string(),
  asset: z.string(),
  venue: z.string(),
  instrument: z.string(),
  received: z.number(),
  sequence: z.number(),
  numbers: z.array(z.number()),
});
type Row = z.output<typeof Row>;

/** `range` by the time of append; the last day unless it says otherwise. Throws `TRB_HISTORY_EMPTY`, `TRB_STORE_…`. */
export async function openTickArchive(
  store: Store,
  { since, until = Date.UTC(2200, 0), days }: SourceRange = {},
): Promise<TickArchive> {
  const begin = since ?? (await newest(store, until)) - (days ?? 1) * DAY;
  const span = { since: begin, until };
  const partitions = await store.query(
    `SELECT log_partition AS partition, min(log_offset) AS first, max(log_offset) AS last, count() AS rows
     FROM ticks WHERE kind IN ${KINDS} AND ${SPAN} GROUP BY log_partition ORDER BY log_partition`,
    Partition,
    span,
  );
  const quoted = await store.query(
    `SELECT DISTINCT venue, instrument FROM ticks WHERE kind = 'quote' AND ${SPAN} ORDER BY venue, instrument`,
    Quoted,
    span,
  );
  if (quoted.length === 0) {
    throw new TributaryError('TRB_HISTORY_EMPTY', 'The store holds no quotes of that time.', {
      hint: 'Quotes are archived while `up`, or ingest and archive, run; they are kept for 30 days. Widen --since and --until.',
    });
  }
  return {
    quoted,
    partitions: partitions.map(({ partition }) => partition),
    count: partitions.reduce((sum, { rows }) => sum + rows, 0),
    ticks: (wanted) =>
      ticksOf(
        store,
        partitions.find(({ partition }) => partition === wanted)!,
        span,
      ),
  };
}

async function newest(store: Store, until: number): Promise<number> {
  const [row] = await store.query(
    `SELECT toUnixTimestamp64Milli(max(log_time)) AS newest FROM ticks WHERE log_time < fromUnixTimestamp64Milli({until:Int64})`,
    z.object({ newest: z.number() }),
    { until },
  );
  return row?.newest ?? 0;
}

/** A row that was inserted twice is one. */
async function* ticksOf(
  store: Store,
  { partition, first, last }: z.output<typeof Partition>,
  span: { readonly since: number; readonly until: number },
): AsyncGenerator<Tick> {
  for (let from = first; from <= last; from += BLOCK) {
    const rows = store.stream(
      `SELECT kind, asset, venue, instrument, toUnixTimestamp64Micro(receive_time) AS received, sequence, ${NUMBERS} AS numbers
       FROM ticks WHERE kind IN ${KINDS} AND ${SPAN} AND log_partition = {partition:Int32}
         AND log_offset >= {from:Int64} AND log_offset < {to:Int64}
       ORDER BY log_offset LIMIT 1 BY log_offset`,
      Row,
      { ...span, partition, from, to: from + BLOCK },
    );
    for await (const some of rows) for (const row of some) yield tickOf(row);
  }
}

function tickOf({ kind, asset, venue, instrument, received, sequence, numbers }: Row): Tick {
  return { asset, venue, instrument, exchangeTime: 0, receiveTime: received, sequence, event: eventOf(kind, numbers) };
}

function eventOf(kind: string, [a = 0, b = 0, c = 0, d = 0, e = 0]: Row['numbers']): Tick['event'] {
  switch (kind) {
    case 'quote':
      return { $case: 'quote', value: { bid: a, bidSize: b, ask: c, askSize: d } };
    case 'trade':
      return { $case: 'trade', value: { tradeId: a, price: b, size: c, aggressor: d as Side, repaired: e !== 0 } };
    case 'heartbeat':
      return { $case: 'heartbeat', value: Heartbeat.create({ healthy: a !== 0, lastFrameTime: b, clockSkew: c }) };
    case 'gap':
      return { $case: 'gap', value: { kind: a as GapKind, fromTradeId: b, toTradeId: c, detail: '' } };
    case 'status':
      return { $case: 'status', value: { status: a as InstrumentStatus['status'], tickSize: b, renamedTo: '' } };
    case 'clock':
      return { $case: 'clock', value: { t: a, writerEpoch: b } };
    default:
      // Of a book the fast fold knows that there was news.
      return { $case: 'book', value: BookSlice.create({}) };
  }
}
