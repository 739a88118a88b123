/** What tests and suites fetch once, in folders outside the repository (`TRIBUTARY_CACHE`). */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const CACHE = process.env['TRIBUTARY_CACHE'] ?? join(homedir(), '.cache', 'tributary');

/** Folder `name` of the cache; made by `make` beside it and moved there whole, so that what is cut short leaves nothing behind. */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const place = join(CACHE, name);
  if (existsSync(place)) return place;
  mkdirSync(dirname(place), { recursive: true });
  const work = mkdtempSync(join(dirname(place), 'fetch-'));
  try {
    await make(work);
    renameSync(work, place);
  } catch (thrown) {
    rmSync(work, { recursive: true, force: true });
    // Somebody else made it meanwhile.
    if (!existsSync(place)) throw thrown;
  }
  return place;
}
