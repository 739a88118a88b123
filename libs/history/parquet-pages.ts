/**
 * What a Parquet file promises, held against itself before anything is unpacked: a few bytes can claim billions of values (a run of one value) or
 * gigabytes (a page of zeros), and a reader that believes them dies of it. Page headers are Thrift's compact protocol
 * (github.com/apache/parquet-format, parquet.thrift).
 */

/** What is wrong, in words. */
export class Implausible extends Error {}

export interface Promised {
  readonly column: string;
  /** Of the group, and so of each of its flat columns. */
  readonly rows: number;
  /** Bytes of the group's pages unpacked, at most. */
  readonly bytes: number;
}

const [UNCOMPRESSED_SIZE, COMPRESSED_SIZE, DATA, DICTIONARY, DATA_V2] = [2, 3, 5, 7, 8];
const NUM_VALUES = 1;

/** Bytes that the pages of a column chunk unpack to. Throws `Implausible`. */
export function checkPages(chunk: ArrayBuffer, { column, rows, bytes }: Promised): number {
  const thrift = new Thrift(new DataView(chunk));
  let values = 0;
  let unpacked = 0;
  while (values < rows && thrift.offset < chunk.byteLength) {
    const header = thrift.struct();
    const [packed, size] = [header.number(COMPRESSED_SIZE), header.number(UNCOMPRESSED_SIZE)];
    if (packed < 0 || size < 0 || thrift.offset + packed > chunk.byteLength)
      throw new Implausible(`a page of column "${column}" reaches beyond its end`);
    unpacked += size;
    if (unpacked > bytes) throw new Implausible(`column "${column}" unpacks to more than ${Math.round(bytes / 2 ** 20)} MiB`);
    const dictionary = header.struct(DICTIONARY);
    if (dictionary !== undefined && dictionary.number(NUM_VALUES) > Math.max(rows, 8 * size))
      throw new Implausible(`the dictionary of column "${column}" claims more values than it has bytes for`);
    values += (header.struct(DATA) ?? header.struct(DATA_V2))?.number(NUM_VALUES) ?? 0;
    if (values > rows) throw new Implausible(`column "${column}" claims more values than the ${rows} rows of its row group`);
    thrift.offset += packed;
  }
  return unpacked;
}

class Struct {
  readonly fields = new Map<number, number | Struct>();

  /** 0 where it is not set. */
  number(id: number): number {
    const field = this.fields.get(id);
    return typeof field === 'number' ? field : 0;
  }

  struct(id: number): Struct | undefined {
    const field = this.fields.get(id);
    return field instanceof Struct ? field : undefined;
  }
}

/** Numbers and structs of Thrift's compact protocol; what is neither is passed over. Reading beyond the end throws RangeError. */
class Thrift {
  readonly #view: DataView;
  offset = 0;

  constructor(view: DataView) {
    this.#view = view;
  }

  struct(depth = 0): Struct {
    if (depth > 8) throw new Implausible('a page header is nested deeper than any');
    const struct = new Struct();
    for (let id = 0; ;) {
      const head = this.#byte();
      if (head === 0) return struct;
      id = head >> 4 === 0 ? this.#zigzag() : id + (head >> 4);
      const value = this.#value(head & 15, depth);
      if (value !== undefined) struct.fields.set(id, value);
    }
  }

  #value(type: number, depth: number): number | Struct | undefined {
    switch (type) {
      case 1:
      case 2:
        return undefined;
      case 3:
        this.offset += 1;
        return undefined;
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        this.offset += 8;
        return undefined;
      case 8: {
        const length = this.#varint();
        this.offset += length;
        return undefined;
      }
      case 12:
        return this.struct(depth + 1);
      default:
        throw new Implausible('a page header holds what no page header does');
    }
  }

  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** As a double: exact to 2^53, and never negative by overflow. */
  #varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  #byte(): number {
    return this.#view.getUint8(this.offset++);
  }
}
