/** What all trials of a search stand on: tables, labels and inner folds, made once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '#libs/errors/errors.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { type CandleTarget } from '#libs/validation/labels.ts';
import { innerFolds } from '#libs/validation/splits.ts';
import { openSource, type SourceChoice } from '#services/training/candle-source.ts';
import { headData, trainingRows } from '#services/training/head-data.ts';
import { foldToFiles } from '#services/training/history.ts';
import { FIRST_SHARE, LEAST_MOVES } from '#services/training/train.ts';
import { type Ground } from './trial.ts';

export interface GroundOptions {
  readonly horizons: readonly Horizon[];
  readonly target: CandleTarget;
  readonly symbols?: readonly string[];
  readonly venues?: readonly string[];
  readonly folds: number;
  readonly seed: number;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

const MINUTE = 60_000;

/** `data`: what tells these trials from those on other data. Throws `TRB_HISTORY_…`, `TRB_STORE_…`, `TRB_UNKNOWN_…`, `TRB_USAGE`. */
export async function prepareGround(
  choice: SourceChoice,
  options: GroundOptions,
): Promise<{ readonly ground: Ground; readonly data: object }> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-search-'));
  const { source, close } = await openSource(choice);
  try {
    const { horizons, target, folds, seed } = options;
    const stored = await foldToFiles(source, folder, options);
    const loaded = stored.map((each) => each.load());
    const tables = loaded
      .map(({ table, series }) => {
        const heads = horizons.map((horizon) => headData(table, series, horizon, target));
        return { heads, folds: innerFolds(table.t[0]!, table.t.at(-1)! + MINUTE, FIRST_SHARE, folds) };
      })
      .filter(({ heads, folds: [first] }) => heads.every((head) => trainingRows(head, first!).length >= LEAST_MOVES));
    if (tables.length === 0) {
      throw new TributaryError('TRB_HISTORY_SHORT', `No instrument has ${LEAST_MOVES} moves before its first inner fold.`, {
        hint: 'Give a longer history.',
      });
    }
    return {
      ground: { heads: tables.map((each) => each.heads), folds: tables.map((each) => each.folds), seed },
      data: {
        ...{ schema: featureSchema().id, horizons, target, from: source.from, to: source.to },
        instruments: source.instruments,
        tables: tables.map(({ heads: [head] }) => `${head!.table.venue}:${head!.table.instrument}`),
      },
    };
  } finally {
    await close();
    await rm(folder, { recursive: true, force: true });
  }
}
