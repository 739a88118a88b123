/**
 * What docker/trainer-gpu stages, without an engine: TensorFlow for a GPU in a folder of its own (475 MB, fetched once into the cache), and what
 * training says where no GPU is in use.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE } from '#tests/cache.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const cache = join(CACHE, 'trainer-gpu');
/** No GPU is seen, whatever the machine has. */
const env = { ...process.env, TRIBUTARY_CACHE: cache, CUDA_VISIBLE_DEVICES: '-1' };

beforeAll(() => run(process.execPath, [join(ROOT, 'scripts/stage-tensorflow.js'), '--gpu'], { env }), 900_000);

test('it is staged once, and not in the place of another one', async () => {
  const again = await run(process.execPath, [join(ROOT, 'scripts/stage-tensorflow.js'), '--gpu'], { env });
  expect(again.stdout).toContain(`TensorFlow is staged in ${cache}`);
  const taken = mkdtempSync(join(tmpdir(), 'tributary-staged-'));
  try {
    mkdirSync(join(taken, basename(again.stdout.trim())));
    const refused = run(process.execPath, [join(ROOT, 'scripts/stage-tensorflow.js'), '--gpu'], {
      env: { ...env, TRIBUTARY_CACHE: taken },
    });
    await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('another one is in') });
  } finally {
    rmSync(taken, { recursive: true });
  }
});

test('training on a GPU that is not in use fails before it begins', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-trainer-gpu-'));
  const args = ['train', '--history', 'none.csv', '--out', join(folder, 'bundle.json'), '--key', join(folder, 'operator.pem')];
  try {
    const failed = run(process.execPath, [join(ROOT, 'bin/tributary.js'), ...args, '--models', 'all', '--device', 'gpu'], {
      env,
    });
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TensorFlow: (Could not find|failed call).*TRB_TENSORFLOW_GPU/),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
