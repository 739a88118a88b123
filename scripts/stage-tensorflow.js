/**
 * Stages TensorFlow for training: `node scripts/stage-tensorflow.js` puts @tensorflow/tfjs-node, built against the library inside the PyPI wheel
 * of tensorflow-cpu, into a folder of its own outside the repository (TRIBUTARY_CACHE, default ~/.cache/tributary), since the package's
 * own install step downloads from elsewhere. Once, about two minutes; needs Linux on x64, Python with pip, g++ and make. `--gpu` takes the
 * wheel that uses an NVIDIA GPU where CUDA 12.2 and cuDNN 8 are installed (docker/trainer-gpu), and the CPU elsewhere.
 */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const TFJS = '4.22.0';
const NODE_GYP = '12.4.0';
const WHEELS = {
  cpu: ['tensorflow-cpu==2.15.1', '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26'],
  gpu: ['tensorflow==2.15.1', 'bb0edd69103c154245c5f209f0507355cc68ba7e4de350084bc31edc562478e4'],
};
const [WHEEL, WHEEL_SHA256] = WHEELS[process.argv.includes('--gpu') ? 'gpu' : 'cpu'];
/** Of the wheel: the library and the headers of its C interface. */
const UNPACK = `
import sys, zipfile
wheel, to = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        if name.startswith('tensorflow/libtensorflow_') or (name.startswith('tensorflow/include/') and name.endswith(('.h', '.inc'))):
            archive.extract(name, to)
`;

const cache = process.env['TRIBUTARY_CACHE'] ?? join(homedir(), '.cache', 'tributary');
// services/training/deep/tensorflow.ts looks for it under this name.
const place = join(cache, `tfjs-node-${TFJS}`);
const label = join(place, WHEEL);
if (existsSync(place)) {
  // Those staged before there were two have no label and are for the CPU.
  if (process.argv.includes('--gpu') && !existsSync(label))
    fail(`another one is in ${place}: set TRIBUTARY_CACHE to another folder`);
  console.log(`TensorFlow is staged in ${place}`);
  process.exit(0);
}
if (process.platform !== 'linux' || process.arch !== 'x64')
  fail(`the wheel is for linux x64, this is ${process.platform} ${process.arch}`);

mkdirSync(cache, { recursive: true });
const work = mkdtempSync(join(cache, 'tfjs-node-part-'));
const failure = await stage().catch((error) => error);
rmSync(work, { recursive: true, force: true });
if (failure !== undefined) fail(failure.message);

async function stage() {
  step('fetching the library');
  const platform = ['--no-deps', '--only-binary=:all:', '--python-version', '3.11', '--platform', 'manylinux2014_x86_64'];
  run('python3', ['-m', 'pip', 'download', '--quiet', ...platform, '--dest', join(work, 'wheel'), WHEEL]);
  const wheel = join(work, 'wheel', readdirSync(join(work, 'wheel'))[0]);
  const hash = createHash('sha256');
  await pipeline(createReadStream(wheel), hash);
  const found = hash.digest('hex');
  if (found !== WHEEL_SHA256) throw new Error(`the wheel has SHA-256 ${found}, not ${WHEEL_SHA256}`);
  run('python3', ['-c', UNPACK, wheel, work]);

  step('fetching tfjs-node');
  const staged = join(work, 'staged');
  const exact = [`@tensorflow/tfjs-node@${TFJS}`, `node-gyp@${NODE_GYP}`];
  mkdirSync(staged);
  run('npm', ['install', '--prefix', staged, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...exact]);

  step('building its binding');
  const module = join(staged, 'node_modules', '@tensorflow', 'tfjs-node');
  const lib = join(module, 'deps', 'lib');
  mkdirSync(lib, { recursive: true });
  for (const [from, to] of [
    ['libtensorflow_cc.so.2', 'libtensorflow.so.2'],
    ['libtensorflow_framework.so.2', 'libtensorflow_framework.so.2'],
  ]) {
    renameSync(join(work, 'tensorflow', from), join(lib, to));
    symlinkSync(to, join(lib, to.slice(0, -2)));
  }
  // The library is found by the name that it was linked under.
  symlinkSync('libtensorflow.so.2', join(lib, 'libtensorflow_cc.so.2'));
  renameSync(join(work, 'tensorflow', 'include'), join(module, 'deps', 'include'));
  const headers = dirname(dirname(process.execPath));
  const nodeDir = existsSync(join(headers, 'include', 'node', 'node_api.h')) ? [`--nodedir=${headers}`] : [];
  const gyp = join(staged, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const names = ['--module_name=tfjs_binding', `--module_path=${join(module, 'lib', 'napi-v8')}`, '--napi_build_version=8'];
  run(process.execPath, [gyp, 'rebuild', '--silent', ...nodeDir, ...names], module);
  for (const part of ['build', join('deps', 'include')]) rmSync(join(module, part), { recursive: true });

  step('trying it');
  const attempt = `const tf = require(${JSON.stringify(module)}); if (tf.getBackend() !== 'tensorflow') throw new Error(tf.getBackend())`;
  run(process.execPath, ['-e', attempt]);
  writeFileSync(join(staged, WHEEL), '');
  renameSync(staged, place);
  console.log(`TensorFlow is staged in ${place}`);
}

function run(command, args, cwd) {
  try {
    execFileSync(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    });
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
    throw new Error(`${command} failed: ${said || error.message}`, { cause: error });
  }
}

function step(what) {
  console.log(`${what} ...`);
}

function fail(why) {
  console.error(`TensorFlow was not staged: ${why}.\nTrees and logistic regression train without it.`);
  process.exit(1);
}
