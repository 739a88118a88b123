/** CSV, plain or gzipped, in blocks of whole lines. Fields hold no commas in these formats, so quotes are only stripped. */
import { createReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';

import { messageOf, TributaryError } from '../errors/errors.ts';
import { formatError } from './format-error.ts';
import { type TableBlock } from './table.ts';

const CHUNK = 1 << 20;
const MAX_LINE = 1 << 16;
/** A gzip file that unpacks to more than this much and to more than RATIO times its size is no market data (they reach 5 to 20). */
const BOMB_BYTES = 1 << 26;
const BOMB_RATIO = 300;

export async function* readCsv(path: string, gzipped: boolean): AsyncGenerator<TableBlock> {
  let columns: readonly string[] | undefined;
  let line = 0;
  let blank = 0;
  for await (const lines of readLines(path, gzipped)) {
    const rows: string[][] = [];
    let first = line + 1;
    for (const text of lines) {
      line++;
      if (text.length > MAX_LINE) throw tooLong(path, line);
      if (text.trim() === '') {
        blank ||= line;
        continue;
      }
      if (blank !== 0) throw formatError(path, `line ${blank}`, 'the line is empty', 'Remove it, or fetch the file again.');
      const fields = split(text);
      if (columns === undefined) {
        columns = fields.map((name) => name.trim().toLowerCase());
        first = line + 1;
      } else if (fields.length === columns.length) rows.push(fields);
      else {
        const found = `${fields.length} fields where the header has ${columns.length}`;
        throw formatError(path, `line ${line}`, found, 'The file may be cut short: fetch it again.');
      }
    }
    if (columns !== undefined) yield { columns, place: (i) => `line ${first + i}`, rows };
  }
  if (columns === undefined) throw formatError(path, undefined, 'there is no header line', 'Fetch the file again.');
}

function split(text: string): string[] {
  const fields = (text.endsWith('\r') ? text.slice(0, -1) : text).split(',');
  return text.includes('"') ? fields.map((field) => field.replaceAll('"', '')) : fields;
}

async function* readLines(path: string, gzipped: boolean): AsyncGenerator<string[]> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  const source = gzipped ? file.pipe(createGunzip({ chunkSize: CHUNK })) : file;
  if (source !== file) file.on('error', (error) => source.destroy(error));
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let unpacked = 0;
  let count = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      unpacked += chunk.length;
      if (unpacked > BOMB_BYTES && unpacked > BOMB_RATIO * file.bytesRead) {
        throw formatError(path, undefined, 'it unpacks to an implausible size', 'Check where the file comes from.');
      }
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop()!;
      if (rest.length > MAX_LINE) throw tooLong(path, count + lines.length + 1);
      if (count === 0 && lines.length > 0) lines[0] = withoutMark(lines[0]!);
      count += lines.length;
      yield lines;
    }
    rest += decoder.end();
    if (rest !== '') yield [count === 0 ? withoutMark(rest) : rest];
  } catch (thrown) {
    if (thrown instanceof TributaryError) throw thrown;
    throw formatError(
      path,
      `after line ${count}`,
      `damaged or cut short (${messageOf(thrown)})`,
      'Fetch the file again.',
      thrown,
    );
  } finally {
    source.destroy();
    file.destroy();
  }
}

function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function tooLong(path: string, line: number): TributaryError {
  return formatError(path, `line ${line}`, `longer than ${MAX_LINE} characters`, 'This is no table of candles or ticks.');
}
