/**
 * Trains a bundle: for every head (venue, instrument, horizon) members on inner folds give out-of-fold predictions; from those alone come vote
 * weights, calibration and threshold; then the members are fitted again on everything. A head with too little history is silenced.
 */
import { HORIZON_MS, type Horizon } from '#libs/market/horizon.ts';
import { type Bundle, type BundleHead, sealBundle } from '#libs/models/bundle.ts';
import { fitDecider, type OutOfFold } from '#libs/models/decide.ts';
import { type FitResult, type Recipe } from '#libs/models/fit.ts';
import { seedFor } from '#libs/models/random.ts';
import { SILENT, type ThresholdOptions } from '#libs/models/threshold.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type LabelTarget, type MinuteSeries } from '#libs/validation/labels.ts';
import { type Fold, innerFolds } from '#libs/validation/splits.ts';
import { type FitPool } from './fit-pool.ts';
import { headData, type HeadData, isMove, testRows, trainingRows, upsOf } from './head-data.ts';

export interface TrainOptions {
  /** The pool's tables. */
  readonly tables: readonly VectorTable[];
  /** Candles of the same instruments, for the labels. */
  readonly series: readonly MinuteSeries[];
  readonly pool: FitPool;
  readonly horizons: readonly Horizon[];
  readonly target: LabelTarget;
  readonly recipe: Recipe;
  readonly threshold: ThresholdOptions;
  readonly seed: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Fewer moves than this make no model. */
export const LEAST_MOVES = 200;
export const FIRST_SHARE = 0.55;
export const INNER_PARTS = 2;

/** Aim a little above what must hold later: what is chosen as the best looks better than it is. */
export const DEFAULT_THRESHOLD: ThresholdOptions = { wanted: 0.72, atLeast: 0.66, recent: 0.68 };

export async function trainBundle(options: TrainOptions): Promise<Bundle> {
  const { tables, horizons, target, onProgress } = options;
  const total = tables.length * horizons.length;
  const from = tables.reduce((least, { t }) => Math.min(least, t[0] ?? least), Infinity);
  const to = tables.reduce((most, { t }) => Math.max(most, t.at(-1) ?? most), 0);
  let done = 0;
  const heads = await Promise.all(
    tables.flatMap((table, place) =>
      horizons.map(async (horizon) => {
        const head = await trainHead(
          place,
          headData(table, seriesOf(options.series, table), horizon, target),
          { from, to },
          options,
        );
        options.signal?.throwIfAborted();
        onProgress?.(++done, total);
        return head;
      }),
    ),
  );
  const inputs = [...new Set(heads.flatMap(({ names }) => names))];
  const places = new Map(inputs.map((name, place) => [name, place]));
  return sealBundle({
    target,
    lane: 'slow',
    seed: options.seed,
    trained: { from: Number.isFinite(from) ? from : 0, to },
    inputs,
    heads: heads.map(({ head, names }) => ({ ...head, inputs: names.map((name) => places.get(name)!) })),
  });
}

/** The candles behind a table. */
export function seriesOf(series: readonly MinuteSeries[], table: VectorTable): MinuteSeries {
  const own = series.find(({ venue, instrument }) => venue === table.venue && instrument === table.instrument);
  return (
    own ?? { venue: table.venue, instrument: table.instrument, from: 0, open: new Float64Array(), close: new Float64Array() }
  );
}

async function trainHead(
  place: number,
  data: HeadData,
  window: { readonly from: number; readonly to: number },
  options: TrainOptions,
): Promise<{ head: Omit<BundleHead, 'inputs'>; names: readonly string[] }> {
  const { venue, instrument } = data.table;
  const { horizon } = data;
  const seed = seedFor(options.seed, `${venue}:${instrument}:${horizon}:${data.target}`);
  const end = window.to + 60_000;
  const all: Fold = { from: window.from, trainTo: end, testFrom: end, testTo: end };
  const moves = trainingRows(data, all);
  const identity = { venue, instrument, horizon };
  if (moves.length < LEAST_MOVES) {
    const metrics = { trained: 0, outOfFold: 0, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null };
    const silenced = `too little history: ${moves.length} moves, ${LEAST_MOVES} needed`;
    return {
      head: { ...identity, members: [], calibration: { kind: 'identity' }, threshold: SILENT, silenced, metrics },
      names: [],
    };
  }
  const known = await outOfFold(place, data, innerFolds(data.table.t[0]!, end, FIRST_SHARE, INNER_PARTS), options, seed, end);
  const decider = fitDecider(known, options.threshold);
  const fitted = await options.pool.fit(place, jobOf(data, all, options.recipe, seed));
  const { threshold } = decider;
  return {
    head: {
      ...identity,
      members: fitted.models.map((model, k) => ({ weight: decider.weights[k]!, model })),
      calibration: decider.calibration,
      threshold: threshold.confidence,
      silenced: threshold.silenced,
      metrics: {
        trained: moves.length,
        outOfFold: known.up.length,
        accuracy: decider.accuracy,
        brier: decider.brier,
        emittedCoverage: threshold.coverage,
        emittedAccuracy: threshold.accuracy,
      },
    },
    names: fitted.inputs,
  };
}

export function jobOf(
  data: HeadData,
  fold: Fold,
  recipe: Recipe,
  seed: number,
): { rows: Int32Array; up: Uint8Array; size: Float64Array; predict: Int32Array; recipe: Recipe; seed: number } {
  const rows = trainingRows(data, fold);
  return {
    rows,
    up: upsOf(data, rows),
    size: Float64Array.from(rows, (row) => data.size[row]!),
    predict: testRows(data, fold),
    recipe,
    seed,
  };
}

/**
 * Predictions of each fold's test moves by members trained before it, joined in order of time. Left out: folds with too little to train on,
 * and labels that were not known at `until` (ms).
 */
export async function outOfFold(
  place: number,
  data: HeadData,
  folds: readonly Fold[],
  options: Pick<TrainOptions, 'pool' | 'recipe'>,
  seed: number,
  until: number,
): Promise<OutOfFold> {
  const jobs = folds.map((fold) => jobOf(data, fold, options.recipe, seed)).filter((job) => job.rows.length >= LEAST_MOVES / 2);
  const results = await Promise.all(jobs.map((job) => options.pool.fit(place, job)));
  return joinMoves(
    data,
    jobs.map((job, i) => ({ rows: job.predict, predictions: results[i]!.predictions })),
    until,
    options.recipe.members.length,
  );
}

/** Of predicted rows the moves whose label was known at `until`. */
export function joinMoves(
  data: HeadData,
  parts: readonly { readonly rows: Int32Array; readonly predictions: FitResult['predictions'] }[],
  until: number,
  members: number,
): OutOfFold {
  const kept = parts.map(({ rows }) =>
    [...rows.keys()].filter((i) => isMove(data, rows[i]!) && data.table.t[rows[i]!]! + HORIZON_MS[data.horizon] <= until),
  );
  const rows = Int32Array.from(parts.flatMap((part, p) => kept[p]!.map((i) => part.rows[i]!)));
  return {
    predictions: Array.from({ length: members }, (_, k) =>
      Float64Array.from(parts.flatMap((part, p) => kept[p]!.map((i) => part.predictions[k]![i]!))),
    ),
    up: upsOf(data, rows),
    times: Float64Array.from(rows, (row) => data.table.t[row]!),
  };
}
