/** Recorded ticks for training: folded into the fast lane's vectors, with the mids that their labels are made of. */
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
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
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
  const state = createFastFold({ targets: chooseTargets(rows, options) });
  const collector = collectorOf(fastSchema().columns);
  const recorders = new Map<string, MidRecorder>();
  let offset = 0;
  for (const tick of tickFileToTicks(rows)) {
    foldFast(state, tick, offset++, (vector) => collector.add(vector));
    record(recorders, tick);
    if (offset % STEP !== 0) continue;
    options.onProgress?.(Math.min(offset, rows.length), rows.length);
    await new Promise((resolve) => setImmediate(resolve));
    options.signal?.throwIfAborted();
  }
  options.onProgress?.(rows.length, rows.length);
  const targets = [...collector.matrices().values()].map((matrix) => ({
    table: shareTable(withoutEmpty(matrix)),
    series: seriesOf(recorders.get(`${matrix.venue}:${matrix.instrument}`)!),
  }));
  targets.sort((a, b) => (keyOf(a.table) < keyOf(b.table) ? -1 : 1));
  return { targets, stalls: stallsOf(rows), rows: rows.length, from: rows[0]!.receiveTime, to: rows.at(-1)!.receiveTime };
}

function keyOf({ venue, instrument }: { readonly venue: string; readonly instrument: string }): string {
  return `${venue}:${instrument}`;
}

/** `venue:BASE-QUOTE` of what has quotes and is traded for itself. */
function chooseTargets(rows: readonly TickRow[], options: FastHistoryOptions): string[] {
  const quoted = new Map(
    rows
      .filter(({ bid, ask, instrument }) => bid > 0 && ask > 0 && !isConversionRate(parseInstrument(instrument)))
      .map((row) => [keyOf(row), row]),
  );
  const all = [...quoted.values()];
  const isAsked = ({ venue, instrument }: TickRow): boolean =>
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

function record(recorders: Map<string, MidRecorder>, { venue, instrument, receiveTime, event }: Tick): void {
  if (event?.$case !== 'quote' && event?.$case !== 'trade') return;
  const key = `${venue}:${instrument}`;
  let recorder = recorders.get(key);
  if (recorder === undefined) recorders.set(key, (recorder = { venue, instrument, t: [], mid: [], heard: [] }));
  const at = receiveTime / 1000;
  recorder.heard.push(at);
  if (event.$case !== 'quote') return;
  recorder.t.push(at);
  recorder.mid.push((event.value.bid + event.value.ask) / 2);
}

function seriesOf({ venue, instrument, t, mid, heard }: MidRecorder): MidSeries {
  return { venue, instrument, t: Float64Array.from(t), mid: Float64Array.from(mid), heard: Float64Array.from(heard) };
}

function stallsOf(rows: readonly TickRow[]): number[] {
  const stalls: number[] = [];
  for (let i = 1; i < rows.length; i++) {
    const [from, to] = [rows[i - 1]!.receiveTime, rows[i]!.receiveTime];
    if (to - from > LONGEST_STALL) stalls.push(from, to);
  }
  return stalls;
}
