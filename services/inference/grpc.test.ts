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
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Direction,
  type GetSignalResponse,
  type ScoreResponse,
  type Signal,
  SignalServiceClient,
  type StreamSignalsResponse,
} from '#libs/wire/tributary/v1/signals.ts';
import { systemClock } from '#libs/clock/clock.ts';
import { SignalFeed } from './feed.ts';
import { startSignalServer } from './grpc.ts';
import { inferenceMetrics } from './metrics.ts';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { appendVectors, bundleOf, COLUMNS, MINUTE, openRig, type Rig, SCHEMA_ID, T, until, vector } from './testing/market.ts';

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
  const request = { instruments: ['BTC-USD'], venues: [], horizons: ['1m'], includeAbstentions: false };

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

  test('cuts off a caller that does not read', async () => {
    const stop = new AbortController();
    const feed = new SignalFeed();
    const server = await startSignalServer(
      {
        port: 0,
        feed,
        scoring: { schemaId: '', columns: 0, model: () => Promise.resolve(undefined), windowBefore: () => undefined },
        metrics: inferenceMetrics(createMetrics()),
        maxQueued: 16,
        clock: systemClock,
      },
      stop.signal,
    );
    const slow = new SignalServiceClient(server.address, credentials.createInsecure());
    const stream = slow.streamSignals({ ...request, includeAbstentions: true });
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
    await new Promise((resolve) => stream.once('metadata', resolve));
    const signal = (await rig.signals())[0]!;
    for (let t = 0; t < 5_000; t++) feed.publish({ ...signal, t });
    stream.resume();
    expect(await ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    slow.close();
    stop.abort();
    await server.closed;
  });
});

describe('the standard services', () => {
  test('health says SERVING', async () => {
    const Health = clientOf('grpc.health.v1.Health', 'node_modules/grpc-health-check/proto/health/v1/health.proto');
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
    const options = {
      port,
      feed: new SignalFeed(),
      scoring: { schemaId: '', columns: 0, model: () => Promise.resolve(undefined), windowBefore: () => undefined },
    };
    const metrics = inferenceMetrics(createMetrics());
    await expect(
      startSignalServer({ ...options, clock: systemClock, metrics }, new AbortController().signal),
    ).rejects.toMatchObject({
      code: 'TRB_PORT_IN_USE',
    });
  });
});

/** A client without generated code, by name. */
function clientOf(service: string, proto: string): Record<string, (...args: unknown[]) => unknown> {
  const definition = loadSync(proto, { longs: Number, enums: String })[service] as ServiceDefinition;
  const GenericClient = makeGenericClientConstructor(definition, service);
  const generic = new GenericClient(address, credentials.createInsecure());
  opened.push(generic);
  return generic as unknown as Record<string, (...args: unknown[]) => unknown>;
}
