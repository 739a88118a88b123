/** SignalService as a client in another process sees it: real sockets, real status codes. */
import {
  type Client,
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type GetSignalResponse,
  type ScoreResponse,
  SignalServiceClient,
  StreamSignalsRequest,
  type StreamSignalsResponse,
} from '#libs/wire/tributary/v1/signal_service.ts';
import { Direction, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { systemClock } from '#libs/clock/clock.ts';
import { appendVectors, bundleOf, COLUMNS, MINUTE, openRig, type Rig, SCHEMA_ID, T, until, vector } from './testing/market.ts';
import { appendSignals, type BareServer, startBareServer } from './testing/signal-server.ts';

let rig: Rig;
let service: ReturnType<Rig['start']>;
let address: string;
let client: SignalServiceClient;

beforeAll(async () => {
  rig = await openRig();
  await rig.publish(bundleOf());
  await appendVectors(rig.log, [vector(0, 'kraken', 3), vector(0, 'coinbase', 0.1)]);
  service = rig.start({ grpcPort: 0, horizons: ['1m', '5m'] });
  address = await service.address;
  client = new SignalServiceClient(address, credentials.createInsecure());
  await until(async () => (await rig.signals()).length === 4);
});

const HEALTH_PROTO = 'node_modules/grpc-health-check/proto/health/v1/health.proto';
const opened: Client[] = [];

afterAll(async () => {
  client.close();
  for (const each of opened) each.close();
  await service.stop();
  await rig.close();
});

type Unary<Request, Response> = (request: Request, reply: (error: ServiceError | null, response: Response) => void) => unknown;

/** The response, or the status code and its text. */
function ask<Request, Response>(
  method: Unary<Request, Response>,
  request: Request,
): Promise<Response | { code: status; details: string }> {
  return new Promise((resolve) => {
    method.call(client, request, (error, response) =>
      resolve(error === null ? response : { code: error.code, details: error.details }),
    );
  });
}
const get = (instrument: string, venue = '', horizon = '') =>
  ask<{ instrument: string; venue: string; horizon: string }, GetSignalResponse>(client.getSignal.bind(client), {
    instrument,
    venue,
    horizon,
  });

describe('GetSignal', () => {
  test('answers the latest decisions', async () => {
    await until(async () => 'signals' in (await get('BTC-USD')));
    const all = (await get('BTC-USD')) as GetSignalResponse;
    expect(all.signals.map(({ venue, horizon }) => `${venue} ${horizon}`).sort()).toEqual([
      'coinbase 1m',
      'coinbase 5m',
      'kraken 1m',
      'kraken 5m',
    ]);
    const one = (await get('BTC-USD', 'kraken', '1m')) as GetSignalResponse;
    expect(one.signals).toMatchObject([{ direction: Direction.DIRECTION_UP, bundleId: bundleOf().id, t: T }]);
  });

  test('says what is wrong with a request', async () => {
    expect(await get('bitcoin')).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('BASE-QUOTE') });
    expect(await get('BTC-USD', '', '7m')).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('1m, 5m, 15m'),
    });
    expect(await get('ETH-USD')).toMatchObject({ code: status.NOT_FOUND, details: expect.stringContaining('kraken BTC-USD 1m') });
    expect(await get(`${'A'.repeat(70_000)}-USD`)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });
});

describe('Score', () => {
  const request = {
    venue: 'kraken',
    instrument: 'BTC-USD',
    horizon: '1m',
    schemaId: SCHEMA_ID,
    values: COLUMNS.map((_, i) => (i === 0 ? -2 : 0)),
    steps: 0,
    inputs: [] as string[],
  };
  const score = (change: Partial<typeof request> = {}) =>
    ask<typeof request, ScoreResponse>(client.score.bind(client), { ...request, ...change });

  test("scores a caller's vector and publishes nothing", async () => {
    const answer = (await score()) as ScoreResponse;
    expect(answer).toMatchObject({ direction: Direction.DIRECTION_DOWN, threshold: 0.7, bundleId: bundleOf().id });
    expect(answer.probabilityUp).toBeCloseTo(1 / (1 + Math.exp(2)), 6);
    expect(await rig.signals()).toHaveLength(4);
  });

  test('refuses what it cannot score', async () => {
    expect(await score({ schemaId: 'old' })).toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining(SCHEMA_ID),
    });
    expect(await score({ values: [0] })).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await score({ steps: 2 })).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await score({ inputs: ['own_ret@1'] })).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await score({ venue: 'bitstamp' })).toMatchObject({ code: status.NOT_FOUND });
  });
});

describe('StreamSignals', () => {
  const request = StreamSignalsRequest.fromPartial({ instruments: ['BTC-USD'], horizons: ['1m'] });

  test('streams what passes the filter as it is published', async () => {
    const received: Signal[] = [];
    const stream = client.streamSignals(request);
    stream.on('error', () => undefined);
    stream.on('data', ({ signal }: StreamSignalsResponse) => received.push(signal!));
    await new Promise((resolve) => stream.once('metadata', resolve));
    rig.now = T + MINUTE;
    await appendVectors(rig.log, [vector(1, 'kraken', -3), vector(1, 'coinbase', 0.1)]);
    await until(() => received.length > 0);
    expect(received).toMatchObject([{ venue: 'kraken', t: T + MINUTE, direction: Direction.DIRECTION_DOWN }]);
    stream.cancel();
    const open = /^tributary_inference_streams\{.*\} 0$/m;
    await until(async () => open.test(await service.context.metrics.metrics()));
  });

  test('refuses a filter that names no symbol', async () => {
    const stream = client.streamSignals({ ...request, instruments: ['?'] });
    const error = await new Promise<ServiceError>((resolve) => stream.once('error', resolve));
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test('refuses a cursor that is none, of another source, or of another log', async () => {
    for (const after of ['?', 'live.0', 'sim.0-0', 'sim.zzzz']) {
      const stream = client.streamSignals({ ...request, after });
      const error = await new Promise<ServiceError>((resolve) => stream.once('error', resolve));
      expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('TRB_CURSOR') });
    }
  });
});

describe('StreamSignals over a log of its own', () => {
  const everything = StreamSignalsRequest.fromPartial({});
  let server: BareServer;
  let caller: SignalServiceClient;
  const open = async (options: Parameters<typeof startBareServer>[0] = {}): Promise<void> => {
    server = await startBareServer(options);
    caller = new SignalServiceClient(server.address, credentials.createInsecure());
  };
  afterEach(async () => {
    caller.close();
    await server.close();
  });

  /** Reads until `count` responses have come. */
  async function take(count: number, given: Partial<StreamSignalsRequest> = {}): Promise<StreamSignalsResponse[]> {
    const stream = caller.streamSignals({ ...everything, ...given });
    const responses: StreamSignalsResponse[] = [];
    await new Promise<void>((resolve, reject) => {
      stream.on('error', (error: ServiceError) => (error.code === status.CANCELLED ? resolve() : reject(error)));
      stream.on('data', (response: StreamSignalsResponse) => {
        if (responses.length < count) responses.push(response);
        if (responses.length === count) stream.cancel();
      });
    });
    return responses;
  }
  /** In both partitions, `count` each. */
  const both = (from: number, count: number): Promise<void> =>
    appendSignals(
      server.log,
      Array.from({ length: count }, (_, i) => [
        { asset: 'BTC', t: from + i, direction: Direction.DIRECTION_UP },
        { asset: 'ETH', instrument: 'ETH-USD', t: from + i, direction: Direction.DIRECTION_ABSTAIN },
      ]).flat(),
    );
  const names = (responses: readonly StreamSignalsResponse[]) =>
    responses.map(({ signal }) => `${signal!.asset} ${signal!.t}`).sort();

  test('goes on from any cursor without a hole or a repeat', async () => {
    await open();
    const first = take(6, { includeAbstentions: true });
    await both(0, 1).then(() => both(1, 2));
    const seen = await first;
    expect(names(seen)).toEqual(['BTC 0', 'BTC 1', 'BTC 2', 'ETH 0', 'ETH 1', 'ETH 2']);
    await both(3, 2_500);
    for (const cut of [1, 3, 6]) {
      const rest = await take(5_006 - cut, { includeAbstentions: true, after: seen[cut - 1]!.cursor });
      expect(names([...seen.slice(0, cut), ...rest])).toEqual(
        ['BTC', 'ETH'].flatMap((asset) => Array.from({ length: 2_503 }, (_, t) => `${asset} ${t}`)).sort(),
      );
    }
    const signals = await take(2_503, { after: seen[0]!.cursor.replace(/[^.]*$/, '0-0') });
    expect(signals.every(({ signal }) => signal?.asset === 'BTC')).toBe(true);
  });

  test('says how far it is where nothing passes the filter', async () => {
    await open();
    const waiting = take(1, { instruments: ['SOL-USD'], progressMs: 1 });
    const [progress] = await waiting;
    expect(progress!.signal).toBeUndefined();
    await both(0, 1);
    expect(names(await take(2, { after: progress!.cursor, includeAbstentions: true }))).toEqual(['BTC 0', 'ETH 0']);
  });

  test('gives everything to a caller that did not read for a while', async () => {
    await open();
    const [{ cursor }] = (await take(1, { progressMs: 1 })) as [StreamSignalsResponse];
    // More than HTTP/2 sends ahead.
    const padded = { abstainReason: 'x'.repeat(24_000), direction: Direction.DIRECTION_ABSTAIN };
    const some = Array.from({ length: 100 }, (_, t) => ({ ...padded, t }));
    const stream = caller.streamSignals({ ...everything, includeAbstentions: true, after: cursor });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('metadata', resolve));
    await appendSignals(server.log, some);
    await systemClock.sleep(200);
    const seen: number[] = [];
    stream.on('data', ({ signal }: StreamSignalsResponse) => seen.push(signal!.t));
    await until(() => seen.length === 100);
    expect(seen).toEqual(some.map(({ t }) => t));
    stream.cancel();
  });

  test('has room for so many calls and no more, whatever connection they come by; health answers all the same', async () => {
    await open({ maxCalls: 2 });
    const second = new SignalServiceClient(server.address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const ask = (of: SignalServiceClient) => {
      const stream = of.streamSignals(everything);
      const outcome = new Promise<status>((resolve) => {
        stream.once('metadata', () => resolve(status.OK));
        stream.on('error', ({ code }: ServiceError) => resolve(code));
      });
      return { stream, outcome };
    };
    const streams = [ask(caller), ask(second)];
    expect(await Promise.all(streams.map(({ outcome }) => outcome))).toEqual([status.OK, status.OK]);
    expect(await ask(second).outcome).toBe(status.RESOURCE_EXHAUSTED);
    const health = clientOf('grpc.health.v1.Health', HEALTH_PROTO, server.address);
    const answer = await new Promise((resolve, reject) => {
      health['check']!({ service: '' }, (error: Error | null, value: unknown) =>
        error === null ? resolve(value) : reject(error),
      );
    });
    expect(answer).toEqual({ status: 'SERVING' });
    streams[0]!.stream.cancel();
    await until(async () => (await ask(second).outcome) === status.OK);
    second.close();
  });
});

describe('the standard services', () => {
  test('health says SERVING', async () => {
    const Health = clientOf('grpc.health.v1.Health', HEALTH_PROTO);
    const answer = await new Promise((resolve, reject) => {
      Health['check']!({ service: 'tributary.v1.SignalService' }, (error: Error | null, value: unknown) =>
        error === null ? resolve(value) : reject(error),
      );
    });
    expect(answer).toEqual({ status: 'SERVING' });
  });

  test('reflection lists the service and hands out its file', async () => {
    const Reflection = clientOf(
      'grpc.reflection.v1.ServerReflection',
      'node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
    );
    const call = Reflection['serverReflectionInfo']!() as ClientDuplexStream<unknown, Record<string, unknown>>;
    const answers: Record<string, unknown>[] = [];
    call.on('error', () => undefined);
    call.on('data', (answer: Record<string, unknown>) => answers.push(answer));
    call.write({ listServices: '' });
    call.write({ fileContainingSymbol: 'tributary.v1.SignalService' });
    await until(() => answers.length === 2);
    call.cancel();
    expect(JSON.stringify(answers[0])).toContain('tributary.v1.SignalService');
    expect(answers[1]).toHaveProperty('fileDescriptorResponse');
  });

  test('a port in use is said so', async () => {
    const port = Number(address.split(':')[1]);
    await expect(startBareServer({ port })).rejects.toMatchObject({ code: 'TRB_PORT_IN_USE' });
  });
});

/** A client without generated code, by name. */
function clientOf(service: string, proto: string, at = address): Record<string, (...args: unknown[]) => unknown> {
  const definition = loadSync(proto, { longs: Number, enums: String })[service] as ServiceDefinition;
  const GenericClient = makeGenericClientConstructor(definition, service);
  const generic = new GenericClient(at, credentials.createInsecure());
  opened.push(generic);
  return generic as unknown as Record<string, (...args: unknown[]) => unknown>;
}
