/**
 * How records lie in lmdb: one database per topic, whose entries are blocks: neighbouring records of one partition that were written
 * together. A block's key orders by partition and first offset. One entry for many records makes reading several times faster.
 */
import { type LogRecord, type OutRecord } from '../port.ts';
import { type Topic } from '../topics.ts';

/** A block is closed at this many bytes, so that a reader who wants little copies little. */
export const BLOCK_BYTES = 64 * 1024;
/** 2^43 offsets a partition (27 years at 10,000 records a second), so that (partition, offset) is one safe integer. */
const OFFSETS = 2 ** 43;
/** Timestamp (float64), number of records (uint32). */
const BLOCK_HEADER = 12;
/** Length of the key (uint16), of the value (uint32). */
const RECORD_HEADER = 6;

export function keyOf(partition: number, offset: number): number {
  return partition * OFFSETS + offset;
}

export function offsetOf(key: number): number {
  return key % OFFSETS;
}

/** Records of one partition with neighbouring offsets. */
export function encodeBlock(records: readonly OutRecord[], timestamp: number): Buffer {
  const bytes = Buffer.allocUnsafe(records.reduce((sum, record) => sum + sizeOf(record), BLOCK_HEADER));
  bytes.writeDoubleLE(timestamp, 0);
  bytes.writeUInt32LE(records.length, 8);
  let at = BLOCK_HEADER;
  for (const { key, value } of records) {
    const length = bytes.write(key, at + RECORD_HEADER, 'utf8');
    bytes.writeUInt16LE(length, at);
    bytes.writeUInt32LE(value.byteLength, at + 2);
    at += RECORD_HEADER + length;
    bytes.set(value, at);
    at += value.byteLength;
  }
  return bytes;
}

/** Bytes a record takes in its block. */
export function sizeOf({ key, value }: OutRecord): number {
  return RECORD_HEADER + Buffer.byteLength(key, 'utf8') + value.byteLength;
}

export function timestampOf(block: Buffer): number {
  return block.readDoubleLE(0);
}

export function countOf(block: Buffer): number {
  return block.readUInt32LE(8);
}

/** Adds the block's records of [from, end) to `into`; their values share the block's memory. */
export function decodeBlock(
  place: { readonly topic: Topic; readonly partition: number; readonly offset: number },
  block: Buffer,
  range: { readonly from: number; readonly end: number },
  into: LogRecord[],
): void {
  const { topic, partition } = place;
  const timestamp = timestampOf(block);
  const end = Math.min(range.end, place.offset + countOf(block));
  let [at, key, keyAt, keyLength] = [BLOCK_HEADER, '', 0, -1];
  for (let offset = place.offset; offset < end; offset += 1) {
    const length = block.readUInt16LE(at);
    const valueLength = block.readUInt32LE(at + 2);
    at += RECORD_HEADER;
    if (offset >= range.from) {
      // Neighbours often have one key: the string is made once.
      if (length !== keyLength || !sameBytes(block, at, keyAt, length)) key = block.toString('utf8', at, at + length);
      [keyAt, keyLength] = [at, length];
      const value = block.subarray(at + length, at + length + valueLength);
      into.push({ topic, partition, offset, key, value, timestamp });
    }
    at += length + valueLength;
  }
}

function sameBytes(bytes: Buffer, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i += 1) {
    if (bytes[a + i] !== bytes[b + i]) return false;
  }
  return true;
}
