/** Scores vectors with a bundle: gather the inputs, ask each member that is heard, vote, calibrate. */
import { calibrate } from './calibration.ts';
import { type Bundle, type BundleHead, type BundleNetwork, type Model, type Target } from './bundle.ts';
import { parseInput, resolveInputs } from './inputs.ts';
import { distanceOf } from './distribution.ts';
import { predictFlat } from './flat-trainers.ts';
import { combine, heardMembers, VOTE } from './ensemble.ts';
import { type OnnxNetwork, openOnnxNetwork } from './networks/onnx-network.ts';
import { standardise } from './networks/windows.ts';

export interface Score {
  /** Calibrated probability that the price is higher at the end of the horizon, given that it moves. */
  readonly probabilityUp: number;
  /** max(p, 1 - p). */
  readonly confidence: number;
  /** Least confidence that speaks; above 1 = silenced. */
  readonly threshold: number;
  /** Distance from the training data over the limit; above 1 it does not speak, 0 = not known. */
  readonly unfamiliarity: number;
}

/** What the networks of a bundle say about one window: by network, then by output; undefined = not asked. */
export type NetworkOpinions = readonly (ArrayLike<number> | undefined)[];

type Window = readonly (ArrayLike<number> | undefined)[];

/** What training said of a head. */
export type TrainedHead = Pick<BundleHead, 'venue' | 'instrument' | 'horizon' | 'silenced' | 'metrics'>;

export interface Scorer {
  readonly bundleId: string;
  readonly target: Target;
  /** End of what it was trained on, milliseconds; Infinity where nobody here knows. */
  readonly trainedTo: number;
  /** Empty where nobody here knows. */
  readonly heads: readonly TrainedHead[];
  /** Earlier vectors that it reads: give the newest and this many before it. */
  readonly lags: number;
  /** Whether it has a head for them; a silenced one counts. */
  covers(venue: string, instrument: string, horizon: string): boolean;
  /** Opens the networks, where there are some. Rejects with `TRB_BUNDLE_NETWORK`. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Asks the networks that a head of (venue, instrument) hears; undefined = there are none. After `open`. */
  consult(venue: string, instrument: string, window: Window): Promise<NetworkOpinions> | undefined;
  /**
   * `window`: vectors of (venue, instrument) one cadence apart, newest last, values in the schema's order; a shorter window or
   * `undefined` for a vector that was never made reads as missing values. `opinions`: what `consult` brought. Undefined where
   * the bundle has no such head, or its networks were not consulted.
   */
  score(venue: string, instrument: string, horizon: string, window: Window, opinions?: NetworkOpinions): Score | undefined;
}

/** Throws `TRB_BUNDLE_FEATURES` where the schema lacks one of the bundle's features at its version. */
export function createScorer(bundle: Bundle, schemaColumns: readonly string[]): Scorer {
  const inputs = bundle.inputs.map(parseInput);
  const places = resolveInputs(inputs, schemaColumns);
  const heads = new Map(bundle.heads.map((head) => [keyOf(head.venue, head.instrument, head.horizon), votersOf(head)]));
  const networks = new Networks(bundle.networks ?? [], places);
  const asked = new Map<string, Set<number>>();
  for (const { head, models } of heads.values()) {
    const key = keyOf(head.venue, head.instrument);
    const own = asked.get(key) ?? new Set();
    for (const model of models) if (model.kind === 'network') own.add(model.network);
    asked.set(key, own);
  }
  const read = (chosen: readonly number[], window: Window): Float32Array => {
    const values = new Float32Array(chosen.length);
    for (let i = 0; i < values.length; i++) {
      const input = chosen[i]!;
      const vector = window[window.length - 1 - inputs[input]!.lag];
      values[i] = vector?.[places[input]!] ?? Number.NaN;
    }
    return values;
  };
  const lags = inputs.reduce((most, input) => Math.max(most, input.lag), 0);
  return {
    bundleId: bundle.id,
    target: bundle.target,
    trainedTo: bundle.trained.to,
    heads: bundle.heads,
    lags: (bundle.networks ?? []).reduce((most, { steps }) => Math.max(most, steps - 1), lags),
    covers: (venue, instrument, horizon) => heads.has(keyOf(venue, instrument, horizon)),
    open: () => networks.open(),
    close: () => networks.close(),
    consult(venue, instrument, window) {
      const wanted = asked.get(keyOf(venue, instrument));
      return wanted === undefined || wanted.size === 0 ? undefined : networks.run(wanted, window);
    },
    score(venue, instrument, horizon, window, opinions = []) {
      const voters = heads.get(keyOf(venue, instrument, horizon));
      if (voters === undefined) return undefined;
      const { head } = voters;
      const values = read(head.inputs, window);
      const familiar = head.distribution?.inputs;
      return scoreRow(voters, values, opinions, familiar === undefined ? values : read(familiar, window));
    },
  };
}

/** The networks of a bundle, open between `open` and `close`. */
class Networks {
  readonly #networks: readonly BundleNetwork[];
  /** Places in a vector, by network. */
  readonly #places: readonly Int32Array[];
  #open: readonly OnnxNetwork[] | undefined;

  constructor(networks: readonly BundleNetwork[], places: Int32Array) {
    this.#networks = networks;
    this.#places = networks.map(({ inputs }) => Int32Array.from(inputs, (input) => places[input]!));
  }

  async open(): Promise<void> {
    this.#open ??= await Promise.all(
      this.#networks.map(({ onnx, mirror }) => openOnnxNetwork(Buffer.from(onnx, 'base64'), mirror)),
    );
  }

  async close(): Promise<void> {
    const open = this.#open ?? [];
    this.#open = undefined;
    await Promise.all(open.map((network) => network.close()));
  }

  async run(wanted: ReadonlySet<number>, window: Window): Promise<NetworkOpinions> {
    const open = this.#open;
    if (open === undefined) throw new Error('the networks are not open');
    return Promise.all(
      this.#networks.map(async ({ steps, inputs, scaler }, n) => {
        if (!wanted.has(n)) return undefined;
        const x = new Float32Array(steps * inputs.length);
        for (let step = 0; step < steps; step++)
          standardise(window[window.length - steps + step], this.#places[n]!, scaler, x, step * inputs.length);
        return open[n]!.run(x, steps, 1);
      }),
    );
  }
}

/** A head and those of its members that it hears. */
interface Voters {
  readonly head: BundleHead;
  readonly models: readonly Model[];
  readonly weights: readonly number[];
}

function votersOf(head: BundleHead): Voters {
  const weights = head.members.map(({ weight }) => weight);
  const heard = heardMembers(head.combination ?? VOTE, weights);
  return { head, models: heard.map((k) => head.members[k]!.model), weights: heard.map((k) => weights[k]!) };
}

/** Scores one row of a head's own inputs; `familiar`: of those that its distribution is of. */
function scoreRow(
  { head, models, weights }: Voters,
  values: Float32Array,
  opinions: NetworkOpinions,
  familiar: Float32Array,
): Score | undefined {
  const votes = models.map((model) => opinionOf(model, values, opinions));
  if (votes.includes(undefined)) return undefined;
  const raw = combine(head.combination ?? VOTE, votes as number[], weights);
  const probabilityUp = calibrate(head.calibration, raw);
  const { threshold, distribution } = head;
  const unfamiliarity = distribution === undefined ? 0 : distanceOf(distribution, familiar) / distribution.limit;
  return { probabilityUp, confidence: Math.max(probabilityUp, 1 - probabilityUp), threshold, unfamiliarity };
}

function opinionOf(model: Model, values: Float32Array, opinions: NetworkOpinions): number | undefined {
  return model.kind === 'network' ? opinions[model.network]?.[model.output] : predictFlat(model, values);
}

function keyOf(...parts: readonly string[]): string {
  return parts.join('\u0000');
}
