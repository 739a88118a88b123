/** Logistic regression and boosted trees behind the `Trainer` port: models that see one row of inputs and have one output. */
import { type BoostOptions, fitForest, predictForest, predictRows } from './boosted-trees.ts';
import { type Forest, type LogisticModel, type MirrorMap } from './bundle.ts';
import { type DesignOptions, type Design, designOf } from './design.ts';
import { fitLogistic, type LogisticOptions, predictLogistic } from './logistic.ts';
import { mirrorMap } from './mirror.ts';
import { inputNames, gather } from './vector-table.ts';
import { type Matrix } from './matrix.ts';
import { type FittedModel, type Trainer } from './trainer.ts';

export type FlatModel = LogisticModel | Forest;

export interface LogisticTrainerOptions extends DesignOptions, LogisticOptions {}

export interface TreesTrainerOptions extends DesignOptions {
  readonly boost: BoostOptions;
  /** Bins a column. */
  readonly bins: number;
  /** Rows weigh as the size of their move, up to three times the median. */
  readonly weighted: boolean;
}

/** What it says without inputs: how often it went up is no forecast. */
const ONE_HALF: LogisticModel = { kind: 'logistic', scaler: { mean: [], deviation: [] }, weights: [], intercept: 0 };

export const logisticTrainer: Trainer<LogisticTrainerOptions, FlatModel> = {
  kind: 'logistic',
  fit(dataset, options, progress, signal) {
    return fitted(signal, progress, designOf(dataset, options), ({ matrix, up }) =>
      matrix.width === 0 ? ONE_HALF : fitLogistic(matrix, up, options),
    );
  },
};

export const treesTrainer: Trainer<TreesTrainerOptions, FlatModel> = {
  kind: 'trees',
  fit(dataset, options, progress, signal) {
    return fitted(signal, progress, designOf(dataset, options), (design) => ({
      ...fitForest(design.bins(options.bins), design.up, options.boost, options.weighted ? design.weights : undefined),
      ...(options.mirrored === true ? { mirror: mirrorMap(design.inputs) } : {}),
    }));
  },
};

/** Probability of up for every row of the model's own inputs. */
export function predict(model: FlatModel, matrix: Matrix): Float64Array {
  return predictRows(matrix, (values) => predictFlat(model, values));
}

export function predictFlat(model: FlatModel, values: Float32Array): number {
  return model.kind === 'trees' ? predictForest(model, values) : predictLogistic(model, values);
}

/** Models of different inputs as models of one list of inputs, the union of theirs. */
export function joinModels(parts: readonly { readonly inputs: readonly string[]; readonly models: readonly FlatModel[] }[]): {
  readonly inputs: readonly string[];
  readonly models: readonly FlatModel[];
} {
  const inputs = [...new Set(parts.flatMap((part) => part.inputs))];
  const places = new Map(inputs.map((name, place) => [name, place]));
  const models = parts.flatMap((part) => {
    const own = part.inputs.map((name) => places.get(name)!);
    return part.models.map((model) => widen(model, own, inputs.length));
  });
  return { inputs, models };
}

/** The same model among `width` inputs, its own at `places`: the others do not move it. */
function widen(model: FlatModel, places: readonly number[], width: number): FlatModel {
  if (model.kind === 'trees') {
    const { mirror, ...forest } = model;
    const feature = forest.feature.map((each) => (each < 0 ? each : places[each]!));
    return { ...forest, feature, ...(mirror === undefined ? {} : { mirror: widenMirror(mirror, places, width) }) };
  }
  const spread = (values: readonly number[], rest: number): number[] => {
    const wide = new Array<number>(width).fill(rest);
    places.forEach((place, i) => (wide[place] = values[i]!));
    return wide;
  };
  const { scaler, weights } = model;
  return {
    ...model,
    scaler: { mean: spread(scaler.mean, 0), deviation: spread(scaler.deviation, 1) },
    weights: spread(weights, 0),
  };
}

/** Inputs of other models stand as they are. */
function widenMirror(mirror: MirrorMap, places: readonly number[], width: number): MirrorMap {
  const from = Array.from({ length: width }, (_, place) => place);
  const about = new Array<number | null>(width).fill(null);
  places.forEach((place, i) => {
    from[place] = places[mirror.from[i]!]!;
    about[place] = mirror.about[i] ?? null;
  });
  return { from, about };
}

/** A fit takes seconds at most, so it is one step of progress and is not interrupted. */
function fitted(
  signal: AbortSignal,
  progress: (done: number, total: number) => void,
  design: Design,
  fit: (design: Design) => FlatModel,
): Promise<FittedModel<FlatModel>> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const model = fit(design);
  progress(1, 1);
  return Promise.resolve({
    inputs: inputNames(design.inputs),
    model,
    score: (table, rows) => Promise.resolve([predict(model, gather(table, design.inputs, rows))]),
  });
}
