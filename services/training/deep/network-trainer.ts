/**
 * Networks behind the `Trainer` port, fitted with TensorFlow: one trunk for all outcomes, early stopping on the newest part of the rows,
 * a checkpoint after each epoch. The same seed, data and number of threads give the same weights bit for bit.
 */
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { buildNetwork, type Architecture, hasRegression, type NetworkShape } from '#libs/models/networks/architecture.ts';
import { formatInput, type Input, parseInput, resolveInputs } from '#libs/models/inputs.ts';
import { isSmaller, meanOf } from '#libs/models/ensemble.ts';
import { fitLogistic } from '#libs/models/logistic.ts';
import { type Matrix, stackRows } from '#libs/models/matrix.ts';
import { mirrorMap, bothOutcomes } from '#libs/models/mirror.ts';
import { type NetworkModel } from '#libs/models/networks/network-model.ts';
import { type ParameterValues, toOnnx } from '#libs/models/networks/onnx.ts';
import { scoreWindows } from '#libs/models/networks/score-windows.ts';
import { fitScaler, sourcesOf, standardiseTable, turnWindows, windowInputs, windowsOf } from '#libs/models/networks/windows.ts';
import { createRandom, type Random, seedFor } from '#libs/models/random.ts';
import { type Dataset, type FittedModel, NO_MOVE, type Trainer } from '#libs/models/trainer.ts';
import { Adam, valuesOf } from './adam.ts';
import { type Best, checkpointKey, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { TensorOperations } from './tensor-operations.ts';
import { type StagedTensorFlow, type Tensor, type Variable } from './tensorflow.ts';

export interface NetworkOptions {
  readonly architecture: Architecture;
  /** Vectors of a window. */
  readonly steps: number;
  /** The inputs, lags among them, that say most of the first outcome, at most: of their features are the windows. */
  readonly inputs: number;
  /** Names of the features that are read, without their versions; default: all. */
  readonly reads?: readonly string[];
  /** Each window is taken as it is or as its mirror image, by chance, and judged and served as both. */
  readonly mirrored?: boolean;
  /** At most. */
  readonly epochs: number;
  /** Epochs without a smaller validation loss after which fitting ends. */
  readonly patience: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly l2: number;
  /** Share of the rows, the newest, that only tells when to stop; (0, 1). */
  readonly validationShare: number;
  /** Rows whose outcome was not known this long before the first of those are left out, milliseconds: the longest horizon. */
  readonly purgeMs: number;
  readonly seed: number;
  /** What an earlier fit ended with: its deep part goes on, reading what it read. The regression is fitted anew, and may read other inputs. */
  readonly warmStart?: WarmStart;
  /** File, kept when the fit is done: asked again, it is answered at once. Default: none is written. */
  readonly checkpoint?: string;
}

export interface WarmStart {
  /** Of the inputs those that the deep part reads, the first. */
  readonly deepInputs: readonly string[];
  readonly parameters: ParameterValues;
}

export interface FittedNetwork extends FittedModel<NetworkModel> {
  readonly deepInputs: readonly string[];
  /** By output, whether it says anything that the regression in it does not. */
  readonly adds: readonly boolean[];
  readonly parameters: ParameterValues;
  /** The epoch whose parameters were kept, and its loss on the validation rows. */
  readonly best: Omit<Best, 'parameters'>;
}

/** As the logistic member of the ensemble. */
const WIDE = { inverseL2: 0.003, tolerance: 0.1 };
/** Of what the deep part says; the first is the regression alone. */
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const MINUTE = 60_000;
/** Windows of the validation rows in one pass. */
const VALIDATION_BATCH = 512;

export interface NetworkTrainer extends Trainer<NetworkOptions, NetworkModel> {
  fit(...given: Parameters<Trainer<NetworkOptions, NetworkModel>['fit']>): Promise<FittedNetwork>;
}

export function createNetworkTrainer(staged: StagedTensorFlow): NetworkTrainer {
  return {
    kind: 'network',
    async fit(dataset, options, progress, signal) {
      const fit = new NetworkFit(staged, dataset, options);
      try {
        return await fit.run(progress, signal);
      } finally {
        fit.dispose();
      }
    },
  };
}

class NetworkFit {
  readonly #staged: StagedTensorFlow;
  readonly #dataset: Dataset;
  readonly #options: NetworkOptions;
  readonly #inputs: readonly Input[];
  /** The first of them. */
  readonly #deep: readonly Input[];
  /** Of the logistic regression: inputs with their lags. */
  readonly #wide: readonly Input[];
  readonly #shape: NetworkShape;
  readonly #model: Omit<NetworkModel, 'onnx'>;
  readonly #standardised: Float32Array;
  /** Weight of each row, by outcome: the size of its move, up to three times the median, over the median; 0 = no move. */
  readonly #weights: readonly Float64Array[];
  readonly #train: Int32Array;
  readonly #validation: Int32Array;
  readonly #ops: TensorOperations;

  constructor(staged: StagedTensorFlow, dataset: Dataset, options: NetworkOptions) {
    this.#staged = staged;
    this.#dataset = dataset;
    this.#options = options;
    this.#wide = chooseInputs(dataset, options);
    this.#deep = options.warmStart?.deepInputs.map(parseInput) ?? featuresOf(this.#wide);
    this.#inputs = hasRegression(options.architecture) ? featuresOf([...this.#deep, ...this.#wide]) : this.#deep;
    const places = resolveInputs(this.#inputs, dataset.table.columns);
    const mirror = options.mirrored === true ? mirrorMap(this.#inputs) : undefined;
    const scaler = fitScaler(dataset.table, places, dataset.rows, mirror);
    this.#standardised = standardiseTable(dataset.table, places, scaler);
    this.#shape = {
      steps: options.steps,
      inputs: this.#inputs.length,
      outputs: dataset.outcomes.length,
      deep: this.#deep.length,
      sources: sourcesOf(this.#deep),
      wide: this.#wide.map(({ feature, lag }) => (options.steps - 1 - lag) * this.#inputs.length + this.#placeOf(feature)),
    };
    this.#model = { kind: 'network', steps: options.steps, outputs: dataset.outcomes.length, scaler, mirror };
    this.#weights = dataset.outcomes.map(({ up, size }) => moveWeights(up, size));
    [this.#train, this.#validation] = split(dataset, options);
    this.#ops = this.#operations(deepOf(options.warmStart?.parameters));
    this.#fitWide(this.#train);
    if (options.warmStart === undefined) this.#silenceDeep();
  }

  async run(progress: (done: number, total: number) => void, signal: AbortSignal): Promise<FittedNetwork> {
    const { epochs, patience, checkpoint: file, l2 } = this.#options;
    const { tf } = this.#staged;
    const key = file === undefined ? '' : checkpointKey(this.#dataset, { ...this.#options, checkpoint: undefined });
    const from = file === undefined ? undefined : await readCheckpoint(file, key);
    if (from !== undefined) this.#reset(from.parameters);
    const adam = new Adam(tf, this.#learnt(), l2, from?.adam);
    let best = from?.best ?? { epoch: 0, loss: this.#loss(this.#validation), parameters: valuesOf(this.#ops.parameters) };
    try {
      for (let epoch = from?.epochs ?? 0; epoch < epochs && epoch - best.epoch < patience; epoch++) {
        await this.#epoch(epoch, adam, signal);
        const loss = this.#loss(this.#validation);
        if (loss < best.loss) best = { epoch: epoch + 1, loss, parameters: valuesOf(this.#ops.parameters) };
        if (file !== undefined) {
          const parameters = valuesOf(this.#ops.parameters);
          await writeCheckpoint(file, key, { epochs: epoch + 1, parameters, adam: adam.state(), best });
        }
        progress(epoch + 1, epochs);
      }
    } finally {
      adam.dispose();
    }
    this.#reset(best.parameters);
    const shares = this.#shrinkDeep();
    this.#fitWide(Int32Array.from(this.#dataset.rows.keys()));
    const { architecture } = this.#options;
    const found = { epoch: best.epoch, loss: best.loss };
    const parameters = valuesOf(this.#ops.parameters);
    const onnx = toOnnx(architecture, this.#shape, parameters);
    const model = { ...this.#model, onnx };
    return {
      inputs: this.#inputs.map(formatInput),
      deepInputs: this.#deep.map(formatInput),
      adds: shares.map((share) => share > 0),
      model,
      parameters,
      best: found,
      // By the file that is served, so that what is judged is what will speak.
      score: (table, rows) => scoreWindows(model, this.#inputs, table, rows),
    };
  }

  dispose(): void {
    for (const variable of this.#ops.parameters.values()) variable.dispose();
  }

  async #epoch(epoch: number, adam: Adam, signal: AbortSignal): Promise<void> {
    const { seed, batch, epochs, learningRate } = this.#options;
    const { tf } = this.#staged;
    // One stream for each purpose and epoch: a fit that goes on from a checkpoint draws what it would have drawn.
    const order = shuffled(this.#train, createRandom(seedFor(seed, `order ${epoch}`)));
    const dropping = createRandom(seedFor(seed, `dropout ${epoch}`));
    const turning = createRandom(seedFor(seed, `mirror ${epoch}`));
    const steps = Math.ceil(order.length / batch);
    for (let step = 0; step < steps; step++) {
      const places = order.subarray(step * batch, (step + 1) * batch);
      const done = (epoch + step / steps) / epochs;
      const turned = this.#model.mirror === undefined ? undefined : Uint8Array.from(places, () => Number(turning.next() < 0.5));
      tf.tidy(() => {
        const variables = [...this.#learnt().values()];
        const { grads } = tf.variableGrads(
          () => this.#ops.whileTraining(dropping, () => this.#lossOf(places, turned)),
          variables,
        );
        adam.step((parameter) => grads[parameter.name]!, learningRate * rateAt(done));
      });
      await yieldToEvents();
      signal.throwIfAborted();
    }
  }

  /** Weighted mean cross entropy over the moves of all outcomes. `places`: positions in the dataset; `turned`: 1 = as its mirror image. */
  #lossOf(places: Int32Array, turned?: Uint8Array): Tensor {
    const { tf } = this.#staged;
    const { outcomes, rows } = this.#dataset;
    const shape = [places.length, outcomes.length];
    const up = new Float32Array(places.length * outcomes.length);
    const weight = new Float32Array(up.length);
    places.forEach((place, i) =>
      outcomes.forEach((outcome, o) => {
        up[i * outcomes.length + o] = Number((outcome.up[place] === 1) !== (turned?.[i] === 1));
        weight[i * outcomes.length + o] = this.#weights[o]![place]!;
      }),
    );
    const total = weight.reduce((sum, each) => sum + each, 0);
    const logits = this.#logits(
      places.map((place) => rows[place]!),
      turned,
    );
    const loss = tf.sub(tf.softplus(logits), tf.mul(logits, tf.tensor(up, shape)));
    return tf.sum(
      tf.mul(
        loss,
        tf.tensor(
          weight.map((each) => each / Math.max(total, 1e-9)),
          shape,
        ),
      ),
    );
  }

  #loss(places: Int32Array): number {
    const { tf } = this.#staged;
    let [sum, count] = [0, 0];
    for (let from = 0; from < places.length; from += VALIDATION_BATCH) {
      const some = places.subarray(from, from + VALIDATION_BATCH);
      const ways = this.#model.mirror === undefined ? [undefined] : [undefined, new Uint8Array(some.length).fill(1)];
      for (const turned of ways) sum += (tf.tidy(() => this.#lossOf(some, turned).dataSync()[0]!) * some.length) / ways.length;
      count += some.length;
    }
    return count === 0 ? 0 : sum / count;
  }

  #logits(rows: Int32Array, turned?: Uint8Array): Tensor {
    const { steps, inputs } = this.#shape;
    const { mirror } = this.#model;
    const straight = windowsOf(this.#dataset.table.t, this.#standardised, inputs, rows, steps);
    const windows =
      mirror === undefined || turned === undefined
        ? straight
        : turnWindows(straight, rows.length, mirror, (i) => turned[i] === 1);
    const x = this.#staged.tf.tensor(windows, [steps, rows.length, inputs]);
    return buildNetwork(this.#ops, this.#options.architecture, this.#shape, x);
  }

  /** What gradients move: all but the logistic regression, which is fitted whole. */
  #learnt(): Map<string, Variable> {
    return new Map([...this.#ops.parameters].filter(([name]) => !isWide(name)));
  }

  /** Fits the logistic regression on `places` of the dataset, each outcome for itself. */
  #fitWide(places: Int32Array): void {
    const wide = this.#ops.parameters.get('wide.weights');
    if (wide === undefined) return;
    const { outcomes } = this.#dataset;
    const outputs = outcomes.length;
    const weights = new Float32Array(this.#wide.length * outputs);
    const bias = new Float32Array(outputs);
    outcomes.forEach(({ up }, o) => {
      const moved = places.filter((place) => up[place] !== NO_MOVE);
      const ups = Uint8Array.from(moved, (place) => up[place]!);
      const straight = this.#wideRows(moved);
      const model =
        this.#model.mirror === undefined
          ? fitLogistic(straight, ups, WIDE)
          : fitLogistic(stackRows(straight, this.#wideRows(moved, true)), bothOutcomes(ups), WIDE);
      bias[o] = model.intercept;
      model.weights.forEach((weight, c) => {
        const perUnit = weight / model.scaler.deviation[c]!;
        weights[c * outputs + o] = perUnit;
        bias[o]! -= perUnit * model.scaler.mean[c]!;
      });
    });
    const { tf } = this.#staged;
    tf.tidy(() => {
      wide.assign(tf.tensor(weights, [this.#wide.length, outputs]));
      this.#ops.parameters.get('wide.bias')!.assign(tf.tensor(bias, [outputs]));
    });
  }

  /** What the logistic regression reads of the windows at `places` of the dataset, or of their mirror images. */
  #wideRows(places: Int32Array, isTurned = false): Matrix {
    const { t } = this.#dataset.table;
    const { inputs } = this.#shape;
    const { mirror } = this.#model;
    const values = new Float32Array(places.length * this.#wide.length);
    this.#wide.forEach(({ feature, lag }, c) => {
      const place = this.#placeOf(feature);
      const from = isTurned ? mirror!.from[place]! : place;
      const sign = isTurned && mirror!.about[place] !== null ? -1 : 1;
      places.forEach((at, i) => {
        const end = this.#dataset.rows[at]!;
        const isThere = end >= lag && t[end - lag] === t[end]! - lag * MINUTE;
        values[c * places.length + i] = isThere ? sign * this.#standardised[(end - lag) * inputs + from]! : 0;
      });
    });
    return { rows: places.length, width: this.#wide.length, values };
  }

  #placeOf(feature: string): number {
    return this.#inputs.findIndex((input) => input.feature === feature);
  }

  /** The deep part says nothing yet: what the sequence adds to the regression is learnt from there. */
  #silenceDeep(): void {
    if (!this.#ops.parameters.has('wide.weights')) return;
    const { tf } = this.#staged;
    const head = this.#ops.parameters.get('head.weights')!;
    tf.tidy(() => head.assign(tf.zeros(head.shape)));
  }

  /**
   * Each output takes of what the deep part says the share that does best on the validation rows, and none where that is not better than the regression
   * alone by more than a standard error: what is learnt of few days is too sure of itself.
   */
  #shrinkDeep(): number[] {
    const { parameters } = this.#ops;
    const wide = parameters.get('wide.weights');
    const { outcomes, rows } = this.#dataset;
    if (wide === undefined) return outcomes.map(() => 1);
    const outputs = outcomes.length;
    const { tf } = this.#staged;
    const losses = outcomes.map(() => SHARES.map(() => new Float64Array(this.#validation.length)));
    const [weights, bias] = [wide.dataSync(), parameters.get('wide.bias')!.dataSync()];
    for (const isTurned of this.#model.mirror === undefined ? [false] : [false, true]) {
      for (let from = 0; from < this.#validation.length; from += VALIDATION_BATCH) {
        const places = this.#validation.subarray(from, from + VALIDATION_BATCH);
        const turned = isTurned ? new Uint8Array(places.length).fill(1) : undefined;
        const both = tf.tidy(() =>
          this.#logits(
            Int32Array.from(places, (place) => rows[place]!),
            turned,
          )
            .dataSync()
            .slice(),
        );
        const read = this.#wideRows(places, isTurned);
        places.forEach((place, i) =>
          outcomes.forEach(({ up }, o) => {
            if (up[place] === NO_MOVE) return;
            let alone = bias[o]!;
            for (let c = 0; c < read.width; c++) alone += weights[c * outputs + o]! * read.values[c * places.length + i]!;
            const sign = (up[place] === 1) === isTurned ? -1 : 1;
            SHARES.forEach((share, s) => {
              losses[o]![s]![from + i]! += Math.log1p(Math.exp(-sign * (alone + share * (both[i * outputs + o]! - alone))));
            });
          }),
        );
      }
    }
    const shares = losses.map(([alone, ...some]) => {
      const best = some.reduce((least, each) => (meanOf(each) < meanOf(least) ? each : least));
      return isSmaller(best, alone!) ? SHARES[1 + some.indexOf(best)]! : 0;
    });
    for (const name of ['head.weights', 'head.bias']) {
      const parameter = parameters.get(name)!;
      tf.tidy(() => parameter.assign(tf.mul(parameter, tf.tensor(shares, [outputs]))));
    }
    return shares;
  }

  /** Operations whose parameters are all made: each variable is used once. */
  #operations(given: ParameterValues | undefined): TensorOperations {
    const ops = new TensorOperations(this.#staged, this.#options.seed, given);
    const { steps, inputs } = this.#shape;
    const { tf } = this.#staged;
    tf.tidy(() => {
      buildNetwork(ops, this.#options.architecture, this.#shape, tf.zeros([steps, 2, inputs]));
    });
    return ops;
  }

  #reset(parameters: ParameterValues): void {
    const { tf } = this.#staged;
    for (const [name, variable] of this.#ops.parameters) {
      tf.tidy(() => variable.assign(tf.tensor(parameters.get(name)!, variable.shape)));
    }
  }
}

function isWide(name: string): boolean {
  return name.startsWith('wide.');
}

/** What a fit takes over from an earlier one: the regression is fitted anew, and may read other inputs. */
function deepOf(parameters: ParameterValues | undefined): ParameterValues | undefined {
  return parameters === undefined ? undefined : new Map([...parameters].filter(([name]) => !isWide(name)));
}

/** Of the regression, whose features are the windows' too. */
function chooseInputs({ table, rows, outcomes }: Dataset, options: NetworkOptions): Input[] {
  const { up } = outcomes[0]!;
  const moved = rows.filter((_, i) => up[i] !== NO_MOVE);
  const isRead = (column: string): boolean => options.reads?.includes(column.slice(0, column.lastIndexOf('@'))) ?? true;
  const ups = up.filter((each) => each !== NO_MOVE);
  const steps = hasRegression(options.architecture) ? options.steps : 1;
  return windowInputs(table, moved, ups, options.inputs, steps, isRead, options.mirrored);
}

/** Each once, as a window holds it. */
function featuresOf(inputs: readonly Input[]): Input[] {
  return [...new Set(inputs.map(({ feature }) => feature))].map((feature) => ({ feature, lag: 0 }));
}

function moveWeights(up: Uint8Array, size: Float64Array): Float64Array {
  const moves = size.filter((_, i) => up[i] !== NO_MOVE).sort();
  const median = moves[moves.length >>> 1] ?? 1;
  return size.map((move, i) => (up[i] === NO_MOVE ? 0 : Math.min(move / median, 3)));
}

/** Positions in the dataset that train, and the newest ones, which validate. */
function split({ table, rows }: Dataset, { validationShare, purgeMs }: NetworkOptions): [Int32Array, Int32Array] {
  const cut = Math.min(rows.length - 1, Math.floor(rows.length * (1 - validationShare)));
  const until = (table.t[rows[cut]!] ?? 0) - purgeMs;
  const places = Int32Array.from(rows.keys());
  return [places.filter((place) => place < cut && table.t[rows[place]!]! <= until), places.subarray(cut)];
}

function shuffled(places: Int32Array, random: Random): Int32Array {
  const order = places.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const other = Math.floor(random.next() * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}

/** Share of the learning rate: up within the first twentieth, then down along a cosine to a tenth. */
function rateAt(done: number): number {
  return done < 0.05 ? (done + 0.005) / 0.055 : 0.55 + 0.45 * Math.cos((Math.PI * (done - 0.05)) / 0.95);
}
