/**
 * A bundle is one model as a file: what it reads (features as name@version with lags), scalers, members, calibration and thresholds of
 * every head (venue, instrument, horizon), and how it came to be. JSON, validated whole; loading it runs no code.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { checkOnnx } from './networks/onnx-check.ts';

/** Layout of the file; another version is refused. */
export const BUNDLE_FORMAT = 1;

const finite = z.number();
const share = z.number().min(0).max(1);
const index = z.number().int().nonnegative();
/** Of a venue, an instrument or a horizon: never a path, wherever it is put. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/);

const scalerSchema = z.strictObject({
  mean: z.array(finite),
  /** Standard deviation, > 0. */
  deviation: z.array(z.number().positive()),
});

/** The mirror image of a row of inputs, by place: whose value stands there, and what it is reflected about; null = it is kept. */
const mirrorSchema = z.strictObject({ from: z.array(index), about: z.array(finite.nullable()) });

const logisticSchema = z.strictObject({
  kind: z.literal('logistic'),
  scaler: scalerSchema,
  weights: z.array(finite),
  intercept: finite,
});

/** Nodes of all trees one after another; a leaf has feature -1. Children stand behind their parent, so a walk always ends. */
const forestSchema = z.strictObject({
  kind: z.literal('trees'),
  /** Log odds before the first tree. */
  base: finite,
  roots: z.array(index),
  /** Position in the head's inputs; -1 = leaf. */
  feature: z.array(z.number().int().min(-1)),
  /** Goes left where the value is <= threshold. */
  threshold: z.array(finite),
  left: z.array(index),
  right: z.array(index),
  /** 1 = a missing value goes left. */
  missingLeft: z.array(z.number().int().min(0).max(1)),
  /** Log odds that a leaf adds. */
  value: z.array(finite),
  /** It says the mean of what its trees say of a row and the opposite of what they say of the mirror image. Absent = of the row alone. */
  mirror: mirrorSchema.optional(),
});

/** One output of a network of the bundle. */
const networkOutputSchema = z.strictObject({ kind: z.literal('network'), network: index, output: index });

/** A network that several heads share. */
const networkSchema = z.strictObject({
  /** `lstm`, `transformer`. */
  name,
  /** Vectors of a window, one cadence apart. */
  steps: z.number().int().min(1).max(121),
  /** Positions in Bundle.inputs, none with a lag, in the network's order. */
  inputs: z.array(index).min(1),
  scaler: scalerSchema,
  /** Of standardised inputs, as in a forest. */
  mirror: mirrorSchema.optional(),
  outputs: z.number().int().min(1),
  /** ONNX file, base64. */
  onnx: z.base64(),
});

const calibrationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('identity') }),
  /** p = sigmoid(slope * logit(raw) + intercept). */
  z.strictObject({ kind: z.literal('platt'), slope: z.number().nonnegative(), intercept: finite }),
  /** p = sigmoid(rise * ln(raw) - fall * ln(1 - raw) + intercept). */
  z.strictObject({ kind: z.literal('beta'), rise: z.number().nonnegative(), fall: z.number().nonnegative(), intercept: finite }),
  /** Linear between knots of (raw, p), both rising; flat beyond the ends. */
  z.strictObject({ kind: z.literal('isotonic'), raw: z.array(share).min(1), probability: z.array(share).min(1) }),
]);

/** How the members' probabilities become one; a weighted mean where nothing is said. */
const combinationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('vote') }),
  /** The share of members that say up, one up and one down added. */
  z.strictObject({ kind: z.literal('majority') }),
  /** sigmoid(sum of weight * log odds of a member + intercept), in the members' order. */
  z.strictObject({ kind: z.literal('stacking'), weights: z.array(z.number().nonnegative()), intercept: finite }),
]);

const headMetricsSchema = z.strictObject({
  /** Rows (moves) that the members were trained on. */
  trained: index,
  /** Out-of-fold moves behind calibration and threshold. */
  outOfFold: index,
  accuracy: share.nullable(),
  brier: share.nullable(),
  /** At the threshold, out of fold; null = silenced. */
  emittedCoverage: share.nullable(),
  emittedAccuracy: share.nullable(),
});

const headSchema = z.strictObject({
  venue: name,
  instrument: name,
  horizon: name,
  /** Positions in Bundle.inputs, in the members' order. */
  inputs: z.array(index),
  members: z.array(
    z.strictObject({ weight: share, model: z.discriminatedUnion('kind', [logisticSchema, forestSchema, networkOutputSchema]) }),
  ),
  combination: combinationSchema.optional(),
  calibration: calibrationSchema,
  /**
   * Where what the members read lay in training, and the distance beyond which it does not speak (distribution.ts). Positions in Bundle.inputs; without
   * them, as in older bundles, the first of the head's own.
   */
  distribution: scalerSchema.extend({ inputs: z.array(index).optional(), limit: z.number().positive() }).optional(),
  /** Least confidence that speaks; above 1 = silenced. */
  threshold: z.number().min(0.5),
  /** Why it is silenced, in words; empty when it speaks. */
  silenced: z.string(),
  metrics: headMetricsSchema,
});

const bundleSchema = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  /** First 16 hex digits of the SHA-256 of everything else. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  /** What the heads predict: `entry`, `close` or `mid` (features.md, Labels). */
  target: z.enum(['entry', 'close', 'mid']),
  lane: z.enum(['slow', 'fast']),
  seed: z.number().int(),
  /** Decision times of the training rows, milliseconds: from <= t < to, labels known by `to`. */
  trained: z.strictObject({ from: finite, to: finite }),
  /** `name@version`, or `name@version#k`: the value k vectors earlier. */
  inputs: z.array(z.string().regex(/^[^#@\s]+@\d+(#\d+)?$/)),
  networks: z.array(networkSchema).optional(),
  heads: z.array(headSchema),
});

export type Bundle = z.infer<typeof bundleSchema>;
export type BundleHead = z.infer<typeof headSchema>;
export type LogisticModel = z.infer<typeof logisticSchema>;
export type MirrorMap = z.infer<typeof mirrorSchema>;
export type Forest = z.infer<typeof forestSchema>;
export type NetworkOutput = z.infer<typeof networkOutputSchema>;
export type BundleNetwork = z.infer<typeof networkSchema>;
export type Model = LogisticModel | Forest | NetworkOutput;
export type Combination = z.infer<typeof combinationSchema>;
export type Calibration = z.infer<typeof calibrationSchema>;
export type Target = Bundle['target'];

/** Gives the bundle its id: the same content always has the same one. */
export function sealBundle(content: Omit<Bundle, 'id' | 'format'>): Bundle {
  // Parsed first: the hash is over the fields in the schema's order, as loadBundle finds them.
  const body = bundleSchema.omit({ id: true }).parse({ format: BUNDLE_FORMAT, ...content });
  return bundleSchema.parse({ ...body, id: hashOf(body) });
}

export function encodeBundle(bundle: Bundle): Uint8Array {
  return Buffer.from(JSON.stringify(bundle));
}

/**
 * Reads a bundle. Throws `TRB_BUNDLE_UNREADABLE` (not JSON), `TRB_BUNDLE_FORMAT` (another version's), `TRB_BUNDLE_INVALID` (a field or
 * an index out of place), `TRB_BUNDLE_NETWORK` (a network of other operators), `TRB_BUNDLE_ID` (content and id disagree).
 */
export function loadBundle(bytes: Uint8Array): Bundle {
  const parsed = bundleSchema.safeParse(parseBundleJson(bytes));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue === undefined ? '' : ` at ${issue.path.join('.') || 'the top'}: ${issue.message}`;
    throw invalid(`The bundle is malformed${where}.`);
  }
  const bundle = parsed.data;
  bundle.networks?.forEach((network, position) => {
    const fault = faultOfNetwork(network, bundle.inputs);
    if (fault !== undefined) throw invalid(`The bundle is malformed at networks.${position}: ${fault}.`);
    checkOnnx(Buffer.from(network.onnx, 'base64'));
  });
  bundle.heads.forEach((head, position) => {
    const fault = faultOf(head, bundle);
    if (fault !== undefined) throw invalid(`The bundle is malformed at heads.${position}: ${fault}.`);
  });
  const { id, ...body } = bundle;
  if (hashOf(body) !== id) {
    throw new TributaryError('TRB_BUNDLE_ID', `The bundle's content does not match its id ${id}.`, {
      hint: 'It was changed or cut short after training: copy it again or train anew.',
    });
  }
  return bundle;
}

/** Throws `TRB_BUNDLE_UNREADABLE`, `TRB_BUNDLE_FORMAT`. */
export function parseBundleJson(bytes: Uint8Array): unknown {
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TributaryError('TRB_BUNDLE_UNREADABLE', `The bundle is not readable: ${messageOf(cause)}.`, {
      hint: 'Train a new one with `tributary train`.',
      cause,
    });
  }
  const format = typeof content === 'object' && content !== null && 'format' in content ? content.format : undefined;
  if (typeof format === 'number' && format !== BUNDLE_FORMAT) {
    throw new TributaryError('TRB_BUNDLE_FORMAT', `The bundle has format ${format}; this version reads ${BUNDLE_FORMAT}.`, {
      hint: 'Train a new one with `tributary train`.',
    });
  }
  return content;
}

/** What zod cannot say: lengths that belong together, indices in range, trees without loops. */
function faultOf(head: BundleHead, bundle: Bundle): string | undefined {
  if (head.inputs.some((input) => input >= bundle.inputs.length)) return 'an input is not listed';
  for (const { model } of head.members) {
    const fault = faultOfMember(model, head.inputs.length, bundle.networks ?? []);
    if (fault !== undefined) return fault;
  }
  const { calibration, combination, distribution } = head;
  if (distribution?.inputs?.some((input) => input >= bundle.inputs.length)) return 'an input of the distribution is not listed';
  if (distribution !== undefined && !fitsInputs(distribution, head.inputs.length))
    return 'distribution and inputs differ in number';
  if (combination?.kind === 'stacking' && combination.weights.length !== head.members.length)
    return 'stacking and members differ in number';
  if (calibration.kind !== 'isotonic') return undefined;
  const rising = (knots: readonly number[]): boolean => knots.every((knot, i) => i === 0 || knot >= knots[i - 1]!);
  if (calibration.raw.length !== calibration.probability.length) return 'calibration knots differ in number';
  return rising(calibration.raw) && rising(calibration.probability) ? undefined : 'calibration knots must rise';
}

function fitsInputs({ inputs, mean, deviation }: NonNullable<BundleHead['distribution']>, own: number): boolean {
  return mean.length === deviation.length && (inputs === undefined ? mean.length <= own : mean.length === inputs.length);
}

function faultOfMember(model: Model, inputs: number, networks: readonly BundleNetwork[]): string | undefined {
  if (model.kind === 'trees') return faultOfForest(model, inputs);
  if (model.kind === 'logistic') return faultOfLogistic(model, inputs);
  return model.output < (networks[model.network]?.outputs ?? 0) ? undefined : 'a member is an output of no network';
}

function faultOfMirror(mirror: MirrorMap | undefined, inputs: number): string | undefined {
  if (mirror === undefined) return undefined;
  if (mirror.from.length !== inputs || mirror.about.length !== inputs) return 'mirror and inputs differ in number';
  return mirror.from.some((place) => place >= inputs) ? 'an input is mirrored to one that is not listed' : undefined;
}

function faultOfNetwork({ inputs, scaler, mirror }: BundleNetwork, names: readonly string[]): string | undefined {
  if (inputs.some((input) => names[input]?.includes('#') ?? true)) return 'an input is not listed, or has a lag';
  const lengths = [scaler.mean.length, scaler.deviation.length];
  if (lengths.some((length) => length !== inputs.length)) return 'scaler and inputs differ in number';
  return faultOfMirror(mirror, inputs.length);
}

function faultOfLogistic(model: LogisticModel, inputs: number): string | undefined {
  const lengths = [model.weights.length, model.scaler.mean.length, model.scaler.deviation.length];
  return lengths.every((length) => length === inputs) ? undefined : 'weights and inputs differ in number';
}

function faultOfForest(forest: Forest, inputs: number): string | undefined {
  const nodes = forest.feature.length;
  const columns = [forest.threshold, forest.left, forest.right, forest.missingLeft, forest.value];
  if (columns.some((column) => column.length !== nodes)) return "a tree's columns differ in length";
  if (forest.roots.some((root) => root >= nodes)) return 'a root is out of range';
  const fault = faultOfMirror(forest.mirror, inputs);
  if (fault !== undefined) return fault;
  for (let node = 0; node < nodes; node++) {
    const feature = forest.feature[node]!;
    if (feature >= inputs) return 'a tree splits on an input that is not listed';
    if (feature < 0) continue;
    const [left, right] = [forest.left[node]!, forest.right[node]!];
    if (left <= node || right <= node || left >= nodes || right >= nodes) return "a tree's child is out of place";
  }
  return undefined;
}

function hashOf(body: object): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16);
}

function invalid(message: string): TributaryError {
  return new TributaryError('TRB_BUNDLE_INVALID', message, { hint: 'Train a new one with `tributary train`.' });
}
