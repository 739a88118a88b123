/**
 * Bundles the command line into build/, from where bin/tributary.js starts in a fraction of the time: what a service is in an image, and how the
 * delivery suite runs it. Whoever changes a source afterwards runs from the sources again.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { BUNDLE, COMPILED, loadBundle } from '../bin/bundle.js';

const root = resolve(import.meta.dirname, '..');
const outdir = dirname(BUNDLE);

/** Files that a module finds by its own place stay where they are. */
const anchored = {
  name: 'anchored',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const at = (place) => `(__dirname + '/' + ${JSON.stringify(relative(outdir, place))})`;
      const contents = source
        .replaceAll(/import\.meta\.url\b/g, () => `require('node:url').pathToFileURL${at(path)}.href`)
        .replaceAll(/import\.meta\.dirname\b/g, () => at(dirname(path)));
      return { contents, loader: 'ts' };
    });
  },
};

/**
 * Packages of plain JavaScript that every service loads, and what they are made of: hundreds of small files otherwise. The others stay where they
 * are: native ones, and those that read files of their own.
 */
const BUNDLED = [
  '@bufbuild/protobuf',
  '@clickhouse/client',
  'commander',
  'hyparquet',
  'hyparquet-compressors',
  'kafkajs',
  'pino',
  'prom-client',
  'ws',
  'zod',
];
const packages = {
  name: 'packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^.#/]/ }, ({ path, importer }) => {
      const isOurs = !importer.includes('/node_modules/');
      return isOurs && !BUNDLED.some((name) => path === name || path.startsWith(`${name}/`))
        ? { path, external: true }
        : undefined;
    });
  },
};

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'services/cli/main.ts')],
  outfile: BUNDLE,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'ascii',
  sourcemap: true,
  // Places, not texts.
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [packages, anchored],
});

// All of them loaded, what runs before a command does anything is compiled.
const { script, exports } = loadBundle();
await exports.createProgram();
await writeFile(COMPILED, script.createCachedData());
