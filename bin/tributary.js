#!/usr/bin/env node
/**
 * The one binary. The code runs from its TypeScript source, whose types tsx strips as files are loaded; or from build/, in a
 * fraction of the time, where that was made from these very sources (`npm run build`).
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLE, loadBundle } from './bundle.js';

const root = join(import.meta.dirname, '..');

const { main } = isCurrent() ? loadBundle().exports : await fromSources();
await main(process.argv.slice(2));

async function fromSources() {
  const { register } = await import('tsx/esm/api');
  register();
  return import('../services/cli/main.ts');
}

/** Whether the bundle is there and no source is newer. */
function isCurrent() {
  const made = statSync(BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return made > 0 && ['libs', 'services'].every((folder) => newest(join(root, folder)) <= made);
}

function newest(folder) {
  const sources = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return Math.max(...sources.map((name) => statSync(join(folder, name)).mtimeMs));
}
