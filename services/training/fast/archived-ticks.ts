/** Archived ticks as the fast fold takes them: a partition of the log after the other, in its order, a block of offsets in memory at a time. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Store } from '#libs/store/port.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Kind } from '#services/archive/rows.ts';
import { readTicks, SPAN } from '#services/archive/ticks.ts';
import { type SourceRange } from '../candle-source.ts';
import { type TickArchive } from './history.ts';

const DAY = 86_400_000;
/** What the fast fold looks at. */
const KINDS: readonly Kind[] = ['quote', 'trade', 'book', 'status', 'heartbeat', 'gap', 'clock'];

const Partition = z.object({ partition: z.number(), first: z.number(), last: z.number(), rows: z.number() });
const Quoted = z.object({ venue: z.string(), instrument: z.string() });

/** `range` by the time of append; the last day unless it says otherwise. Throws `TRB_HISTORY_EMPTY`, `TRB_STORE_…`. */
export async function openTickArchive(
  store: Store,
  { since, until = Date.UTC(2200, 0), days }: SourceRange = {},
): Promise<TickArchive> {
  const begin = since ?? (await newest(store, until)) - (days ?? 1) * DAY;
  const span = { since: begin, until };
  const partitions = await store.query(
    `SELECT log_partition AS partition, min(log_offset) AS first, max(log_offset) AS last, count() AS rows
     FROM ticks WHERE kind IN {kinds:Array(String)} AND ${SPAN} GROUP BY log_partition ORDER BY log_partition`,
    Partition,
    { ...span, kinds: KINDS },
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

async function* ticksOf(
  store: Store,
  { partition, first, last }: z.output<typeof Partition>,
  span: { readonly since: number; readonly until: number },
): AsyncGenerator<Tick> {
  const query = { partition, from: first, end: last + 1, span, kinds: KINDS, withoutBooks: true };
  for await (const ticks of readTicks(store, query)) for (const { tick } of ticks) yield tick;
}
