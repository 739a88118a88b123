/**
 * A model that was not trained here in the fallback slot: an ONNX file or an endpoint decides where no champion does, runs in shadow elsewhere,
 * and where it fails the decision says so.
 * @jest-environment ./tests/onnx/environment.js
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { externalFromManifest, externalFromUrl, type External } from '#libs/models/external/external.ts';
import { cleanOnnx } from '#libs/models/external/onnx-predictor.ts';
import { ModelProto } from '#libs/wire/onnx/v1/onnx.ts';
import { Direction } from '#libs/wire/tributary/v1/signals.ts';
import { appendVectors, bundleOf, COLUMNS, MINUTE, openRig, type Rig, T, until, vector } from './testing/market.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(() => rig.close());

const HORIZONS = ['1m', '5m'] as const;
const MANIFEST = {
  name: 'v6',
  onnx: 'v6.onnx',
  inputs: COLUMNS.slice(0, 2),
  window: 2,
  missing: 0,
  instruments: ['kraken:BTC-USD'],
  horizons: ['1m'],
  threshold: 0.7,
};

/** A window of two vectors of two inputs, flat -> sigmoid of (first input now + 10 times the one before). */
function network(): ModelProto {
  const floats = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
  const shape = (...dims: number[]) => ({
    tensorType: { elemType: 1, shape: { dim: dims.map((value) => ({ value: { $case: 'dimValue' as const, value } })) } },
  });
  return ModelProto.fromPartial({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'v6',
      node: [
        { opType: 'MatMul', input: ['x', 'w'], output: ['z'] },
        { opType: 'Sigmoid', input: ['z'], output: ['p'] },
      ],
      initializer: [{ name: 'w', dims: [4, 1], dataType: 1, rawData: floats([10, 0, 1, 0]) }],
      input: [{ name: 'x', type: shape(1, 4) }],
      output: [{ name: 'p', type: shape(1, 1) }],
    },
  });
}

const external = (change: object = {}, model = network()): Promise<External> =>
  externalFromManifest(JSON.stringify({ ...MANIFEST, shape: 'flat', ...change }), () =>
    Promise.resolve(ModelProto.encode(model).finish()),
  );

/** What the service says on Kraken at minutes 0 and 1. */
async function said(): Promise<string[]> {
  rig.now = T + MINUTE + 20;
  await appendVectors(rig.log, [vector(0, 'kraken', 0.2), vector(1, 'kraken', 1)]);
  const service = rig.start({ horizons: HORIZONS, modelWaitMs: 20, staleMs: 10 * MINUTE });
  await until(async () => (await rig.signals()).length === 4);
  const metrics = await service.context.metrics.metrics();
  await service.stop();
  for (const slot of ['fallback', 'champion']) {
    const refused = new RegExp(`bundles_refused_total\\{slot="${slot}",source="sim"\\} ([1-9])`).exec(metrics);
    if (refused !== null) return [`${slot} refused`];
  }
  return (await rig.signals())
    .filter(({ horizon }) => horizon === '1m')
    .map(({ slot, direction, abstainReason }) => `${slot} ${abstainReason === '' ? direction : abstainReason}`);
}

describe('an ONNX file', () => {
  test('decides where there is no champion, on its own window and threshold', async () => {
    const model = await external();
    await rig.publishExternal(model);
    expect(await said()).toEqual(['fallback warm_up', `fallback ${Direction.DIRECTION_UP}`]);
    const [signal] = (await rig.signals()).filter(({ t, horizon }) => t > T && horizon === '1m');
    expect(signal).toMatchObject({ bundleId: model.id, threshold: 0.7, shadow: false });
    expect(signal!.probabilityUp).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
  });

  test('runs in shadow beside a champion', async () => {
    await rig.publish(bundleOf());
    const model = await external();
    await rig.publishExternal(model);
    expect(await said()).toEqual(['champion below_threshold', `champion ${Direction.DIRECTION_UP}`]);
    // At 5 m neither has a head, and the shadow is of what could have spoken.
    expect((await rig.shadows()).map(({ slot, horizon, bundleId }) => [slot, horizon, bundleId])).toEqual([
      ['fallback', '1m', model.id],
      ['fallback', '1m', model.id],
    ]);
  });

  test('is refused by name where a feature is not live at that version, and where it does not fit its manifest', async () => {
    await rig.publishExternal(await external({ inputs: ['not_there@9', COLUMNS[0]] }));
    expect(await said()).toEqual(['fallback refused']);
    await rig.publishExternal(await external({ window: 3 }));
    const service = rig.start({ horizons: HORIZONS, modelWaitMs: 20 });
    await appendVectors(rig.log, [vector(2, 'kraken', 1)]);
    await until(async () =>
      (await service.context.metrics.metrics()).includes('bundles_refused_total{slot="fallback",source="sim"} 1'),
    );
    await service.stop();
  });

  test.each([
    ['operators of others', (model: ModelProto) => (model.graph!.node[0]!.domain = 'com.example'), 'com.example'],
    ['a loop', (model: ModelProto) => (model.graph!.node[0]!.opType = 'Loop'), 'Loop'],
    ['weights in another file', (model: ModelProto) => (model.graph!.initializer[0]!.rawData = new Uint8Array()), 'not in it'],
  ])('with %s is refused', (_name, change, said) => {
    const model = network();
    change(model);
    expect(() => cleanOnnx(ModelProto.encode(model).finish())).toThrow(
      expect.objectContaining({ code: 'TRB_PREDICTOR_NETWORK', message: expect.stringContaining(said) }),
    );
  });

  test('keeps nothing but operators and constants', () => {
    const bytes = ModelProto.encode(network()).finish();
    // Field 25 of a model: functions of its own.
    const more = Buffer.concat([bytes, Buffer.from([0xca, 0x01, 0x02, 0x0a, 0x00])]);
    expect(Buffer.compare(cleanOnnx(more), bytes)).toBe(0);
  });
});

describe('an endpoint', () => {
  test('that speaks Score decides: here another Tributary', async () => {
    const other = await openRig();
    try {
      await other.publish(bundleOf());
      const endpoint = other.start({ grpcPort: 0, horizons: HORIZONS });
      const address = `grpc://${await endpoint.address}`;
      // The longest deadline: a slow machine is not what is looked at here.
      const patient = { name: 'other', grpc: address, horizons: ['1m'], deadlineMs: 5_000 };
      await rig.publishExternal(await externalFromManifest(JSON.stringify(patient), () => Promise.reject(new Error('no file'))));
      expect(await said()).toEqual(['fallback below_threshold', `fallback ${Direction.DIRECTION_UP}`]);
      expect((await rig.signals()).find(({ t, horizon }) => t > T && horizon === '1m')).toMatchObject({
        threshold: 0.7,
        t: T + MINUTE,
      });
      await endpoint.stop();
    } finally {
      await other.close();
    }
  });

  test('that is not there is a stated abstention', async () => {
    await rig.publishExternal(externalFromUrl('grpc://127.0.0.1:1'));
    expect(await said()).toEqual(['fallback model_failed', 'fallback model_failed']);
  });
});

test.each([
  ['neither file nor endpoint', { onnx: undefined }, 'either onnx or grpc'],
  ['a feature without version', { inputs: ['own_ret'] }, 'name@version'],
  ['no threshold', { threshold: undefined }, 'threshold'],
  ['a field that nobody knows', { script: 'x' }, 'script'],
])('a manifest with %s is refused', async (_name, change, fault) => {
  await expect(external(change)).rejects.toMatchObject({
    code: 'TRB_PREDICTOR_MANIFEST',
    message: expect.stringContaining(fault),
  });
});
