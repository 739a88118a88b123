/**
 * What an earlier run of ingest left in the log: up to where each instrument's trades are complete, and the highest sequence written.
 * It reads back the end of the instrument's partition only; heartbeats, one a second, say what is needed.
 */
import { type EventLog } from '#libs/log/port.ts';
import { partitionOf } from '#libs/log/topics.ts';
import { type Instrument } from '#libs/market/instrument.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Resume } from './instrument-stream.ts';

/** Records looked at from the end; the next one only if an instrument was not found in the last. */
const WINDOWS = [5_000, 50_000, 500_000];

/** By instrument name; an instrument the log knows nothing of begins anew. */
export async function readResume(
  log: EventLog,
  venue: string,
  instruments: readonly Instrument[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Resume>> {
  const partitions = await log.partitions('ticks');
  const found = new Map<string, Resume>();
  for (const partition of new Set(instruments.map(({ base }) => partitionOf(base, partitions)))) {
    const wanted = new Set(instruments.filter(({ base }) => partitionOf(base, partitions) === partition).map(({ name }) => name));
    for (const [name, resume] of await readTail(log, venue, partition, wanted, signal)) found.set(name, resume);
  }
  return new Map(instruments.map(({ name }) => [name, found.get(name) ?? { complete: undefined, sequence: 0 }]));
}

async function readTail(
  log: EventLog,
  venue: string,
  partition: number,
  wanted: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, Resume>> {
  const { begin, end } = await log.bounds('ticks', partition);
  let found = new Map<string, Resume>();
  const later = new Map<string, Map<number, number>>();
  for (const window of WINDOWS) {
    const from = Math.max(begin, end - window);
    found = new Map();
    for await (const { records } of log.read('ticks', partition, { from, until: 'end', signal })) {
      for (const { value } of records) take(found, later, wanted, venue, value);
    }
    const isKnown = [...wanted].every((name) => found.get(name)?.complete !== undefined);
    if (isKnown || from === begin || signal.aborted) break;
  }
  return new Map([...found].map(([name, resume]) => [name, { ...resume, complete: advance(resume.complete, later.get(name)) }]));
}

function take(
  found: Map<string, Resume>,
  later: Map<string, Map<number, number>>,
  wanted: ReadonlySet<string>,
  venue: string,
  value: Uint8Array,
): void {
  let tick: Tick;
  try {
    tick = Tick.decode(value);
  } catch {
    return; // not ours; the readers of the topic report it
  }
  if (tick.venue !== venue || !wanted.has(tick.instrument)) return;
  const known = found.get(tick.instrument);
  const sequence = Math.max(known?.sequence ?? 0, tick.sequence);
  found.set(tick.instrument, { sequence, complete: completeness(tick) ?? known?.complete });
  if (tick.event?.$case !== 'trade') return;
  const times = later.get(tick.instrument) ?? new Map<number, number>();
  later.set(tick.instrument, times.set(tick.event.value.tradeId, tick.exchangeTime));
}

function completeness({ event }: Tick): Resume['complete'] {
  if (event?.$case !== 'heartbeat' || event.value.completeThroughTradeId === 0) return undefined;
  return { id: event.value.completeThroughTradeId, time: event.value.completeThroughTime };
}

/** On from what the last heartbeat said, by the trades that follow it without a hole. */
function advance(complete: Resume['complete'], times: ReadonlyMap<number, number> | undefined): Resume['complete'] {
  if (complete === undefined || times === undefined) return complete;
  let { id, time } = complete;
  for (let next = times.get(id + 1); next !== undefined; next = times.get(id + 1)) {
    id++;
    time = next;
  }
  return { id, time };
}
