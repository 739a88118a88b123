/**
 * Vectors on their way from the fold to training, in files of one target each, so that what is in memory at once depends neither on how many
 * instruments there are nor on how long history is. A table is read back alone, without the columns that say nothing over all of it.
 *
 * File of vectors: blocks of [rows, columns] and the columns' places (uint32), then the times (float64), then column by column the values
 * (float32); a column that a whole block lacks is left out. File of candles: [start, open, close] (float64). Both in the machine's byte order.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type CandleRow } from '#libs/history/rows.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type MinuteSeries } from '#libs/validation/labels.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';

export interface StoredTable {
  readonly venue: string;
  readonly instrument: string;
  readonly rows: number;
  /** Of the first and the last vector, milliseconds. */
  readonly from: number;
  readonly to: number;
  /** In memory that threads share. */
  load(): TableWithSeries;
}

export interface TableWithSeries {
  readonly table: VectorTable;
  /** The candles behind it, for the labels. */
  readonly series: MinuteSeries;
}

const MINUTE = 60_000;
const BLOCK_ROWS = 256;

export class VectorFiles {
  readonly #targets: ReadonlyMap<string, TargetFile>;

  /** `targets`: venue:BASE-QUOTE. Makes two files each in `folder`. */
  constructor(folder: string, targets: readonly string[], columns: readonly string[]) {
    this.#targets = new Map(targets.map((target, n) => [target, new TargetFile(join(folder, `${n}`), target, columns)]));
  }

  addCandle(candle: CandleRow): void {
    this.#targets.get(`${candle.venue}:${candle.instrument}`)?.addCandle(candle);
  }

  addVector(vector: FeatureVector): void {
    this.#targets.get(`${vector.venue}:${vector.instrument}`)?.addVector(vector);
  }

  /** By venue and instrument; targets without a vector are left out. Tables of one instrument have the same columns, so that they can be joined. */
  finish(): StoredTable[] {
    const targets = [...this.#targets].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
    const kept = new Map<string, Set<number>>();
    for (const target of targets)
      kept.set(target.instrument, new Set([...(kept.get(target.instrument) ?? []), ...target.varying()]));
    return targets
      .map((target) => target.finish([...kept.get(target.instrument)!].sort((a, b) => a - b)))
      .filter(({ rows }) => rows > 0);
  }
}

class TargetFile {
  readonly #venue: string;
  readonly instrument: string;
  readonly #columns: readonly string[];
  readonly #vectors: string;
  readonly #candles: string;
  readonly #low: Float32Array;
  readonly #high: Float32Array;
  readonly #t = new Float64Array(BLOCK_ROWS);
  readonly #values: Float32Array;
  readonly #prices = new Float64Array(3 * BLOCK_ROWS);
  #inBlock = 0;
  #inPrices = 0;
  #rows = 0;
  #from = NaN;
  #to = NaN;

  constructor(path: string, target: string, columns: readonly string[]) {
    const [venue = '', instrument = ''] = target.split(':');
    this.#venue = venue;
    this.instrument = instrument;
    this.#columns = columns;
    this.#vectors = `${path}.vectors`;
    this.#candles = `${path}.candles`;
    for (const file of [this.#vectors, this.#candles]) closeSync(openSync(file, 'w'));
    this.#low = new Float32Array(columns.length).fill(Infinity);
    this.#high = new Float32Array(columns.length).fill(-Infinity);
    this.#values = new Float32Array(columns.length * BLOCK_ROWS);
  }

  addCandle({ start, open, close }: CandleRow): void {
    this.#prices.set([start, open, close], this.#inPrices);
    this.#inPrices += 3;
    if (this.#inPrices === this.#prices.length) this.#flushPrices();
  }

  addVector({ t, values }: FeatureVector): void {
    for (let c = 0; c < this.#columns.length; c++) {
      const value = values[c]!;
      this.#values[c * BLOCK_ROWS + this.#inBlock] = value;
      const kept = this.#values[c * BLOCK_ROWS + this.#inBlock]!;
      if (kept < this.#low[c]!) this.#low[c] = kept;
      if (kept > this.#high[c]!) this.#high[c] = kept;
    }
    this.#t[this.#inBlock++] = t;
    this.#rows++;
    if (this.#rows === 1) this.#from = t;
    this.#to = t;
    if (this.#inBlock === BLOCK_ROWS) this.#flushBlock();
  }

  /** Places of the columns that have two values at least. */
  varying(): number[] {
    return this.#columns.flatMap((_, c) => (this.#high[c]! > this.#low[c]! ? [c] : []));
  }

  /** `kept`: places of the columns that are read back. */
  finish(kept: readonly number[]): StoredTable {
    this.#flushBlock();
    this.#flushPrices();
    const [venue, instrument, rows] = [this.#venue, this.instrument, this.#rows];
    const [vectors, candles, columns] = [this.#vectors, this.#candles, this.#columns];
    return {
      ...{ venue, instrument, rows, from: this.#from, to: this.#to },
      load: () => ({
        table: {
          venue,
          instrument,
          columns: kept.map((c) => columns[c]!),
          ...readVectors(vectors, rows, columns.length, kept),
        },
        series: { venue, instrument, ...readSeries(candles) },
      }),
    };
  }

  #flushBlock(): void {
    const rows = this.#inBlock;
    if (rows === 0) return;
    this.#inBlock = 0;
    const column = (c: number): Float32Array => this.#values.subarray(c * BLOCK_ROWS, c * BLOCK_ROWS + rows);
    const present = this.#columns.flatMap((_, c) => (column(c).some((value) => value === value) ? [c] : []));
    append(this.#vectors, [Uint32Array.of(rows, present.length, ...present), this.#t.subarray(0, rows), ...present.map(column)]);
  }

  #flushPrices(): void {
    if (this.#inPrices > 0) append(this.#candles, [this.#prices.subarray(0, this.#inPrices)]);
    this.#inPrices = 0;
  }
}

/** Opened for each write: of many targets, few files are open at once. */
function append(path: string, parts: readonly NodeJS.TypedArray[]): void {
  const file = openSync(path, 'a');
  try {
    const bytes = Buffer.concat(parts.map(bytesOf));
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
}

function readVectors(path: string, rows: number, width: number, kept: readonly number[]): Pick<VectorTable, 't' | 'values'> {
  const t = new Float64Array(new SharedArrayBuffer(8 * rows));
  const values = new Float32Array(new SharedArrayBuffer(4 * rows * kept.length)).fill(NaN);
  const placeOf = new Int32Array(width).fill(-1);
  kept.forEach((c, place) => (placeOf[c] = place));
  reading(path, (read) => {
    const block = new Float32Array(BLOCK_ROWS);
    for (let first = 0; first < rows;) {
      const head = read(new Uint32Array(2));
      const [count, columns] = [head[0]!, head[1]!];
      const present = read(new Uint32Array(columns));
      t.set(read(new Float64Array(count)), first);
      for (const c of present) {
        const column = read(block.subarray(0, count));
        const place = placeOf[c]!;
        if (place < 0) continue;
        for (let i = 0; i < count; i++) values[(first + i) * kept.length + place] = column[i]!;
      }
      first += count;
    }
  });
  return { t, values };
}

function readSeries(path: string): Pick<MinuteSeries, 'from' | 'open' | 'close'> {
  const prices = new Float64Array(statSync(path).size / 8);
  reading(path, (read) => read(prices));
  const from = prices[0] ?? 0;
  const minutes = prices.length === 0 ? 0 : (prices.at(-3)! - from) / MINUTE + 1;
  const open = new Float64Array(minutes).fill(NaN);
  const close = open.slice();
  for (let i = 0; i < prices.length; i += 3) {
    const minute = (prices[i]! - from) / MINUTE;
    open[minute] = prices[i + 1]!;
    close[minute] = prices[i + 2]!;
  }
  return { from, open, close };
}

/** `read` fills an array with what comes next. */
function reading(path: string, work: (read: <A extends NodeJS.TypedArray>(into: A) => A) => void): void {
  const file = openSync(path, 'r');
  try {
    work((into) => {
      const bytes = bytesOf(into);
      for (let at = 0; at < bytes.length;) {
        const got = readSync(file, bytes, at, bytes.length - at, null);
        if (got === 0) throw new RangeError(`${path} ends early`);
        at += got;
      }
      return into;
    });
  } finally {
    closeSync(file);
  }
}

function bytesOf(array: NodeJS.TypedArray): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
