#!/usr/bin/env node
/**
 * The one binary. The code runs from its TypeScript source, whose types tsx strips as files are loaded; or from build/, three times as
 * quickly, where that was made from these very sources (`npm run build`).
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bundle = join(root, 'build', 'main.js');

if (isCurrent()) {
  process.setSourceMapsEnabled(true);
  await run(bundle);
} else {
  const { register } = await import('tsx/esm/api');
  register();
  await run('../services/cli/main.ts');
}

async function run(module) {
  const { main } = await import(module);
  await main(process.argv.slice(2));
}

/** Whether the bundle is there and no source is newer. */
function isCurrent() {
  const made = statSync(bundle, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return made > 0 && ['libs', 'services'].every((folder) => newest(join(root, folder)) <= made);
}

function newest(folder) {
  const sources = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));
  return Math.max(...sources.map((name) => statSync(join(folder, name)).mtimeMs));
}
