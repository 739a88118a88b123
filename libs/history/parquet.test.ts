/** Parquet files of some hundred bytes that claim gigabytes: each is refused with what is wrong, before anything of that size is made. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { TributaryError } from '../errors/errors.ts';
import { readTable } from './table.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-parquet-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Thrift's compact protocol, as far as Parquet's headers need it. */
type Value = { i: number } | { long: number } | { text: string } | { list: readonly Value[] } | Fields;
type Fields = readonly (readonly [id: number, value: Value])[];

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
const isStruct = (value: Value): value is Fields => Array.isArray(value);
const typeOf = (value: Value): number =>
  isStruct(value) ? 12 : 'i' in value ? 5 : 'long' in value ? 6 : 'text' in value ? 8 : 9;

function thrift(value: Value): number[] {
  if (isStruct(value)) {
    let last = 0;
    const bytes = value.flatMap(([id, field]) => {
      const head = (id - last) * 16 + typeOf(field);
      last = id;
      return [head, ...thrift(field)];
    });
    return [...bytes, 0];
  }
  if ('i' in value) return varint(value.i * 2);
  if ('long' in value) return varint(value.long * 2);
  if ('text' in value) return [...varint(value.text.length), ...Buffer.from(value.text)];
  const { list } = value;
  return [
    list.length < 15 ? list.length * 16 + typeOf(list[0]!) : 240 + typeOf(list[0]!),
    ...(list.length < 15 ? [] : varint(list.length)),
    ...list.flatMap(thrift),
  ];
}

const [INT32, PLAIN, RLE_DICTIONARY, GZIP, DICTIONARY_PAGE] = [1, 0, 8, 2, 2];

interface Page {
  readonly body: Uint8Array;
  /** Claimed; default: what is true. */
  readonly unpacked?: number;
  readonly values: number;
  readonly isDictionary?: boolean;
  readonly encoding?: number;
}

function pageBytes({ body, unpacked = body.length, values, isDictionary = false, encoding = PLAIN }: Page): number[] {
  const about: Fields = [
    [1, { i: values }],
    [2, { i: encoding }],
    ...(isDictionary
      ? []
      : ([
          [3, { i: 3 }],
          [4, { i: 3 }],
        ] as const)),
  ];
  const header: Fields = [
    [1, { i: isDictionary ? DICTIONARY_PAGE : 0 }],
    [2, { i: unpacked }],
    [3, { i: body.length }],
    [isDictionary ? 7 : 5, about],
  ];
  return [...thrift(header), ...body];
}

interface File {
  readonly pages: readonly Page[];
  readonly rows?: number;
  readonly codec?: number;
  /** Of the schema, in the place of one required INT32. */
  readonly schema?: readonly Fields[];
  readonly groupBytes?: number;
  readonly chunkBytes?: number;
}

const root = (children: number): Fields => [
  [4, { text: 'schema' }],
  [5, { i: children }],
];
const leaf: Fields = [
  [1, { i: INT32 }],
  [3, { i: 0 }],
  [4, { text: 'price' }],
];

/** A table of the one column `price`. */
function write(
  name: string,
  { pages, rows = 4, codec = 0, schema = [root(1), leaf], groupBytes = 100, chunkBytes }: File,
): string {
  const body = pages.flatMap(pageBytes);
  const first = pages[0]?.isDictionary === true ? pageBytes(pages[0]).length : 0;
  const chunk: Fields = [
    [1, { i: INT32 }],
    [2, { list: [{ i: PLAIN }] }],
    [3, { list: [{ text: 'price' }] }],
    [4, { i: codec }],
    [5, { long: rows }],
    [6, { long: body.length }],
    [7, { long: chunkBytes ?? body.length }],
    [9, { long: 4 + first }],
    ...(first === 0 ? [] : ([[11, { long: 4 }]] as const)),
  ];
  const group: Fields = [
    [
      1,
      {
        list: [
          [
            [2, { long: 4 }],
            [3, chunk],
          ],
        ],
      },
    ],
    [2, { long: groupBytes }],
    [3, { long: rows }],
  ];
  const footer = thrift([
    [1, { i: 1 }],
    [2, { list: schema }],
    [3, { long: rows }],
    [4, { list: [group] }],
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  const path = join(folder, `${name}.parquet`);
  writeFileSync(path, Buffer.concat([Buffer.from('PAR1'), Buffer.from(body), Buffer.from(footer), length, Buffer.from('PAR1')]));
  return path;
}

async function rowsOf(path: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const block of readTable(path)) rows.push(...block.rows);
  return rows;
}

const int32s = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
const FOUR: Page = { body: int32s(1, 2, 3, 4), values: 4 };
/** A run of one value, as long as it says: width 1, then a count and a value. */
const run = (count: number): Uint8Array => Uint8Array.from([1, ...varint(count * 2), 0]);
const BILLION = 2_000_000_000;

test('what these files are without the lie is read', async () => {
  expect(await rowsOf(write('plain', { pages: [FOUR] }))).toEqual([[1], [2], [3], [4]]);
  const dictionary: Page = { body: int32s(7, 8), values: 2, isDictionary: true };
  const pages = [dictionary, { body: run(4), values: 4, encoding: RLE_DICTIONARY }];
  expect(await rowsOf(write('dictionary', { pages }))).toEqual([[7], [7], [7], [7]]);
  const body = gzipSync(FOUR.body);
  expect(await rowsOf(write('gzip', { pages: [{ ...FOUR, body, unpacked: 16 }], codec: GZIP }))).toEqual([[1], [2], [3], [4]]);
});

describe('a bomb is refused:', () => {
  const dictionary: Page = { body: int32s(7, 8), values: 2, isDictionary: true };
  const nested = (depth: number): Fields[] => [
    ...Array.from({ length: depth }, (): Fields => [
      [3, { i: 0 }],
      [4, { text: 'deeper' }],
      [5, { i: 1 }],
    ]),
    leaf,
  ];
  const bombs: [what: string, file: File, says: RegExp][] = [
    ['a row group that says it is 2 GiB', { pages: [FOUR], groupBytes: 2 ** 31 }, /row group is larger/],
    ['a row group of a billion rows', { pages: [FOUR], rows: BILLION }, /row group is larger/],
    [
      'a row group that lies: its pages unpack to more',
      { pages: [{ ...FOUR, unpacked: 2 ** 30 + 1 }], codec: GZIP },
      /"price" unpacks to more than 1024 MiB/,
    ],
    [
      'many pages that are too large together',
      { pages: Array.from({ length: 5 }, () => ({ ...FOUR, values: 0, unpacked: 2 ** 28 })), codec: GZIP },
      /"price" unpacks to more/,
    ],
    [
      'a run of a billion values in a few bytes',
      { pages: [dictionary, { body: run(BILLION), values: BILLION, encoding: RLE_DICTIONARY }] },
      /"price" claims more values than the 4 rows/,
    ],
    [
      'a dictionary of a billion values',
      {
        pages: [
          { ...dictionary, values: BILLION },
          { body: run(4), values: 4, encoding: RLE_DICTIONARY },
        ],
      },
      /dictionary of column "price" claims more values/,
    ],
    ['a column that lies behind the end of the file', { pages: [FOUR], chunkBytes: 2 ** 40 }, /"price" lies outside the file/],
    ['a page that reaches behind its column', { pages: [FOUR], chunkBytes: 20 }, /reaches beyond its end/],
    ['a record in a record', { pages: [FOUR], schema: [root(1), ...nested(3)] }, /"deeper" holds lists or records/],
    [
      'a schema twenty thousand levels deep',
      { pages: [FOUR], schema: [root(1), ...nested(20_000)] },
      /more than 1000 columns|damaged/,
    ],
    [
      'a schema of five thousand columns',
      { pages: [FOUR], schema: [root(5_000), ...Array<Fields>(5_000).fill(leaf)] },
      /more than 1000 columns/,
    ],
  ];
  test.each(bombs.map(([what, ...rest], i) => [what, i, ...rest] as const))('%s', async (_what, i, file, says) => {
    const thrown: unknown = await rowsOf(write(`bomb-${i}`, file)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(TributaryError);
    expect(thrown).toMatchObject({ code: 'TRB_HISTORY_FORMAT', message: expect.stringMatching(says) as unknown });
    expect((thrown as TributaryError).hint).not.toBe('');
  });
});
