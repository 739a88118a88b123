/**
 * Bundles the command line into build/, from where bin/tributary.js starts in a fraction of the time: what a service is in an image, and how the
 * delivery suite runs it. Whoever changes a source afterwards runs from the sources again.
 */
import { readFile, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const outdir = join(root, 'build');

/** Files that a module finds by its own place stay where they are. */
const anchored = {
  name: 'anchored',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const place = JSON.stringify(relative(outdir, path));
      const contents = source
        .replaceAll(/import\.meta\.url\b/g, () => `new URL(${place}, import.meta.url).href`)
        .replaceAll(
          /import\.meta\.dirname\b/g,
          () => `(import.meta.dirname + '/' + ${JSON.stringify(relative(outdir, join(path, '..')))})`,
        );
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
/** Packages of CommonJS expect these. */
const COMMON_JS = `
import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);
const [__filename, __dirname] = [new URL(import.meta.url).pathname, import.meta.dirname];`;

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'services/cli/main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  banner: { js: COMMON_JS.trim() },
  sourcemap: true,
  // Places, not texts: maps are read at every start.
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [packages, anchored],
});
