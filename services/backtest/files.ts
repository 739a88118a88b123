/** The backtest's two files, written beside their place and renamed, so that a half-written one is never read. */
import { createWriteStream } from 'node:fs';
import { access, constants, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { VOID } from '#libs/validation/labels.ts';
import { type Prediction } from '#libs/validation/metrics.ts';

export interface HeadDecisions {
  readonly symbol: string;
  readonly venue: string;
  readonly horizon: string;
  readonly target: string;
  readonly predictions: readonly Prediction[];
}

/** Throws `TRB_OUTPUT_UNWRITABLE`: hours of work should not end at a folder that is not there. */
export async function checkWritable(path: string): Promise<void> {
  try {
    await access(dirname(resolve(path)), constants.W_OK);
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory() === true) throw new Error('it is a folder');
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

export async function writeReport(path: string, report: object): Promise<void> {
  await writeText(path, `${JSON.stringify(report, undefined, 2)}\n`);
}

export async function writeText(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.part`, text);
    await rename(`${path}.part`, path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Columns symbol,venue,horizon,target,t,probability_up,confidence,signal,y; t in milliseconds, y empty where void. `.gz` is compressed. */
export async function writePredictions(path: string, heads: readonly HeadDecisions[]): Promise<void> {
  try {
    const lines = Readable.from(csv(heads));
    const file = createWriteStream(`${path}.part`);
    await (path.endsWith('.gz') ? pipeline(lines, createGzip(), file) : pipeline(lines, file));
    await rename(`${path}.part`, path);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function* csv(heads: readonly HeadDecisions[]): Generator<string> {
  yield 'symbol,venue,horizon,target,t,probability_up,confidence,signal,y\n';
  for (const { symbol, venue, horizon, target, predictions } of heads) {
    const lines = predictions.map(({ t, probabilityUp, signal, y }) => {
      const confidence = Math.max(probabilityUp, 1 - probabilityUp).toFixed(6);
      return `${symbol},${venue},${horizon},${target},${t},${probabilityUp.toFixed(6)},${confidence},${signal},${y === VOID ? '' : y}\n`;
    });
    yield lines.join('');
  }
}

export function unwritable(path: string, cause: unknown): TributaryError {
  return new TributaryError('TRB_OUTPUT_UNWRITABLE', `Cannot write ${path}: ${messageOf(cause)}.`, {
    hint: 'Choose a folder that exists, is writable and has room.',
    cause,
  });
}
