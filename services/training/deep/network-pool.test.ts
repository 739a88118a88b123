/** A fit that is killed goes on from its last epoch, to the same bits as one that was not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '#libs/models/random.ts';
import { type VectorTable } from '#libs/models/vector-table.ts';
import { createNetworkPool, type NetworkJob } from './network-pool.ts';
import { isTensorflowStaged } from './tensorflow.ts';

const EPOCHS = 6;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-networks-'));
});
afterAll(() => rm(folder, { recursive: true }));

if (!isTensorflowStaged()) {
  test('without TensorFlow a pool says what to run', () => {
    expect(() => createNetworkPool([], { threads: 1 })).toThrow(
      expect.objectContaining({ code: 'TRB_TENSORFLOW_MISSING', hint: expect.stringContaining('scripts/stage-tensorflow.js') }),
    );
  });
} else {
  test('kill -9 loses at most one epoch', async () => {
    const table = makeTable();
    const checkpoint = join(folder, 'network.checkpoint');
    const killed = createNetworkPool([table], { threads: 1 });
    const seen: number[] = [];
    const fit = killed.fit(0, job({ checkpoint }), (done) => {
      seen.push(done);
      if (done === 3) process.kill(killed.pid, 'SIGKILL');
    });
    await expect(fit).rejects.toMatchObject({ code: 'TRB_TRAINING_FAILED', canRetry: true });
    await killed.close();

    const pool = createNetworkPool([table], { threads: 1 });
    const later: number[] = [];
    const resumed = await pool.fit(0, job({ checkpoint }), (done) => later.push(done));
    expect(later.length).toBeLessThanOrEqual(EPOCHS - seen.length);
    expect(later.at(-1)).toBe(EPOCHS);
    const whole = await pool.fit(0, job({}));
    expect(Buffer.compare(Buffer.from(resumed.model.onnx), Buffer.from(whole.model.onnx))).toBe(0);
    // Done, it is not done again; and another fit does not take the file for its own.
    const asked: number[] = [];
    const again = await pool.fit(0, job({ checkpoint }), (done) => asked.push(done));
    expect(asked).toEqual([]);
    expect(again.parameters).toEqual(whole.parameters);
    await pool.fit(0, { ...job({ checkpoint }), rows: job({}).rows.map((row) => row + 1) }, (done) => asked.push(done));
    expect(asked.at(-1)).toBe(EPOCHS);
    await pool.close();
  });

  test('a GPU that is asked for and not there is said, not replaced', async () => {
    const pool = createNetworkPool([makeTable()], { threads: 1, device: 'gpu' });
    await expect(pool.ready()).rejects.toMatchObject({ code: 'TRB_TENSORFLOW_GPU' });
    await expect(pool.fit(0, job({}))).rejects.toMatchObject({ code: 'TRB_TENSORFLOW_GPU' });
    await pool.close();
  });
}

function job(change: { readonly checkpoint?: string }): NetworkJob {
  const random = createRandom(2);
  const rows = Int32Array.from({ length: 200 }, (_, i) => i + 4);
  return {
    rows,
    outcomes: [{ up: Uint8Array.from(rows, () => Number(random.next() < 0.5)), size: new Float64Array(200).fill(1) }],
    options: {
      architecture: { kind: 'lstm', layers: 1, width: 4, dropout: 0.2, pooling: 'attention' },
      ...{ steps: 3, inputs: 2, epochs: EPOCHS, patience: EPOCHS, batch: 64, learningRate: 0.01, l2: 1e-4 },
      ...{ validationShare: 0.2, purgeMs: 60_000, seed: 5, ...change },
    },
  };
}

function makeTable(): VectorTable {
  const random = createRandom(3);
  const values = Float32Array.from({ length: 230 * 2 }, () => random.next() - 0.5);
  const t = Float64Array.from({ length: 230 }, (_, row) => row * 60_000);
  return { venue: 'kraken', instrument: 'BTC-USD', columns: ['own_ret@1', 'own_clv@1'], t, values };
}
