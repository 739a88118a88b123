/** `tributary store migrate`, as a deployment runs it before the services start. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

test('no two migrations have the same number', async () => {
  const numbers = (await readdir(join(ROOT, 'libs/store/migrations'))).map((name) => name.slice(0, 4));
  expect(numbers.filter((number, k) => numbers.indexOf(number) !== k)).toEqual([]);
});

test('runs every migration once and says which', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-migrate-'));
  const migrate = () =>
    run(process.execPath, [join(ROOT, 'bin/tributary.js'), 'store', 'migrate', '--store', join(directory, 'store')]);
  try {
    const names = (await readdir(join(ROOT, 'libs/store/migrations'))).filter((name) => name.endsWith('.sql')).sort();
    expect((await migrate()).stdout).toBe(`${names.join('\n')}\n`);
    expect((await migrate()).stdout).toBe('nothing to change\n');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);
