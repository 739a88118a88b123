/** Runs the example notebook on an archive, and says the same from the log with the services' own code. */
import { expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { startHttpFront } from '#libs/store/testing/http-front.ts';
import { PaperEvent } from '#libs/wire/tributary/v1/paper.ts';
import { Outcome } from '#libs/wire/tributary/v1/signals.ts';
import { type AccuracyRow, LiveAccuracy } from '#services/evaluation/accuracy.ts';
import { pythonWith } from './python.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/notebook');
const run = promisify(execFile);

const Executed = z.object({
  cells: z.array(
    z.object({
      outputs: z
        .array(z.object({ name: z.string().optional(), text: z.union([z.string(), z.array(z.string())]).optional() }))
        .default([]),
    }),
  ),
});
const Archived = z.object({ topic: z.enum(['outcomes', 'paper']), partition: z.int(), last: z.coerce.number() });

export const notebookPython = (): Promise<string> => pythonWith(join(EXAMPLE, 'requirements.txt'));

/** A row that it printed, by column. */
type PrintedRow = Readonly<Record<string, string>>;
type ArchivedEnd = z.infer<typeof Archived>;

/** Of the archive and the log in `data`, a folder that nobody has open. */
export async function expectSameFigures(data: string, folder: string): Promise<void> {
  const { tables, archived } = await runNotebook(join(data, 'clickhouse'), folder);
  const { accuracy, equity } = await figuresOf(join(data, 'log'), archived);

  const settled = accuracy.filter(({ decisions }) => decisions > 0);
  expect(settled.length).toBeGreaterThan(0);
  const [heads, atCoverage, calibration, accounts] = tables;
  expect(heads!.map(({ venue, horizon }) => [venue, horizon])).toEqual(settled.map(({ venue, horizon }) => [venue, horizon]));
  expectFigures(
    heads!,
    settled.map(({ accuracyAll, ...row }) => ({ ...row, accuracy_all: accuracyAll })),
    ['decisions', 'moves', 'emitted', 'coverage', 'accuracy', 'accuracy_all', 'majority'],
  );
  const all = together(settled.map(({ moves, accuracyAll }) => ({ moves, accuracy: accuracyAll })));
  expectFigures(atCoverage!.slice(-1), [{ coverage: 1, ...all }], ['coverage', 'moves', 'accuracy']);
  const buckets = settled[0]!.buckets.map(({ from }, i) => ({ from, ...together(settled.map((row) => row.buckets[i]!)) }));
  expectFigures(
    calibration!,
    buckets.filter(({ moves }) => moves > 0),
    ['from', 'moves', 'accuracy'],
  );
  expect(Object.fromEntries(accounts!.map((row) => [`${row['venue']!}:${row['instrument']!}`, Number(row['equity'])]))).toEqual(
    Object.fromEntries([...equity].map(([account, value]) => [account, expect.closeTo(value, 3)])),
  );
}

/** The tables that it prints, in order, and how far the archive reaches. */
async function runNotebook(archive: string, folder: string): Promise<{ tables: PrintedRow[][]; archived: ArchivedEnd[] }> {
  const file = join(folder, 'signals.ipynb');
  copyFileSync(join(EXAMPLE, 'signals.ipynb'), file);
  const front = await startHttpFront(archive);
  try {
    const env = { ...process.env, CLICKHOUSE_URL: front.url, CLICKHOUSE_DATABASE: 'default', MPLBACKEND: 'agg' };
    await run(await notebookPython(), ['-c', 'from nbclient.cli import main; main()', '--inplace', file], { env });
    const ends = ['outcomes', 'paper'].map(
      (table) =>
        `SELECT '${table}' AS topic, log_partition AS partition, max(log_offset) AS last FROM ${table} GROUP BY log_partition`,
    );
    const answer = await fetch(front.url, { method: 'POST', body: `${ends.join(' UNION ALL ')} FORMAT JSONEachRow` });
    const lines = (await answer.text()).trim().split('\n');
    return { tables: tablesOf(file), archived: lines.map((line) => Archived.parse(JSON.parse(line))) };
  } finally {
    await front.stop();
  }
}

function tablesOf(file: string): PrintedRow[][] {
  const { cells } = Executed.parse(JSON.parse(readFileSync(file, 'utf8')));
  const printed = cells.map(({ outputs }) => outputs.find(({ name }) => name === 'stdout')?.text);
  return printed
    .filter((text) => text !== undefined)
    .map((text) => {
      const [head, ...rows] = [text].flat().join('').trimEnd().split('\n').map(words);
      return rows.map((row) => Object.fromEntries(head!.map((name, i) => [name, row[i] ?? ''])));
    });
}

const words = (line: string): string[] => line.trim().split(/\s+/);

/** Live accuracy, and each paper account's newest equity, from the records that the archive has too. */
async function figuresOf(
  path: string,
  archived: readonly ArchivedEnd[],
): Promise<{ accuracy: AccuracyRow[]; equity: Map<string, number> }> {
  const accuracy = new LiveAccuracy();
  const equity = new Map<string, number>();
  const log = await openEmbeddedLog({ path });
  try {
    for (const { topic, partition, last } of archived) {
      for await (const { records } of log.read(topic, partition)) {
        for (const { value } of records.filter(({ offset }) => offset <= last)) {
          if (topic === 'outcomes') accuracy.add(Outcome.decode(value));
          else addEquity(equity, PaperEvent.decode(value));
        }
      }
    }
  } finally {
    await log.close();
  }
  return { accuracy: accuracy.snapshot(), equity };
}

function addEquity(equity: Map<string, number>, { venue, instrument, event }: PaperEvent): void {
  if (event?.$case === 'equity') equity.set(`${venue}:${instrument}`, event.value.equity);
}

interface Share {
  readonly moves: number;
  readonly accuracy: number | null;
}

function together(parts: readonly Share[]): Share {
  const moves = parts.reduce((sum, part) => sum + part.moves, 0);
  const right = parts.reduce((sum, part) => sum + part.moves * (part.accuracy ?? 0), 0);
  return { moves, accuracy: moves === 0 ? null : right / moves };
}

/** Six digits are printed; null stands there as NaN. */
function expectFigures<C extends string>(
  printed: readonly PrintedRow[],
  rows: readonly Readonly<Record<C, number | null>>[],
  columns: readonly C[],
): void {
  const figures = printed.map((row) => columns.map((column) => Number(row[column])));
  expect(figures).toEqual(
    rows.map((row) => columns.map((column) => (row[column] === null ? NaN : expect.closeTo(row[column], 5)))),
  );
}
