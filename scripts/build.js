/**
 * Bundles the command line into build/, from where bin/tributary.js starts in a third of the time: what a service is in an image, and how the
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

await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'services/cli/main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [anchored],
});
