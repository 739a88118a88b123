/**
 * A predictor that was not trained here: an ONNX file, or an endpoint that speaks SignalService.Score, with what it reads and what it
 * answers. Kept and signed as a bundle is. Data throughout: of an ONNX file only operators and constants are kept, and nothing is run but
 * those, by onnxruntime.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { messageOf, TributaryError } from '../../errors/errors.ts';
import { isHorizon, SLOW_HORIZONS } from '../../market/horizon.ts';

export const EXTERNAL_FORMAT = 1;

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/);
const horizons = z.array(z.string().refine(isHorizon, 'no horizon')).min(1);
const deadlineMs = z.number().int().min(1).max(5_000);

const onnxSchema = z.strictObject({
  kind: z.literal('onnx'),
  /** The file, base64. */
  onnx: z.base64(),
  /** Of its input and output; default: the only input, the first output. */
  input: z.string().min(1).optional(),
  output: z.string().min(1).optional(),
  /** Of the input, for a window of steps x inputs, oldest first: [1, inputs · steps], [1, steps, inputs] or [steps, 1, inputs]. */
  shape: z.enum(['flat', 'sequence', 'time_first']),
});

const grpcSchema = z.strictObject({
  kind: z.literal('grpc'),
  /** HOST:PORT */
  address: z.string().regex(/^[^\s/]+:\d+$/),
  tls: z.boolean(),
});

const externalSchema = z.strictObject({
  kind: z.literal('external'),
  format: z.literal(EXTERNAL_FORMAT),
  /** First 16 hex digits of the SHA-256 of everything else. */
  id: z.string().regex(/^[0-9a-f]{16}$/),
  name,
  target: z.enum(['entry', 'close', 'mid']),
  /** `name@version` of what it reads of each vector; empty = the whole vector of the live schema. */
  inputs: z.array(z.string().regex(/^[^#@\s]+@\d+$/)),
  /** Vectors it reads, one cadence apart. */
  window: z.number().int().min(1).max(121),
  /** Stands for a missing value; null = NaN. */
  missing: z.number().nullable(),
  /** Empty = every one. */
  instruments: z.array(z.strictObject({ venue: name, instrument: name })),
  /** In the order of the answer. */
  horizons,
  /** Least confidence at which it speaks; null = as the endpoint says with each answer. */
  threshold: z.number().min(0.5).nullable(),
  deadlineMs,
  asks: z.discriminatedUnion('kind', [onnxSchema, grpcSchema]),
});

export type External = z.infer<typeof externalSchema>;

/** What a user writes beside an ONNX file or about an endpoint. */
const manifestSchema = z.strictObject({
  name,
  target: z.enum(['entry', 'close', 'mid']).default('entry'),
  inputs: z.array(z.string().regex(/^[^#@\s]+@\d+$/, 'write name@version')).default([]),
  window: z.number().int().min(1).max(121).default(1),
  missing: z.number().nullable().default(null),
  /** VENUE:BASE-QUOTE */
  instruments: z.array(z.string().regex(/^[a-z0-9_]+:[A-Z0-9]+-[A-Z0-9]+$/, 'write venue:BASE-QUOTE')).default([]),
  horizons,
  threshold: z.number().min(0.5).nullable().default(null),
  deadlineMs: deadlineMs.default(200),
  /** Path of the ONNX file, from the manifest's folder; or `grpc://HOST:PORT` (`grpcs://` with TLS). */
  onnx: z.string().min(1).optional(),
  grpc: z.string().min(1).optional(),
  input: z.string().min(1).optional(),
  output: z.string().min(1).optional(),
  shape: z.enum(['flat', 'sequence', 'time_first']).optional(),
});

/** `readOnnx`: the bytes that a manifest's path names. Throws `TRB_PREDICTOR_MANIFEST`, and what `readOnnx` throws. */
export async function externalFromManifest(text: string, readOnnx: (path: string) => Promise<Uint8Array>): Promise<External> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw badManifest(messageOf(cause));
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw badManifest(`${issue.path.join('.') || 'the top'}: ${issue.message}`);
  }
  const { onnx, grpc, input, output, shape, instruments, ...rest } = parsed.data;
  if ((onnx === undefined) === (grpc === undefined)) throw badManifest('give either onnx or grpc');
  if (onnx !== undefined && rest.inputs.length === 0) throw badManifest('inputs: an ONNX file has to say what it reads');
  if (onnx !== undefined && rest.threshold === null) throw badManifest('threshold: an ONNX file says none with its answers');
  const asks: External['asks'] =
    onnx === undefined
      ? endpointOf(grpc!)
      : {
          kind: 'onnx',
          onnx: Buffer.from(await readOnnx(onnx)).toString('base64'),
          shape: shape ?? (rest.window === 1 ? 'flat' : 'sequence'),
          ...(input === undefined ? {} : { input }),
          ...(output === undefined ? {} : { output }),
        };
  const places = instruments.map((each) => {
    const [venue = '', instrument = ''] = each.split(':');
    return { venue, instrument };
  });
  return seal({ ...rest, instruments: places, asks });
}

/** An endpoint that is given whole vectors and keeps what it needs of earlier ones: another Tributary, for instance. */
export function externalFromUrl(url: string): External {
  return seal({
    ...{ name: 'endpoint', target: 'entry', inputs: [], window: 1, missing: null, instruments: [], horizons: [...SLOW_HORIZONS] },
    ...{ threshold: null, deadlineMs: 200, asks: endpointOf(url) },
  });
}

export function encodeExternal(external: External): Uint8Array {
  return Buffer.from(JSON.stringify(external));
}

/** Throws `TRB_PREDICTOR_MALFORMED`. */
export function parseExternal(content: unknown): External {
  const parsed = externalSchema.safeParse(content);
  if (parsed.success) {
    const { id, ...body } = parsed.data;
    if (hashOf(body) === id) return parsed.data;
  }
  const issue = parsed.error?.issues[0];
  throw new TributaryError(
    'TRB_PREDICTOR_MALFORMED',
    `The predictor is malformed: ${issue === undefined ? 'its content does not match its id' : `${issue.path.join('.')}: ${issue.message}`}.`,
    { hint: 'Put it into the slot again with `tributary models fallback`.' },
  );
}

function endpointOf(url: string): External['asks'] {
  const match = /^grpc(s?):\/\/([^\s/]+:\d+)\/?$/.exec(url);
  if (match === null) throw badManifest(`"${url}" is no endpoint: write grpc://HOST:PORT or grpcs://HOST:PORT`);
  return { kind: 'grpc', address: match[2]!, tls: match[1] === 's' };
}

function seal(content: Omit<External, 'kind' | 'format' | 'id'>): External {
  // Parsed first: the hash is over the fields in the schema's order.
  const body = externalSchema.omit({ id: true }).parse({ kind: 'external', format: EXTERNAL_FORMAT, ...content });
  return externalSchema.parse({ ...body, id: hashOf(body) });
}

function hashOf(body: Omit<External, 'id'>): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16);
}

function badManifest(fault: string): TributaryError {
  return new TributaryError('TRB_PREDICTOR_MANIFEST', `The manifest of the predictor cannot be used: ${fault}.`, {
    hint: 'docs/decisions/058-slots-and-shadows.md shows one.',
  });
}
