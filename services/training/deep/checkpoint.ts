/**
 * Where a fit stands after an epoch, as a file that is replaced whole: a fit that is killed goes on from it, to the same result. It holds a
 * key of everything the fit depends on; another fit's checkpoint is none.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import { type Dataset } from '#libs/models/trainer.ts';
import { type AdamState } from './adam.ts';
import { type ParameterValues } from '#libs/models/networks/onnx.ts';

export interface Checkpoint {
  /** Epochs done. */
  readonly epochs: number;
  readonly parameters: ParameterValues;
  readonly adam: AdamState;
  readonly best: Best;
}

/** The epoch of least validation loss so far. */
export interface Best {
  readonly epoch: number;
  readonly loss: number;
  readonly parameters: ParameterValues;
}

interface Stored {
  readonly key: string;
  readonly checkpoint: Checkpoint;
}

export async function readCheckpoint(file: string, key: string): Promise<Checkpoint | undefined> {
  try {
    const stored = deserialize(await readFile(file)) as Partial<Stored> | undefined;
    return stored?.key === key ? stored.checkpoint : undefined;
  } catch {
    // None yet, or not one of ours: the fit begins anew.
    return undefined;
  }
}

export async function writeCheckpoint(file: string, key: string, checkpoint: Checkpoint): Promise<void> {
  await writeFile(`${file}.part`, serialize({ key, checkpoint } satisfies Stored));
  await rename(`${file}.part`, file);
}

/** Hash of the options and of all data. */
export function checkpointKey({ table, rows, outcomes }: Dataset, options: object): string {
  const hash = createHash('sha256').update(serialize(options));
  hash.update(JSON.stringify([table.venue, table.instrument, table.columns]));
  for (const part of [table.t, table.values, rows, ...outcomes.flatMap(({ up, size }) => [up, size])]) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.digest('hex');
}
