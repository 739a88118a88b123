/** History files as this project writes them: CSV, gzipped, whole or not there at all. */
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** Writes a header and blocks of rows, each row as `lineOf` gives it, its line end included; returns how many rows. */
export async function writeTable<Row>(
  file: string,
  columns: readonly string[],
  blocks: AsyncIterable<readonly Row[]>,
  lineOf: (row: Row) => string,
): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    yield `${columns.join(',')}\n`;
    for await (const block of blocks) {
      count += block.length;
      yield block.map(lineOf).join('');
    }
  }
  const unfinished = `${file}.part`;
  await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(unfinished));
  await rename(unfinished, file);
  return count;
}
