/** Recorded market data for tests: not part of the repository, so tests that need it say when it is absent. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = process.env['TRIBUTARY_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data');

/** Path of a file in the folder TRIBUTARY_DATA (default: shared/data beside the repository); undefined, with a notice, when absent. */
export function sharedData(name: string): string | undefined {
  const path = join(FOLDER, name);
  if (existsSync(path)) return path;
  process.stderr.write(`not run on recorded data: ${path} is absent (set TRIBUTARY_DATA)\n`);
  return undefined;
}
