/** Ticks for training, recorded or archived: folded into the fast lane's vectors, with the mids that their labels are made of. */
import { TributaryError } from '#libs/errors/errors.ts';
import { fastSchema } from '#libs/features/fast/catalogue.ts';
import { createFastFold, foldFast } from '#libs/features/fast/fold.ts';
import { collectorOf } from '#libs/features/matrix.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { type TickRow } from '#libs/history/rows.ts';
import { loadTicks } from '#libs/history/ticks.ts';
import { isConversionRate, parseInstrument } from '#libs/market/instrument.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { LONGEST_STALL, type MidSeries } from '#libs/validation/mid-labels.ts';
import { GapKind, type Tick } from '#libs/wire/tributary/v1/market.ts';
import { shareTable } from '../fit-pool.ts';

/** One target: its vectors, and what its mid did. */
export interface FastTarget {
  readonly table: VectorTable;
  readonly series: MidSeries;
}

export interface FastHistory {
  /** By venue and instrument. */
  readonly targets: readonly FastTarget[];
  /** When nothing was heard of any venue, as flat pairs of milliseconds. */
  readonly stalls: readonly number[];
  /** Of the recording; of an archive the ticks. */
  readonly rows: number;
  /** First and last receipt, milliseconds. */
  readonly from: number;
  readonly to: number;
}

export interface FastHistoryOptions {
  readonly symbols?: readonly string[] | undefined;
  readonly venues?: readonly string[] | undefined;
  /** Rows folded so far, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Quoted {
  readonly venue: string;
  /** BASE-QUOTE. */
  readonly instrument: string;
}

/** Archived ticks of a time (archived-ticks.ts). */
export interface TickArchive {
  /** What has quotes. */
  readonly quoted: readonly Quoted[];
  readonly partitions: readonly number[];
  /** Of all partitions. */
  readonly count: number;
  /** Of one partition, in the order of the log. */
  ticks(partition: number): AsyncIterable<Tick>;
}

/** Events between two looks for an abort. */
const STEP = 20_000;

/** Throws `TRB_HISTORY_…`, `TRB_UNKNOWN_SYMBOL`, `TRB_UNKNOWN_VENUE`. */
export async function loadFastHistory(path: string, options: FastHistoryOptions = {}): Promise<FastHistory> {
  return foldTickRows(await loadTicks(path), options);
}

/** `rows` by receive time. */
export async function foldTickRows(rows: readonly TickRow[], options: FastHistoryOptions = {}): Promise<FastHistory> {
  if (rows.length === 0)
    throw new TributaryError('TRB_HISTORY_EMPTY', 'The history holds no ticks.', { hint: 'Give a file with minutes of them.' });
  const quoted = rows.filter(({ bid, ask }) => bid > 0 && ask > 0);
  const { targets, silent } = await foldTicks(tickFileToTicks(rows), chooseTargets(quoted, options), (done) => {
    options.onProgress?.(Math.min(done, rows.length), rows.length);
    options.signal?.throwIfAborted();
  });
  options.onProgress?.(rows.length, rows.length);
  return {
    targets: inOrder(targets),
    stalls: silent.slice(2, -2),
    rows: rows.length,
    from: rows[0]!.receiveTime,
    to: rows.at(-1)!.receiveTime,
  };
}

/** A partition of the archive after the other. Throws `TRB_HISTORY_EMPTY`, `TRB_UNKNOWN_SYMBOL`, `TRB_UNKNOWN_VENUE`, `TRB_STORE_…`. */
export async function foldArchivedTicks(archive: TickArchive, options: FastHistoryOptions = {}): Promise<FastHistory> {
  const targets = chooseTargets(archive.quoted, options);
  const folded: FastTarget[] = [];
  let silent = [-Infinity, Infinity];
  let rows = 0;
  for (const partition of archive.partitions) {
    const before = rows;
    const part = await foldTicks(archive.ticks(partition), targets, (done) => {
      rows = before + done;
      options.onProgress?.(rows, archive.count);
      options.signal?.throwIfAborted();
    });
    folded.push(...part.targets);
    silent = intersect(silent, part.silent);
  }
  // From the first that was heard of anything to the last.
  return { targets: inOrder(folded), stalls: silent.slice(2, -2), rows, from: silent[1]!, to: silent.at(-2)! };
}

/**
 * `onStep` hears every so often how many ticks have been folded, and at the end. `silent`: when nothing was heard of any venue for longer than
 * LONGEST_STALL, as flat pairs, from -Infinity until the first and from the last to Infinity among them.
 */
async function foldTicks(
  ticks: Iterable<Tick> | AsyncIterable<Tick>,
  targets: readonly string[],
  onStep: (done: number) => void,
): Promise<{ readonly targets: FastTarget[]; readonly silent: number[] }> {
  const state = createFastFold({ targets });
  const collector = collectorOf(fastSchema().columns);
  const recorders = new Map<string, MidRecorder>();
  const silent: number[] = [];
  let heard = -Infinity;
  let offset = 0;
  for await (const tick of ticks) {
    foldFast(state, tick, offset++, (vector) => collector.add(vector));
    record(recorders, tick);
    if (isMarket(tick)) {
      const at = Math.max(heard, tick.receiveTime / 1000);
      if (at - heard > LONGEST_STALL) silent.push(heard, at);
      heard = at;
    }
    if (offset % STEP !== 0) continue;
    onStep(offset);
    await new Promise((resolve) => setImmediate(resolve));
  }
  silent.push(heard, Infinity);
  onStep(offset);
  const vectors = [...collector.matrices().values()].map((matrix) => ({
    table: shareTable(withoutEmpty(matrix)),
    series: seriesOf(recorders.get(keyOf(matrix))!),
  }));
  return { targets: vectors, silent };
}

function isMarket({ event }: Tick): boolean {
  return event?.$case === 'quote' || event?.$case === 'trade' || event?.$case === 'book';
}

/** Of two lists of disjoint times in order, as flat pairs, what lies in both and is longer than LONGEST_STALL. */
function intersect(some: readonly number[], others: readonly number[]): number[] {
  const both: number[] = [];
  for (let [i, j] = [0, 0]; i < some.length && j < others.length;) {
    const [from, to] = [Math.max(some[i]!, others[j]!), Math.min(some[i + 1]!, others[j + 1]!)];
    if (to - from > LONGEST_STALL) both.push(from, to);
    if (some[i + 1]! < others[j + 1]!) i += 2;
    else j += 2;
  }
  return both;
}

function inOrder(targets: readonly FastTarget[]): FastTarget[] {
  return targets.toSorted((a, b) => (keyOf(a.table) < keyOf(b.table) ? -1 : 1));
}

function keyOf({ venue, instrument }: Quoted): string {
  return `${venue}:${instrument}`;
}

/** `venue:BASE-QUOTE` of what is traded for itself, of the instruments that have quotes. */
function chooseTargets(quoted: readonly Quoted[], options: FastHistoryOptions): string[] {
  const traded = quoted.filter(({ instrument }) => !isConversionRate(parseInstrument(instrument)));
  const all = [...new Map(traded.map((each) => [keyOf(each), each])).values()];
  const isAsked = ({ venue, instrument }: Quoted): boolean =>
    (options.venues?.includes(venue) ?? true) && (options.symbols?.includes(instrument) ?? true);
  checkKnown(
    'SYMBOL',
    options.symbols,
    all.map(({ instrument }) => instrument),
  );
  checkKnown(
    'VENUE',
    options.venues,
    all.map(({ venue }) => venue),
  );
  return all.filter(isAsked).map(keyOf);
}

function checkKnown(kind: 'SYMBOL' | 'VENUE', asked: readonly string[] | undefined, known: readonly string[]): void {
  const missing = asked?.find((name) => !known.includes(name));
  if (missing === undefined) return;
  throw new TributaryError(`TRB_UNKNOWN_${kind}`, `The history has no quotes of "${missing}".`, {
    hint: `It has ${[...new Set(known)].sort().join(', ') || 'none'}.`,
  });
}

/** A leg that the recording has not takes no memory. */
function withoutEmpty(table: VectorTable): VectorTable {
  const { columns, t, values } = table;
  const width = columns.length;
  const kept = columns.flatMap((_, c) => {
    for (let at = c; at < values.length; at += width) if (values[at] === values[at]) return [c];
    return [];
  });
  const narrow = new Float32Array(t.length * kept.length);
  for (let row = 0; row < t.length; row++)
    for (let i = 0; i < kept.length; i++) narrow[row * kept.length + i] = values[row * width + kept[i]!]!;
  return { venue: table.venue, instrument: table.instrument, columns: kept.map((c) => columns[c]!), t, values: narrow };
}

interface MidRecorder {
  readonly venue: string;
  readonly instrument: string;
  readonly t: number[];
  readonly mid: number[];
  readonly heard: number[];
}

/** As the outcomes of live decisions are judged (services/evaluation/mids.ts). */
function record(recorders: Map<string, MidRecorder>, { venue, instrument, receiveTime, event }: Tick): void {
  if (event?.$case !== 'quote' && event?.$case !== 'trade' && event?.$case !== 'gap') return;
  const key = `${venue}:${instrument}`;
  let recorder = recorders.get(key);
  if (recorder === undefined) recorders.set(key, (recorder = { venue, instrument, t: [], mid: [], heard: [] }));
  const { t, mid, heard } = recorder;
  const last = heard.at(-1) ?? -Infinity;
  if (event.$case === 'gap') {
    // Trades that were missed say nothing of the quotes.
    if (event.value.kind === GapKind.GAP_KIND_TRADES || t.length === 0) return;
    t.push(last);
    mid.push(Number.NaN);
    return;
  }
  if (event.$case === 'trade' && event.value.repaired) return;
  const at = Math.max(receiveTime / 1000, last);
  heard.push(at);
  if (event.$case === 'trade') return;
  t.push(at);
  mid.push((event.value.bid + event.value.ask) / 2);
}

function seriesOf({ venue, instrument, t, mid, heard }: MidRecorder): MidSeries {
  return { venue, instrument, t: Float64Array.from(t), mid: Float64Array.from(mid), heard: Float64Array.from(heard) };
}
