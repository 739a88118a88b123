/**
 * A hand-made network as a bundle brings it: scored as the arithmetic says, and refused with anything in it that is not a network of ours.
 * @jest-environment ./tests/onnx/environment.js
 */
import { describe, expect, test } from '@jest/globals';
import { type AttributeProto, ModelProto, type NodeProto, TensorProto, type ValueInfoProto } from '../../wire/onnx/v1/onnx.ts';
import { type Bundle, encodeBundle, loadBundle, sealBundle } from '../bundle.ts';
import { combine, VOTE } from '../ensemble.ts';
import { sigmoid } from '../logistic.ts';
import { createScorer } from '../scorer.ts';
import { type VectorTable } from '../vector-table.ts';
import { checkOnnx } from './onnx-check.ts';
import { FLOAT, INPUT, INT64, IR_VERSION, OPSET, OUTPUT } from './onnx.ts';
import { scoreWindows } from './score-windows.ts';
import { sourcesOf } from './windows.ts';

const STEPS = 3;
const COLUMNS = ['later@1', 'a@1', 'b@1'];
const SCALER = { mean: [1, 0], deviation: [2, 1] };

describe('a network', () => {
  test('scores a window: standardised, clipped, missing values and vectors as 0', async () => {
    const scorer = createScorer(loadBundle(encodeBundle(makeBundle())), COLUMNS);
    expect(scorer.lags).toBe(STEPS - 1);
    await scorer.open();
    const window = [[9, 3, 1], undefined, [9, Number.NaN, 100]];
    const opinions = await scorer.consult('kraken', 'BTC-USD', window);
    // a: (3 - 1) / 2 and two that are missing; b: 1, missing, and 100 clipped to 4. The head has output 1, which is b's.
    const b = sigmoid(1 + 4);
    expect(opinions?.[0]?.[0]).toBeCloseTo(sigmoid(1), 6);
    const score = scorer.score('kraken', 'BTC-USD', '1m', window, opinions);
    expect(score?.probabilityUp).toBeCloseTo(0.25 * b + 0.75 * 0.5, 6);
    // Not consulted, it says nothing; another instrument has no network to ask.
    expect(scorer.score('kraken', 'BTC-USD', '1m', window)).toBeUndefined();
    expect(scorer.consult('kraken', 'ETH-USD', window)).toBeUndefined();
    await scorer.close();
  });

  describe('without a vote', () => {
    const window = [[9, 3, 1], undefined, [9, Number.NaN, 100]];
    const silent = { ...makeBundle().heads[0]!, members: weighing(0, 1) };

    test('is not run, and the answer is the one it had no part in', async () => {
      // Never opened, it would throw.
      const scorer = createScorer({ ...makeBundle(), heads: [silent] }, COLUMNS);
      expect(scorer.consult('kraken', 'BTC-USD', window)).toBeUndefined();
      expect(scorer.score('kraken', 'BTC-USD', '1m', window)?.probabilityUp).toBe(0.5);
      const asked = createScorer(makeBundle(), COLUMNS);
      await expect(asked.consult('kraken', 'BTC-USD', window)).rejects.toThrow('not open');
    });

    test.each<[string, Partial<Bundle['heads'][number]>]>([
      ['another horizon hears it', { horizon: '5m', members: weighing(0.5, 0.5) }],
      ['nobody has a vote, so all are equal', { members: weighing(0, 0) }],
      ['the majority is asked', { combination: { kind: 'majority' } }],
      ['members are stacked', { combination: { kind: 'stacking', weights: [0, 1], intercept: 0 } }],
    ])('is run where %s', async (_name, change) => {
      const heads = change.horizon === undefined ? [{ ...silent, ...change }] : [silent, { ...silent, ...change }];
      const scorer = createScorer({ ...makeBundle(), heads }, COLUMNS);
      await scorer.open();
      const opinions = await scorer.consult('kraken', 'BTC-USD', window);
      expect(opinions?.[0]?.[1]).toBeCloseTo(sigmoid(1 + 4), 6);
      expect(scorer.score('kraken', 'BTC-USD', change.horizon ?? '1m', window)).toBeUndefined();
      const { combination, members } = { ...silent, ...change };
      const said = [opinions![0]![1]!, 0.5];
      const weights = members.map(({ weight }) => weight);
      expect(scorer.score('kraken', 'BTC-USD', change.horizon ?? '1m', window, opinions)?.probabilityUp).toBe(
        combine(combination ?? VOTE, said, weights),
      );
      await scorer.close();
    });
  });

  test('scores rows of a table as it does their windows, across a gap too', async () => {
    const t = Float64Array.of(0, 1, 2, 4, 5).map((minute) => minute * 60_000);
    const values = Float32Array.from([0, 1, 0.1, 0, 3, 0.2, 0, 1, 0.3, 0, 3, 0.4, 0, 1, 0.5]);
    const table: VectorTable = { venue: 'kraken', instrument: 'BTC-USD', columns: COLUMNS, t, values };
    const model = { kind: 'network', steps: STEPS, outputs: 2, scaler: SCALER, onnx: encode(makeModel()) } as const;
    const inputs = [
      { feature: 'a@1', lag: 0 },
      { feature: 'b@1', lag: 0 },
    ];
    const [first, second] = await scoreWindows(model, inputs, table, Int32Array.of(2, 4));
    expect(first![0]).toBeCloseTo(sigmoid(0 + 1 + 0), 6);
    expect(second![0]).toBeCloseTo(sigmoid(0.1 + 0.2 + 0.3), 6);
    // Minute 3 is not there.
    expect(second![1]).toBeCloseTo(sigmoid(0.4 + 0.5), 6);
  });

  test.each<[string, (model: ModelProto) => Uint8Array]>([
    ['no ONNX file', () => Buffer.from('#!/bin/sh')],
    ['a reference to a file elsewhere', (model) => withExternalData(model)],
    ['functions', (model) => Buffer.concat([encode(model), Uint8Array.of((25 << 3) | 2, 1, 2, 0)])],
    ['an operator of its own', (model) => encode(withNode(model, { opType: 'RunThis' }))],
    ['a loop', (model) => encode(withNode(model, { opType: 'Loop' }))],
    ['a domain of its own', (model) => encode({ ...model, opsetImport: [{ domain: 'com.example', version: OPSET }] })],
    ['another version', (model) => encode({ ...model, irVersion: 9 })],
    ['other inputs', (model) => encode({ ...model, graph: { ...model.graph!, input: [] } })],
    ['a constant cut short', (model) => encode(withConstant(model, { rawData: new Uint8Array(4) }))],
  ])('with %s is refused', (_name, change) => {
    expect(() => checkOnnx(encode(makeModel()))).not.toThrow();
    expect(() => checkOnnx(change(makeModel()))).toThrow(expect.objectContaining({ code: 'TRB_BUNDLE_NETWORK' }));
    const bundle = makeBundle(change(makeModel()));
    expect(() => loadBundle(encodeBundle(bundle))).toThrow(expect.objectContaining({ code: 'TRB_BUNDLE_NETWORK' }));
  });

  test('that does not fit the bundle is refused', () => {
    const of = (change: object): Bundle => ({ ...makeBundle(), networks: [{ ...makeBundle().networks![0]!, ...change }] });
    for (const change of [{ outputs: 1 }, { inputs: [0] }, { inputs: [0, 7] }, { scaler: { mean: [0], deviation: [1] } }]) {
      expect(() => loadBundle(encodeBundle(of(change)))).toThrow(expect.objectContaining({ code: 'TRB_BUNDLE_INVALID' }));
    }
  });
});

test('sources are the venues, the rates and the rest', () => {
  const names = [
    ...['own_ret@1', 'leg_ret.coinbase_usd@1', 'rate_ret.kraken_usdt_usd@1', 'leg_clv.coinbase_eur@1'],
    ...['leg_ret.kraken_usd@1', 'spread.kraken_usd@1', 'rsi_14.1m@1'],
  ];
  const sources = sourcesOf(names.map((feature) => ({ feature, lag: 0 })));
  expect(sources).toEqual([[0, 6], [1, 3], [2], [4, 5]]);
});

/** [steps, batch, 2] -> sigmoid of the sum over steps, [batch, 2]. */
function makeModel(): ModelProto {
  const axes = TensorProto.fromPartial({ name: 'axes', dims: [1], dataType: INT64, rawData: new Uint8Array(8) });
  const node = (opType: string, input: string[], output: string, attribute: AttributeProto[] = []): NodeProto => ({
    ...{ name: output, opType, input, output: [output], attribute, domain: '' },
  });
  return {
    irVersion: IR_VERSION,
    producerName: 'test',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: 'test',
      node: [
        node('ReduceSum', [INPUT, 'axes'], 'sum'),
        node('Squeeze', ['sum', 'axes'], 'flat'),
        node('Sigmoid', ['flat'], OUTPUT),
      ],
      initializer: [axes],
      input: [value(INPUT, ['steps', 'batch', 'inputs'])],
      output: [value(OUTPUT, ['batch', 'outputs'])],
    },
  };
}

function value(name: string, names: readonly string[]): ValueInfoProto {
  const dim = names.map((dimParam) => ({ value: { $case: 'dimParam' as const, value: dimParam } }));
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } };
}

function encode(model: ModelProto): Uint8Array {
  return ModelProto.encode(model).finish();
}

function withNode(model: ModelProto, change: Partial<NodeProto>): ModelProto {
  const [first, ...others] = model.graph!.node;
  return { ...model, graph: { ...model.graph!, node: [{ ...first!, ...change }, ...others] } };
}

function withConstant(model: ModelProto, change: Partial<TensorProto>): ModelProto {
  return { ...model, graph: { ...model.graph!, initializer: [{ ...model.graph!.initializer[0]!, ...change }] } };
}

/** Appends a second graph field whose constant lies in a file: data_location EXTERNAL (14 = 1), external_data (13) location. */
function withExternalData(model: ModelProto): Uint8Array {
  const text = (field: number, content: Uint8Array): Uint8Array =>
    Buffer.concat([Uint8Array.of((field << 3) | 2, content.length), content]);
  const entry = Buffer.concat([text(1, Buffer.from('location')), text(2, Buffer.from('../../etc/passwd'))]);
  const tensor = Buffer.concat([text(8, Buffer.from('far')), text(13, entry), Uint8Array.of(14 << 3, 1)]);
  return Buffer.concat([encode(model), text(7, text(5, tensor))]);
}

/** The network's second output, and a regression that says one half. */
function weighing(network: number, regression: number): Bundle['heads'][number]['members'] {
  return [
    { weight: network, model: { kind: 'network', network: 0, output: 1 } },
    { weight: regression, model: { kind: 'logistic', scaler: { mean: [], deviation: [] }, weights: [], intercept: 0 } },
  ];
}

function makeBundle(onnx = encode(makeModel())): Bundle {
  return sealBundle({
    ...{ target: 'entry', lane: 'slow', seed: 1, trained: { from: 0, to: 1 }, inputs: ['a@1', 'b@1'] },
    networks: [
      { name: 'lstm', steps: STEPS, inputs: [0, 1], scaler: SCALER, outputs: 2, onnx: Buffer.from(onnx).toString('base64') },
    ],
    heads: [
      {
        ...{ venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', inputs: [], threshold: 0.7, silenced: '' },
        members: weighing(0.25, 0.75),
        calibration: { kind: 'identity' },
        metrics: { trained: 0, outOfFold: 0, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null },
      },
    ],
  });
}
