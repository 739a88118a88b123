/** Jest's globalTeardown: stops the broker that the suites shared, if one of them started it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Announcement } from './shared.ts';

const STOPPED_WITHIN = 10_000;

export default async function teardown(): Promise<void> {
  const folder = process.env['TRIBUTARY_TEST_RUN'];
  if (folder === undefined) return;
  const file = join(folder, 'broker.json');
  if (existsSync(file)) {
    const { keeper } = JSON.parse(readFileSync(file, 'utf8')) as Announcement;
    const begin = Date.now();
    if (isAlive(keeper)) process.kill(keeper, 'SIGTERM');
    while (isAlive(keeper) && Date.now() - begin < STOPPED_WITHIN) await delay(50);
  }
  rmSync(folder, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
