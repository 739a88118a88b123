/**
 * ClickHouse's RowBinary: rows as bytes, without a detour through text, so that floats (NaN included), bytes and 64-bit integers arrive as
 * they are. The same rows always give the same bytes, which deduplication by token relies on.
 * Format: https://clickhouse.com/docs/interfaces/formats/RowBinary
 */
import { TributaryError } from '../errors/errors.ts';
import { type Row } from './port.ts';

type Encode = (out: Bytes, value: unknown) => void;

/** Rows -> bytes, for columns of these ClickHouse types. Throws `TRB_STORE_QUERY` for a type or value it cannot write. */
export function rowBinaryEncoder(columns: readonly string[], types: readonly string[]): (rows: readonly Row[]) => Buffer {
  const encoders = types.map((type, index) => encoderOf(type, columns[index]!));
  return (rows) => {
    const out = new Bytes();
    for (const row of rows) {
      if (row.length !== encoders.length) throw refuse('row', `${row.length} values for ${encoders.length} columns`);
      for (let index = 0; index < encoders.length; index++) {
        try {
          encoders[index]!(out, row[index]);
        } catch (cause) {
          throw refuse(columns[index]!, `a value that is no ${types[index]!}`, cause);
        }
      }
    }
    return out.take();
  };
}

function encoderOf(type: string, column: string): Encode {
  const inner = /^(?:LowCardinality|SimpleAggregateFunction\(\w+,)\((.*)\)$/.exec(type);
  if (inner !== null) return encoderOf(inner[1]!, column);
  const array = /^Array\((.*)\)$/.exec(type);
  if (array !== null) return arrayEncoder(encoderOf(array[1]!, column));
  const encode = SCALARS[type] ?? (type.startsWith('DateTime64(') ? SCALARS['Int64'] : undefined);
  if (encode === undefined) throw refuse(column, `type ${type}, which cannot be written`);
  return encode;
}

/** Integers of DateTime64(3) are milliseconds, of DateTime64(6) microseconds since the Unix epoch. */
const SCALARS: Readonly<Record<string, Encode>> = {
  Bool: (out, value) => out.uint8(value === true ? 1 : 0),
  UInt8: (out, value) => out.uint8(integer(value)),
  Int8: (out, value) => out.uint8(integer(value) & 0xff),
  UInt16: (out, value) => out.int(integer(value), 2),
  Int32: (out, value) => out.int(integer(value), 4),
  UInt32: (out, value) => out.int(integer(value), 4),
  Int64: (out, value) => out.int64(integer(value)),
  UInt64: (out, value) => out.int64(integer(value)),
  DateTime: (out, value) => out.int(integer(value), 4),
  Float32: (out, value) => out.float32(float(value)),
  Float64: (out, value) => out.float64(float(value)),
  String: (out, value) => out.bytes(value),
};

function arrayEncoder(element: Encode): Encode {
  return (out, value) => {
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) throw new TypeError('not an array');
    const items = value as ArrayLike<unknown>;
    out.varint(items.length);
    for (let index = 0; index < items.length; index++) element(out, items[index]);
  };
}

function integer(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError('not a safe integer');
  return value as number;
}

function float(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('not a number');
  return value;
}

function refuse(column: string, what: string, cause?: unknown): TributaryError {
  return new TributaryError('TRB_STORE_QUERY', `Column ${column} has ${what}.`, { cause });
}

/** A buffer that grows. */
class Bytes {
  #buffer = Buffer.allocUnsafe(1 << 16);
  #length = 0;

  uint8(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  /** Little-endian, two's complement, 2 or 4 bytes. */
  int(value: number, size: 2 | 4): void {
    this.#room(size);
    for (let index = 0; index < size; index++) this.#buffer[this.#length++] = (value >> (8 * index)) & 0xff;
  }

  int64(value: number): void {
    this.#room(8);
    const high = Math.floor(value / 2 ** 32);
    this.#buffer.writeUInt32LE(value - high * 2 ** 32, this.#length);
    this.#buffer.writeInt32LE(high | 0, this.#length + 4);
    this.#length += 8;
  }

  float32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
  }

  float64(value: number): void {
    this.#room(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** Length as a varint, then the bytes: UTF-8 of a string, or bytes as they are. */
  bytes(value: unknown): void {
    if (typeof value === 'string') {
      const size = Buffer.byteLength(value, 'utf8');
      this.varint(size);
      this.#room(size);
      this.#length += this.#buffer.write(value, this.#length, size, 'utf8');
    } else if (ArrayBuffer.isView(value)) {
      this.varint(value.byteLength);
      this.#room(value.byteLength);
      this.#buffer.set(Buffer.from(value.buffer, value.byteOffset, value.byteLength), this.#length);
      this.#length += value.byteLength;
    } else throw new TypeError('neither text nor bytes');
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.uint8((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.uint8(rest);
  }

  take(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(size: number): void {
    if (this.#length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
