/**
 * docker/trainer-gpu without an engine: TensorFlow for a GPU in a folder of its own (475 MB, fetched once into the cache), by the script alone as the
 * image has it; then training from what docker/build.sh lays out, as nobody, on files that nobody can write.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { openBundle } from '#libs/models/signature.ts';
import { trustIn } from '#libs/registry/operator-key.ts';
import { CACHE } from '#tests/cache.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const cache = join(CACHE, 'trainer-gpu');
/** No GPU is seen, whatever the machine has. */
const env = { ...process.env, TRIBUTARY_CACHE: cache, CUDA_VISIBLE_DEVICES: '-1' };
/** Only root can become somebody else. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_532, gid: 65_532 } : {};
/** Of Ubuntu 22.04, on which the image runs. */
const GLIBC = 35;

let folder: string;
/** The one file that the image stages with. */
let script: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-trainer-gpu-'));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'source'));
  script = join(folder, 'source', 'stage-tensorflow.js');
  copyFileSync(join(ROOT, 'scripts/stage-tensorflow.js'), script);
  await run(process.execPath, [script, '--gpu'], { env });
}, 900_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('it is staged once, and not in the place of another one', async () => {
  const again = await run(process.execPath, [script, '--gpu'], { env });
  expect(again.stdout).toContain(`TensorFlow is staged in ${cache}`);
  const taken = join(folder, 'taken');
  mkdirSync(join(taken, basename(again.stdout.trim())), { recursive: true });
  const refused = run(process.execPath, [script, '--gpu'], { env: { ...env, TRIBUTARY_CACHE: taken } });
  await expect(refused).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('another one is in') });
});

describe('training from the layout of the image', () => {
  let [app, staged, work] = ['', '', ''];

  beforeAll(async () => {
    [app, staged, work] = [join(folder, 'app'), join(folder, 'opt'), join(folder, 'work')];
    await run('sh', [join(ROOT, 'docker/build.sh'), app]);
    // Where nobody may look; by links, where that is one file system.
    await run('sh', ['-c', 'cp -rl "$1" "$2" || { rm -rf "$2"; cp -r "$1" "$2"; }', 'sh', cache, staged]);
    mkdirSync(work);
    if (NOBODY.uid !== undefined) chownSync(work, NOBODY.uid, NOBODY.gid);
    writeFileSync(join(folder, 'candles.csv'), candles(600));
  }, 600_000);

  /** As the image would: its environment, its user, and nothing to write but a volume. */
  function train(device: string): Promise<{ readonly stdout: string }> {
    const given = [
      '--history',
      join(folder, 'candles.csv'),
      '--models',
      'all',
      '--quick',
      '--horizons',
      '1m',
      '--device',
      device,
    ];
    const written = ['--out', join(work, `${device}.json`), '--key', join(work, 'operator.pem')];
    const environment = { PATH: process.env['PATH'], NODE_ENV: 'production', TSX_DISABLE_CACHE: '1', TRIBUTARY_CACHE: staged };
    return run(process.execPath, ['bin/tributary.js', 'train', ...given, ...written], {
      ...{ cwd: app, ...NOBODY },
      env: { ...environment, CUDA_CACHE_PATH: work, CUDA_VISIBLE_DEVICES: '-1' },
    });
  }

  test('on a GPU that is not in use it fails before it begins', async () => {
    await expect(train('gpu')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/TensorFlow: (Could not find|failed call).*TRB_TENSORFLOW_GPU/),
    });
    expect(existsSync(join(work, 'gpu.json'))).toBe(false);
  }, 120_000);

  test('with the same library it trains networks where the CPU is asked for', async () => {
    await train('cpu');
    const { networks } = openBundle(readFileSync(join(work, 'cpu.json')), trustIn(join(work, 'operator.pem'))());
    expect(networks?.map(({ name }) => name)).toEqual(['lstm', 'transformer']);
  }, 300_000);

  test('nothing that came built wants a newer C library than the image has', async () => {
    const built = [app, staged].flatMap((top) =>
      readdirSync(top, { recursive: true })
        .map((name) => join(top, String(name)))
        .filter(
          (path) => /linux.*x64|libtensorflow/.test(path) && /\.(node|so)(\.[\d.]+)?$/.test(path) && lstatSync(path).isFile(),
        ),
    );
    expect(built.map((path) => basename(path)).join()).toMatch(/onnxruntime.*libtensorflow/);
    const wanted = await Promise.all(
      built.map(async (path) => {
        const { stdout } = await run('readelf', ['--version-info', '--wide', path], { maxBuffer: 1 << 28 });
        const minors = [...stdout.matchAll(/Name: GLIBC_2\.(\d+)/g)].map((found) => Number(found[1]));
        return [basename(path), Math.max(0, ...minors)] as const;
      }),
    );
    expect(wanted.some(([, minor]) => minor > 0)).toBe(true);
    expect(wanted.filter(([, minor]) => minor > GLIBC)).toEqual([]);
  }, 120_000);
});

/** Minutes of a price that goes around a circle, unevenly. */
function candles(minutes: number): string {
  const price = (minute: number): number => 30_000 + 50 * Math.sin(minute / 9) + 10 * Math.sin(minute * minute);
  const lines = Array.from({ length: minutes }, (_, minute) => {
    const ts = new Date(Date.parse('2024-05-01T00:00:00Z') + minute * 60_000).toISOString();
    const [open, close] = [price(minute - 1), price(minute)].map((each) => each.toFixed(2));
    const [high, low] = [Math.max(Number(open), Number(close)) + 1, Math.min(Number(open), Number(close)) - 1];
    return `${ts},coinbase,BTC-USD,${open!},${high},${low},${close!},${1 + (minute % 7)},5`;
  });
  return `${['ts,venue,symbol,open,high,low,close,volume,trades', ...lines].join('\n')}\n`;
}
