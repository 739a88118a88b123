/**
 * SignalService over gRPC, with the standard health and reflection services. Callers' mistakes come back as status codes
 * that say what to do; a caller of StreamSignals that reads too slowly is cut off, since nothing waits for it.
 */
import {
  logVerbosity,
  Metadata,
  setLogVerbosity,
  type sendUnaryData,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import { join } from 'node:path';
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type Access, checkListenHost, createGate, type Verdict } from '#libs/access/access.ts';
import { HORIZON_MS, isHorizon } from '#libs/market/horizon.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import {
  Direction,
  type GetSignalRequest,
  type GetSignalResponse,
  type ScoreRequest,
  type ScoreResponse,
  type Signal,
  SignalServiceService,
  type StreamSignalsRequest,
  type StreamSignalsResponse,
} from '#libs/wire/tributary/v1/signals.ts';
import { directionOf, type ServingModel } from './decide.ts';
import { type SignalFeed } from './feed.ts';
import { type InferenceMetrics } from './metrics.ts';

/** What Score needs of the service. */
export interface Scoring {
  /** Schema of the features that are live, and its number of columns. */
  readonly schemaId: string;
  readonly columns: number;
  model(): Promise<ServingModel | undefined>;
  /** The newest `lags` vectors of the instrument, newest last; undefined = there are not so many in a row. */
  windowBefore(venue: string, instrument: string, lags: number): readonly (readonly number[])[] | undefined;
}

export interface SignalServerOptions {
  readonly port: number;
  /** Default 127.0.0.1; an address that others can reach only as `access` allows. */
  readonly host?: string;
  /** Who gets in. Default: everyone on loopback. */
  readonly access?: Access;
  readonly clock: Pick<WallClock, 'now'>;
  readonly feed: SignalFeed;
  readonly scoring: Scoring;
  readonly metrics: Pick<InferenceMetrics, 'streams' | 'streamsDropped'>;
  /** Messages that wait for one caller of StreamSignals before it is cut off. Default 1000. */
  readonly maxQueued?: number;
}

export interface SignalServer {
  /** HOST:PORT */
  readonly address: string;
  /** Resolves when the server is closed, after `signal` aborted. */
  readonly closed: Promise<void>;
}

const SERVICE = 'tributary.v1.SignalService';
/** A vector of 10,000 features fits. */
const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const MAX_STREAMS = 256;
const MAX_FILTER = 1_000;

/** Listens until `signal` aborts; open streams end with UNAVAILABLE then. Throws `TRB_PORT_IN_USE`, and what `checkListenHost` throws. */
export async function startSignalServer(options: SignalServerOptions, signal: AbortSignal): Promise<SignalServer> {
  const { access = {}, clock } = options;
  const host = checkListenHost('SignalService', options.host ?? '127.0.0.1', access);
  // A port in use is our error to tell; the library would print it besides.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': MAX_RESPONSE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    interceptors: [guard(access, clock)],
  });
  server.addService(SignalServiceService, {
    getSignal: unary((request: GetSignalRequest) => getSignal(request, options.feed)),
    score: unary((request: ScoreRequest) => score(request, options.scoring)),
    streamSignals: (call: StreamCall) => streamSignals(call, options, signal),
  });
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  health.addToServer(server);
  // ts-proto's code carries no descriptors; reflection takes them from the source.
  const proto = join(import.meta.dirname, '../../proto');
  new ReflectionService(loadSync('tributary/v1/signals.proto', { includeDirs: [proto] })).addToServer(server);
  const port = await bind(server, host, options.port, credentialsOf(access));
  const closed = new Promise<void>((resolve) => {
    const close = (): void => {
      health.setStatus('', 'NOT_SERVING');
      health.setStatus(SERVICE, 'NOT_SERVING');
      server.forceShutdown();
      resolve();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
  return { address: `${host}:${port}`, closed };
}

function credentialsOf({ tls }: Access): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key.reveal()), cert_chain: Buffer.from(tls.cert) };
  const clientCa = tls.clientCa === undefined ? null : Buffer.from(tls.clientCa);
  return ServerCredentials.createSsl(clientCa, [pair], clientCa !== null);
}

const REFUSALS: Readonly<Record<Exclude<Verdict, 'admitted'>, { readonly code: status; readonly details: string }>> = {
  unauthenticated: { code: status.UNAUTHENTICATED, details: 'Send a token: metadata authorization = "Bearer TOKEN".' },
  forbidden: { code: status.PERMISSION_DENIED, details: 'This takes a token with the role operate.' },
  too_many: { code: status.RESOURCE_EXHAUSTED, details: 'Call less often.' },
};
/** What only reads; whatever is added to the server needs `operate` until it is named here. */
const READING = [`/${SERVICE}/`, '/grpc.reflection.'];
/** Balancers ask without a token whether the server is well. */
const OPEN = '/grpc.health.v1.Health/';

function guard(access: Access, clock: Pick<WallClock, 'now'>): ServerInterceptor {
  const gate = createGate(access);
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [authorization] = metadata.get('authorization').map(String);
            const address = call.getPeer().replace(/:\d+$/, '');
            const needed = READING.some((each) => path.startsWith(each)) ? 'read' : 'operate';
            const verdict = path.startsWith(OPEN) ? 'admitted' : gate.judge({ authorization, address }, needed, clock.now());
            if (verdict === 'admitted') pass(metadata);
            else call.sendStatus({ ...REFUSALS[verdict], metadata: null });
          },
        });
      },
    });
}

function bind(server: Server, host: string, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (cause, bound) => {
      if (cause === null) resolve(bound);
      else {
        server.forceShutdown();
        reject(bindError(port, cause));
      }
    });
  });
}

function bindError(port: number, cause: Error): Error {
  if (!cause.message.includes('EADDRINUSE') && !cause.message.includes('No address added')) return cause;
  return new TributaryError('TRB_PORT_IN_USE', `Port ${port} is in use.`, {
    hint: 'Stop what listens there, or give another with --grpc-port (0 = any free one).',
    cause,
  });
}

/** What a caller did wrong, or cannot have now. */
class Refusal extends Error {
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

function unary<Request, Response>(answer: (request: Request) => Response | Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>): void => {
    const answered = (async () => answer(call.request))();
    answered.then(
      (response) => reply(null, response),
      (thrown: unknown) => reply(refusalOf(thrown)),
    );
  };
}

function refusalOf(thrown: unknown): { code: status; details: string } {
  if (thrown instanceof Refusal) return { code: thrown.code, details: thrown.message };
  if (thrown instanceof TributaryError) return { code: status.INVALID_ARGUMENT, details: describeError(thrown) };
  return { code: status.INTERNAL, details: 'The request failed; the service log says why.' };
}

function checkHorizon(horizon: string): void {
  if (!isHorizon(horizon))
    throw new Refusal(status.INVALID_ARGUMENT, `"${horizon}" is no horizon; there are ${Object.keys(HORIZON_MS).join(', ')}.`);
}

function getSignal({ instrument, venue, horizon }: GetSignalRequest, feed: SignalFeed): GetSignalResponse {
  parseInstrument(instrument);
  if (horizon !== '') checkHorizon(horizon);
  const ofInstrument = feed.latest().filter((signal) => signal.instrument === instrument);
  const signals = ofInstrument.filter(
    (signal) => (venue === '' || signal.venue === venue) && (horizon === '' || signal.horizon === horizon),
  );
  if (signals.length > 0) return { signals };
  const known = [...new Set((ofInstrument.length > 0 ? ofInstrument : feed.latest()).map(nameOf))].sort().join(', ');
  throw new Refusal(
    status.NOT_FOUND,
    `No decision on ${nameOf({ instrument, venue, horizon })}; there are: ${known === '' ? 'none yet' : known}.`,
  );
}

function nameOf({ instrument, venue, horizon }: GetSignalRequest): string {
  return [venue, instrument, horizon].filter((part) => part !== '').join(' ');
}

async function score(request: ScoreRequest, scoring: Scoring): Promise<ScoreResponse> {
  const { venue, instrument, horizon, schemaId, values, inputs } = request;
  const steps = Math.max(1, request.steps);
  parseInstrument(instrument);
  checkHorizon(horizon);
  if (schemaId !== scoring.schemaId) {
    throw new Refusal(
      status.FAILED_PRECONDITION,
      `The schema is ${scoring.schemaId}, not "${schemaId}": make the vector with this version.`,
    );
  }
  if (inputs.length > 0)
    throw new Refusal(status.INVALID_ARGUMENT, 'Give whole vectors: this service reads what its model needs.');
  if (values.length !== steps * scoring.columns) {
    throw new Refusal(
      status.INVALID_ARGUMENT,
      `${steps === 1 ? 'A vector has' : `${steps} vectors have`} ${steps * scoring.columns} values, not ${values.length}.`,
    );
  }
  const model = await scoring.model();
  if (model === undefined) throw new Refusal(status.FAILED_PRECONDITION, 'No model serves yet: wait for the first training.');
  const { scorer } = model;
  if (!scorer.covers(venue, instrument, horizon)) {
    throw new Refusal(status.NOT_FOUND, `The model has no head for ${venue} ${instrument} ${horizon}.`);
  }
  const given = Array.from({ length: steps }, (_, step) => values.slice(step * scoring.columns, (step + 1) * scoring.columns));
  const before = steps > 1 ? [] : scoring.windowBefore(venue, instrument, scorer.lags);
  if (before === undefined || before.length + steps <= scorer.lags) {
    throw new Refusal(status.FAILED_PRECONDITION, `The model reads ${scorer.lags} earlier vectors, which are not there yet.`);
  }
  const window = [...before, ...given];
  const answer = scorer.score(venue, instrument, horizon, window, await scorer.consult(venue, instrument, window));
  if (answer === undefined) throw new Refusal(status.FAILED_PRECONDITION, 'The model has nothing to say on this instrument now.');
  return { ...answer, direction: directionOf(answer), bundleId: scorer.bundleId };
}

type StreamCall = ServerWritableStream<StreamSignalsRequest, StreamSignalsResponse>;

function streamSignals(call: StreamCall, options: SignalServerOptions, signal: AbortSignal): void {
  const { feed, metrics, maxQueued = 1_000 } = options;
  try {
    checkFilter(call.request);
  } catch (thrown) {
    call.emit('error', refusalOf(thrown));
    return;
  }
  const wanted = filterOf(call.request);
  const unsubscribe = feed.subscribe((decision) => {
    if (!wanted(decision)) return;
    if (call.writableLength < maxQueued) {
      call.write({ signal: decision });
      return;
    }
    end();
    metrics.streamsDropped.inc();
    call.emit('error', {
      code: status.RESOURCE_EXHAUSTED,
      details: `More than ${maxQueued} signals wait: read faster, or ask for fewer.`,
    });
  });
  const stop = (): void => {
    end();
    call.emit('error', { code: status.UNAVAILABLE, details: 'The service stops; call again.' });
  };
  let isOpen = true;
  const end = (): void => {
    if (!isOpen) return;
    isOpen = false;
    unsubscribe();
    signal.removeEventListener('abort', stop);
    metrics.streams.dec();
  };
  metrics.streams.inc();
  signal.addEventListener('abort', stop, { once: true });
  call.on('cancelled', end);
  call.on('close', end);
  // Tells the caller that it is subscribed, before the first signal.
  call.sendMetadata(new Metadata());
}

function checkFilter({ instruments, venues, horizons }: StreamSignalsRequest): void {
  if (instruments.length + venues.length + horizons.length > MAX_FILTER) {
    throw new Refusal(status.INVALID_ARGUMENT, `A filter names at most ${MAX_FILTER} things; leave it empty for all.`);
  }
  instruments.forEach((instrument) => parseInstrument(instrument));
  horizons.forEach(checkHorizon);
}

function filterOf(request: StreamSignalsRequest): (signal: Signal) => boolean {
  const [instruments, venues, horizons] = [new Set(request.instruments), new Set(request.venues), new Set(request.horizons)];
  const passes = (names: ReadonlySet<string>, name: string): boolean => names.size === 0 || names.has(name);
  return (signal) =>
    (request.includeAbstentions || signal.direction !== Direction.DIRECTION_ABSTAIN) &&
    passes(instruments, signal.instrument) &&
    passes(venues, signal.venue) &&
    passes(horizons, signal.horizon);
}
