/**
 * How batches of records are compressed on their way to the broker and on its disk. kafkajs brings gzip; zstd is Node's own, where Node has it.
 * Readers need nothing but the codec: a batch says how it is compressed.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import { TributaryError } from '../../errors/errors.ts';

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

const { CompressionCodecs, CompressionTypes } = kafkajs;
const TYPES = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, zstd: CompressionTypes.ZSTD } as const;

type Transform = (bytes: Buffer) => Promise<Buffer>;
/** Of Node 22.15 and later. */
const { zstdCompress, zstdDecompress } = zlib as Partial<
  Record<'zstdCompress' | 'zstdDecompress', (bytes: Buffer, done: (error: Error | null, result: Buffer) => void) => void>
>;
export const hasZstd = zstdCompress !== undefined && zstdDecompress !== undefined;
const zstd: { readonly compress: Transform; readonly decompress: Transform } = {
  compress: zstdCompress === undefined ? withoutZstd : promisify(zstdCompress),
  decompress: zstdDecompress === undefined ? withoutZstd : promisify(zstdDecompress),
};

CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => zstd.compress(buffer),
  decompress: zstd.decompress,
});

/** For a producer. Throws `TRB_LOG_COMPRESSION` where this Node cannot. */
export function compressionType(compression: Compression): kafkajs.CompressionTypes {
  if (compression === 'zstd' && !hasZstd) throw zstdError();
  return TYPES[compression];
}

/** As a batch of records is compressed; for the bench. */
export const CODECS: Readonly<Record<Exclude<Compression, 'none'>, Transform>> = {
  gzip: promisify(zlib.gzip),
  zstd: zstd.compress,
};

function withoutZstd(): Promise<never> {
  return Promise.reject(zstdError());
}

function zstdError(): TributaryError {
  return new TributaryError('TRB_LOG_COMPRESSION', `Node ${process.versions.node} has no zstd.`, {
    hint: 'Use Node 22.15 or later, also where such records are read, or --kafka-compression gzip.',
  });
}
