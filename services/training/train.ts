/**
 * Trains a bundle: for every head (venue, instrument, horizon) members on inner folds give out-of-fold predictions; from those alone come vote
 * weights, calibration and threshold; then the members are fitted again on everything. A head with too little history is silenced.
 */
import { HORIZON_MS, type Horizon } from '#libs/market/horizon.ts';
import { type Bundle, type BundleHead, type BundleNetwork, sealBundle } from '#libs/models/bundle.ts';
import { DEFAULT_ENSEMBLE, type Distances, type EnsembleOptions, fitDecider, type OutOfFold } from '#libs/models/decide.ts';
import { distancesFrom, fitInputs } from '#libs/models/distribution.ts';
import { heardMembers } from '#libs/models/ensemble.ts';
import { type FitJob, type FitResult, type FlatRecipe, memberName, type Recipe } from '#libs/models/fit.ts';
import { joinModels } from '#libs/models/flat-trainers.ts';
import { parseInput } from '#libs/models/inputs.ts';
import { seedFor } from '#libs/models/random.ts';
import { SILENT, type ThresholdOptions } from '#libs/models/threshold.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { type CandleTarget, type MinuteSeries } from '#libs/validation/labels.ts';
import { type Fold, innerFolds } from '#libs/validation/splits.ts';
import { type NetworkResult } from './deep/network-pool.ts';
import { type FitPool } from './fit-pool.ts';
import { type PooledMembers } from './pooled-members.ts';
import { headData, type HeadData, isMove, testRows, trainingRows, upsOf } from './head-data.ts';

/** Members beside the recipe's own: fitted for all heads of a table at once. `Known`: what they may know, all up to a moment (ms) or a set of rows. */
export interface SharedMembers<Known = number> {
  /** `lstm`, `transformer`, in order. */
  readonly names: readonly string[];
  /** Probability of up, by member, for rows of the head's table, by what is `known`. */
  predict(known: Known, head: HeadData, rows: Int32Array): Promise<readonly Float64Array[]>;
  /** By member, whether it then says no more than another member does. Absent: none. */
  repeats?(known: Known, head: HeadData): Promise<readonly boolean[]>;
  /** By member, the inputs that it then reads. Absent: not known. */
  reads?(known: Known, head: HeadData): Promise<readonly (readonly string[])[]>;
}

/** Shared members that can be put into a bundle. */
export interface BundledMembers extends SharedMembers {
  /** By member, as trained on all that was known at `until`. */
  networks(until: number): Promise<readonly NetworkResult[]>;
}

export interface TrainOptions {
  /** The pool's tables. */
  readonly tables: readonly VectorTable[];
  /** Candles of the same instruments, for the labels. */
  readonly series: readonly MinuteSeries[];
  readonly pool: FitPool;
  readonly horizons: readonly Horizon[];
  readonly target: CandleTarget;
  readonly recipe: Recipe;
  readonly threshold: ThresholdOptions;
  readonly seed: number;
  /** Default: DEFAULT_ENSEMBLE. */
  readonly ensemble?: EnsembleOptions;
  readonly pooled?: PooledMembers | undefined;
  /** Of a table's heads, for predictions by the ends of `folds`; default: none. */
  readonly shared?: (place: number, heads: readonly HeadData[], folds: readonly Fold[]) => Promise<BundledMembers>;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

const MINUTE = 60_000;
/** Fewer moves than this make no model. */
export const LEAST_MOVES = 200;
export const FIRST_SHARE = 0.55;
export const INNER_PARTS = 2;

/** Aim a little above what must hold later: what is chosen as the best looks better than it is. */
export const DEFAULT_THRESHOLD: ThresholdOptions = { wanted: 0.71, atLeast: 0.66, recent: 0.68 };

export async function trainBundle(options: TrainOptions): Promise<Bundle> {
  const { tables } = options;
  const span = {
    from: tables.reduce((least, { t }) => Math.min(least, t[0] ?? least), Infinity),
    to: tables.reduce((most, { t }) => Math.max(most, t.at(-1) ?? most), 0),
  };
  const total = tables.length * options.horizons.length;
  let done = 0;
  const told = { ...options, onHead: () => options.onProgress?.(++done, total) };
  const trained = await Promise.all(tables.map((table, place) => trainTable(place, table, span, told)));
  return sealTables(trained, span, options);
}

/** First and last vector of all tables, milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** `trained`: in the tables' order. */
export function sealTables(
  trained: readonly TrainedTable[],
  { from, to }: Span,
  { target, seed, lane = 'slow' }: Pick<Bundle, 'target' | 'seed'> & Partial<Pick<Bundle, 'lane'>>,
): Bundle {
  const heads = trained.flatMap((each) => each.heads);
  const networks = trained.flatMap((each) => each.networks);
  const inputs = [...new Set([...heads, ...networks].flatMap(({ names }) => names))];
  const places = new Map(inputs.map((name, place) => [name, place]));
  const placesOf = (names: readonly string[]): number[] => names.map((name) => places.get(name)!);
  // Heads name a network by its place within their table until all tables are known.
  const first = trained.map((_, table) => trained.slice(0, table).reduce((sum, each) => sum + each.networks.length, 0));
  return sealBundle({
    target,
    lane,
    seed,
    trained: { from: Number.isFinite(from) ? from : 0, to },
    inputs,
    ...(networks.length === 0
      ? {}
      : { networks: networks.map(({ network, names }) => ({ ...network, inputs: placesOf(names) })) }),
    heads: trained.flatMap((each, table) =>
      each.heads.map(({ head, names, distribution }) => ({
        ...{ ...head, members: shifted(head.members, first[table]!), inputs: placesOf(names) },
        ...(distribution && { distribution: { ...distribution, inputs: placesOf(distribution.inputs) } }),
      })),
    ),
  });
}

interface TrainedHead {
  readonly head: Omit<BundleHead, 'inputs' | 'distribution'>;
  readonly names: readonly string[];
  readonly distribution?: NamedDistribution;
}

/** Before its inputs have places. */
type NamedDistribution = Omit<NonNullable<BundleHead['distribution']>, 'inputs'> & { readonly inputs: readonly string[] };

/** Heads and networks of one table. */
export interface TrainedTable {
  readonly heads: readonly TrainedHead[];
  readonly networks: readonly { readonly network: Omit<BundleNetwork, 'inputs'>; readonly names: readonly string[] }[];
}

export interface TableOptions extends Omit<TrainOptions, 'tables' | 'onProgress'> {
  readonly onHead: () => void;
}

/** `place`: the table's in the pool; `span`: of all tables, whose end is the moment of training. */
export async function trainTable(
  place: number,
  table: VectorTable,
  { from, to }: Span,
  options: TableOptions,
): Promise<TrainedTable> {
  const all: Fold = { from, trainTo: to + MINUTE, testFrom: to + MINUTE, testTo: to + MINUTE };
  const series = seriesOf(options.series, table);
  const datas = options.horizons.map((horizon) => headData(table, series, horizon, options.target));
  const inner = innerFolds(table.t[0] ?? all.from, all.trainTo, FIRST_SHARE, INNER_PARTS);
  const shared = await options.shared?.(place, datas, [inner[0]!, all]);
  const heads = await Promise.all(
    datas.map(async (data, output) => {
      const head = await trainHead(place, data, output, all, inner, shared, options);
      options.signal?.throwIfAborted();
      options.onHead();
      return head;
    }),
  );
  const fitted = (await shared?.networks(all.trainTo)) ?? [];
  const networks = fitted.map(({ model, inputs }, k) => {
    const { steps, outputs, scaler, mirror, onnx } = model;
    const { mean, deviation } = scaler;
    const encoded = Buffer.from(onnx).toString('base64');
    const network = {
      name: shared!.names[k]!,
      steps,
      outputs,
      scaler: { mean: [...mean], deviation: [...deviation] },
      ...(mirror === undefined ? {} : { mirror }),
      onnx: encoded,
    };
    return { network, names: inputs };
  });
  return { heads, networks };
}

function shifted(members: BundleHead['members'], by: number): BundleHead['members'] {
  return members.map(({ weight, model }) =>
    model.kind === 'network' ? { weight, model: { ...model, network: model.network + by } } : { weight, model },
  );
}

/** The candles behind a table. */
export function seriesOf(series: readonly MinuteSeries[], table: VectorTable): MinuteSeries {
  const own = series.find(({ venue, instrument }) => venue === table.venue && instrument === table.instrument);
  return (
    own ?? { venue: table.venue, instrument: table.instrument, from: 0, open: new Float64Array(), close: new Float64Array() }
  );
}

/** `place`: the table's in the pool; `output`: the head's among the outputs of shared networks. */
export async function trainHead(
  place: number,
  data: HeadData,
  output: number,
  all: Fold,
  inner: readonly Fold[],
  shared: BundledMembers | undefined,
  options: Pick<TableOptions, 'pool' | 'recipe' | 'pooled' | 'ensemble' | 'threshold' | 'seed'>,
): Promise<TrainedHead> {
  const { venue, instrument } = data.table;
  const { horizon } = data;
  const seed = seedFor(options.seed, `${venue}:${instrument}:${horizon}:${data.target}`);
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
  const { pool, recipe, pooled, ensemble = DEFAULT_ENSEMBLE } = options;
  const known = await outOfFold(place, data, inner, { pool, recipe, pooled, shared }, seed, all.trainTo);
  const repeats = await repeatsOf({ pool, recipe, pooled, shared }, all.trainTo, data);
  const decider = fitDecider(known, options.threshold, ensemble, repeats);
  const own = await pool.fit(place, jobOf(data, all, recipe, seed));
  const fits = [own, ...(pooled === undefined ? [] : [await pooled.fit(all.trainTo, data)])];
  const fitted = joinModels(fits);
  const models = [
    ...fitted.models,
    ...(shared?.names ?? []).map((_, network) => ({ kind: 'network' as const, network, output })),
  ];
  const { threshold, limit, combination, weights } = decider;
  const reads = [...fits.flatMap((fit) => fit.reads), ...((await shared?.reads?.(all.trainTo, data)) ?? [])];
  const inputs = readBy(reads, heardMembers(combination, weights));
  return {
    head: {
      ...identity,
      members: models.map((model, k) => ({ weight: weights[k]!, model })),
      ...(combination.kind === 'vote' ? {} : { combination }),
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
    ...(limit === undefined || inputs.length === 0 ? {} : { distribution: distributionOf(data, inputs, moves, limit) }),
  };
}

/** Each once, by the members at these places. */
function readBy(reads: readonly (readonly string[])[], members: readonly number[]): string[] {
  return [...new Set(members.flatMap((member) => reads[member] ?? []))];
}

function distributionOf({ table }: HeadData, inputs: readonly string[], rows: Int32Array, limit: number): NamedDistribution {
  const { mean, deviation } = fitInputs(table, inputs.map(parseInput), rows);
  return { inputs, mean: [...mean], deviation: [...deviation], limit };
}

export function jobOf(data: HeadData, fold: Fold, recipe: FlatRecipe, seed: number): FitJob {
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
  options: MemberOptions,
  seed: number,
  until: number,
): Promise<OutOfFold> {
  const enough = folds.filter((fold) => trainingRows(data, fold).length >= LEAST_MOVES / 2);
  const parts = await Promise.all(enough.map((fold) => predictFold(place, data, fold, options, seed)));
  return joinMoves(data, parts, until, memberNames(options).length);
}

/** What predicts a fold's test. */
export interface MemberOptions {
  readonly pool: FitPool;
  readonly recipe: Recipe;
  /** Of the instrument on all venues. */
  readonly pooled?: PooledMembers | undefined;
  readonly shared?: SharedMembers | undefined;
}

/** In the order of predictions. */
export function memberNames({ recipe, pooled, shared }: MemberOptions): string[] {
  return [...recipe.members.map(memberName), ...(pooled?.names ?? []), ...(shared?.names ?? [])];
}

/** In the order of predictions, what SharedMembers.repeats says. */
export async function repeatsOf(members: MemberOptions, until: number, head: HeadData): Promise<boolean[]> {
  const own = new Array<boolean>(memberNames({ ...members, shared: undefined }).length).fill(false);
  return [...own, ...((await members.shared?.repeats?.(until, head)) ?? [])];
}

export interface PredictedFold {
  /** Of the fold's test. */
  readonly rows: Int32Array;
  /** Rows that were trained on. */
  readonly trained: number;
  readonly fitted: FitResult;
  /** Probability of up for each of `rows`, by member: the recipe's, the pooled ones, the shared ones. */
  readonly predictions: readonly Float64Array[];
  /** Of each of `rows`; undefined = not measured. */
  readonly distances?: Distances | undefined;
}

/** The test of a fold as members see it that know what was known when it began. */
export async function predictFold(
  place: number,
  data: HeadData,
  fold: Fold,
  { pool, recipe, pooled, shared }: MemberOptions,
  seed: number,
): Promise<PredictedFold> {
  const job = jobOf(data, fold, recipe, seed);
  const others = [pooled, shared].filter((each) => each !== undefined);
  const [fitted, predicted, reads] = await Promise.all([
    pool.fit(place, job),
    Promise.all(others.map((each) => each.predict(fold.trainTo, data, job.predict))),
    Promise.all(others.map(async (each) => (await each.reads?.(fold.trainTo, data)) ?? each.names.map(() => []))),
  ]);
  const allReads = [...fitted.reads, ...reads.flat()];
  return {
    ...{ rows: job.predict, trained: job.rows.length, fitted },
    predictions: [...fitted.predictions, ...predicted.flat()],
    distances: measureBy((members) => {
      const inputs = readBy(allReads, members).map(parseInput);
      return inputs.length === 0 ? undefined : distancesFrom(job.rows, data.table, inputs, job.predict);
    }),
  };
}

/** Deciders of later folds ask for the same members again and again. */
function measureBy(measure: Distances): Distances {
  const known = new Map<string, Float64Array | undefined>();
  return (members) => {
    const key = members.join();
    if (!known.has(key)) known.set(key, measure(members));
    return known.get(key);
  };
}

/** Of predicted rows the moves whose label was known at `until`. */
export function joinMoves(
  data: HeadData,
  parts: readonly Pick<PredictedFold, 'rows' | 'predictions' | 'distances'>[],
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
    distances: (heard) => {
      const each = parts.map(({ distances }) => distances?.(heard));
      return joinDistances(each.map((some, p) => some && Float64Array.from(kept[p]!, (i) => some[i]!)));
    },
  };
}

/** One after another; undefined where one of them was not measured. */
export function joinDistances(parts: readonly (Float64Array | undefined)[]): Float64Array | undefined {
  const measured = parts.filter((part) => part !== undefined);
  return measured.length < parts.length ? undefined : Float64Array.from(measured.flatMap((part) => [...part]));
}
