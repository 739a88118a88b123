/** The services as their next version would be, with another layout of the fold's state, so that no snapshot of before fits. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATE_VERSION } from '#libs/features/state.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Beside build/, from where the bundle finds the files that it needs. */
const NEXT = join(ROOT, 'build-next');
const BUNDLE = join(ROOT, 'build', 'main.cjs');
/** A name that the bundle has twice gets a number. */
const VERSION = new RegExp(`(// libs/features/state\\.ts\n[^]*?\\bSTATE_VERSION\\d* = )"${STATE_VERSION}"`);

/** Path of its binary. */
export function buildNextVersion(): string {
  rmSync(NEXT, { recursive: true, force: true });
  mkdirSync(NEXT);
  const bundle = readFileSync(BUNDLE, 'utf8');
  if (!VERSION.test(bundle)) throw new Error('the bundle has no such version of the state of the fold');
  writeFileSync(join(NEXT, 'main.cjs'), bundle.replace(VERSION, '$1"next"'));
  const binary = join(NEXT, 'tributary.cjs');
  writeFileSync(binary, "void require('./main.cjs').main(process.argv.slice(2));\n");
  return binary;
}
