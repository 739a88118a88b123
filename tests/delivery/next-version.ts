/** The services as their next version would be, with another layout of the fold's state, so that no snapshot of before fits. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE_VERSION } from '#libs/features/state.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Beside build/, from where the bundle finds the files that it needs. */
const NEXT = join(ROOT, 'build-next');
const VERSION = `STATE_VERSION = ${JSON.stringify(STATE_VERSION)}`;

/** Path of its binary. */
export function buildNextVersion(): string {
  rmSync(NEXT, { recursive: true, force: true });
  cpSync(join(ROOT, 'build'), NEXT, { recursive: true });
  const chunk = readdirSync(NEXT)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(NEXT, name))
    .find((path) => readFileSync(path, 'utf8').includes(VERSION));
  if (chunk === undefined) throw new Error('the bundle has no such version of the state of the fold');
  writeFileSync(chunk, readFileSync(chunk, 'utf8').replace(VERSION, 'STATE_VERSION = "next"'));
  const binary = join(NEXT, 'tributary.js');
  writeFileSync(binary, `import { main } from './main.js';\nawait main(process.argv.slice(2));\n`);
  return binary;
}
