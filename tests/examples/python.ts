/** Python for the examples: an environment with the packages of a requirements file, made once (minutes: hundreds of megabytes). */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '#tests/cache.ts';

const run = promisify(execFile);
/** A registry may be slow, and two of these suites fetch at once. */
export const LONGEST_INSTALL_MS = 1_800_000;

/** Path of the environment's Python; its programs are run as modules, since it is made elsewhere and moved. */
export async function pythonWith(requirements: string): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const place = await cached(`python-${basename(dirname(requirements))}-${hash}`, async (folder) => {
    try {
      await run('python3', ['-m', 'venv', folder]);
      await run(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    } catch (cause) {
      throw new Error(`pip install -r ${requirements} failed: it needs Python 3.11 or later with venv, and a package index.`, {
        cause,
      });
    }
  });
  return join(place, 'bin/python');
}
