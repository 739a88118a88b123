/**
 * SignalService over gRPC, with the standard health and reflection services. Callers' mistakes come back as status codes
 * that say what to do. A caller of StreamSignals may read as slowly as it likes: what it has not read waits in the log.
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
import { once } from 'node:events';
import { join } from 'node:path';
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type Access, checkListenHost, createGate, type Verdict } from '#libs/access/access.ts';
import { HORIZON_MS, isHorizon } from '#libs/market/horizon.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type SignalFeed } from '#libs/signals/feed.ts';
import { passing } from '#libs/signals/filter.ts';
import {
  type GetSignalRequest,
  type GetSignalResponse,
  type ScoreRequest,
  type ScoreResponse,
  SignalServiceService,
  type StreamSignalsRequest,
  type StreamSignalsResponse,
} from '#libs/wire/tributary/v1/signal_service.ts';
import { directionOf, type ServingModel } from './decide.ts';
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
  readonly metrics: Pick<InferenceMetrics, 'streams'>;
  /** Calls in hand at once, of all callers: each open stream is one. Default 256. */
  readonly maxCalls?: number;
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
/** Of one connection. */
const MAX_STREAMS = 256;
/** Of all connections. */
const MAX_CALLS = 256;
const MAX_FILTER = 1_000;
/** A caller that does not answer to a ping for so long is gone. */
const KEEPALIVE_MS = 60_000;
/** Progress is told no more often, milliseconds. */
const MIN_PROGRESS_MS = 1_000;

/** Listens until `signal` aborts; open streams end with UNAVAILABLE then. Throws `TRB_PORT_IN_USE`, and what `checkListenHost` throws. */
export async function startSignalServer(options: SignalServerOptions, signal: AbortSignal): Promise<SignalServer> {
  const { access = {}, clock, maxCalls = MAX_CALLS } = options;
  const host = checkListenHost('SignalService', options.host ?? '127.0.0.1', access);
  // A port in use is our error to tell; the library would print it besides.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': MAX_RESPONSE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    interceptors: [guard(access, clock, maxCalls)],
  });
  server.addService(SignalServiceService, {
    getSignal: unary((request: GetSignalRequest) => getSignal(request, options.feed)),
    score: unary((request: ScoreRequest) => score(request, options.scoring)),
    streamSignals: (call: StreamCall) => void streamSignals(call, options, signal),
  });
  const health = new HealthImplementation({ '': 'SERVING', [SERVICE]: 'SERVING' });
  health.addToServer(server);
  // ts-proto's code carries no descriptors; reflection takes them from the source.
  const proto = join(import.meta.dirname, '../../proto');
  new ReflectionService(loadSync('tributary/v1/signal_service.proto', { includeDirs: [proto] })).addToServer(server);
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
/** Answered at once, and when the service is busy too: who is busy is well. */
const UNCOUNTED = `${OPEN}Check`;

function guard(access: Access, clock: Pick<WallClock, 'now'>, maxCalls: number): ServerInterceptor {
  const gate = createGate(access);
  let calls = 0;
  return ({ path }, call) => {
    let isCounted = false;
    const take = (): boolean => {
      if (path === UNCOUNTED) return true;
      if (calls >= maxCalls) return false;
      calls++;
      return (isCounted = true);
    };
    const give = (): void => {
      if (isCounted) calls--;
      isCounted = false;
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            const [authorization] = metadata.get('authorization').map(String);
            const address = call.getPeer().replace(/:\d+$/, '');
            const needed = READING.some((each) => path.startsWith(each)) ? 'read' : 'operate';
            const verdict = path.startsWith(OPEN) ? 'admitted' : gate.judge({ authorization, address }, needed, clock.now());
            if (verdict !== 'admitted') call.sendStatus({ ...REFUSALS[verdict], metadata: null });
            else if (take()) pass(metadata);
            else call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details: `${maxCalls} calls are open.`, metadata: null });
          },
          onCancel: give,
        });
      },
      sendStatus: (sent, next) => {
        give();
        next(sent);
      },
    });
  };
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
  if (thrown instanceof TributaryError) {
    const code = thrown.code === 'TRB_CURSOR_EXPIRED' ? status.OUT_OF_RANGE : status.INVALID_ARGUMENT;
    return { code, details: describeError(thrown) };
  }
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

async function streamSignals(call: StreamCall, options: SignalServerOptions, signal: AbortSignal): Promise<void> {
  const { feed, metrics } = options;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  for (const event of ['cancelled', 'close'] as const) call.on(event, leave);
  signal.addEventListener('abort', leave);
  metrics.streams.inc();
  try {
    const { after, progressMs } = checkStream(call.request);
    const stream = await feed.open(after, { wanted: passing(call.request), progressMs }, gone.signal);
    // Tells the caller that it is subscribed, before the first signal.
    call.sendMetadata(new Metadata());
    for await (const item of stream) {
      if (!call.write(item)) await once(call, 'drain', { signal: gone.signal });
    }
    throw new Refusal(status.UNAVAILABLE, 'The service stops; call again.');
  } catch (thrown) {
    if (!gone.signal.aborted || signal.aborted) call.emit('error', refusalOf(thrown));
  } finally {
    signal.removeEventListener('abort', leave);
    metrics.streams.dec();
  }
}

function checkStream(request: StreamSignalsRequest): { after: string | undefined; progressMs: number } {
  const { after, progressMs, instruments, venues, horizons } = request;
  if (instruments.length + venues.length + horizons.length > MAX_FILTER) {
    throw new Refusal(status.INVALID_ARGUMENT, `A filter names at most ${MAX_FILTER} things; leave it empty for all.`);
  }
  instruments.forEach((instrument) => parseInstrument(instrument));
  horizons.forEach(checkHorizon);
  return { after: after === '' ? undefined : after, progressMs: progressMs === 0 ? 0 : Math.max(progressMs, MIN_PROGRESS_MS) };
}
