/**
 * One broker for all suites of a Jest run: the first suite that needs it starts it, the run's end (`teardown.ts`) stops it. A keeper
 * process (`scripts/kafka.js`) holds it and stops it too when the run dies without a word.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, test } from '@jest/globals';
import { missingForBroker } from './broker.ts';

const STARTED_WITHIN = 180_000;

/** What the keeper writes when the broker answers. */
export interface Announcement {
  readonly brokers: readonly string[];
  readonly keeper: number;
  readonly error?: string;
}

/** Addresses of `KAFKA_BROKERS`, or of the run's own broker, started if it is not there yet. */
export async function sharedBroker(): Promise<readonly string[]> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined && given !== '') return given.split(',');
  const folder = process.env['TRIBUTARY_TEST_RUN'];
  if (folder === undefined) throw new Error('TRIBUTARY_TEST_RUN is not set: run the tests by `npm test`');
  const file = join(folder, 'broker.json');
  if (isFirst(folder)) startKeeper(file);
  const begin = Date.now();
  while (!existsSync(file)) {
    await delay(50);
    if (Date.now() - begin > STARTED_WITHIN) throw new Error('The shared broker did not come up');
  }
  const { brokers, error } = JSON.parse(readFileSync(file, 'utf8')) as Announcement;
  if (error !== undefined) throw new Error(error);
  return brokers;
}

/** A suite that needs Kafka: left out by name where there is no broker to be had, which in CI is a failure. */
export function describeWithKafka(name: string, suite: () => void): void {
  const isGiven = (process.env['KAFKA_BROKERS'] ?? '') !== '';
  const missing = isGiven ? undefined : missingForBroker();
  if (missing === undefined) {
    describe(name, suite);
    return;
  }
  const notice = `${name} is left out: ${missing} (or set KAFKA_BROKERS)`;
  if (process.env['CI'] === 'true') {
    test(name, () => {
      throw new Error(notice);
    });
    return;
  }
  process.stderr.write(`${notice}\n`);
  test.todo(notice);
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'broker'));
    return true;
  } catch {
    return false;
  }
}

function startKeeper(file: string): void {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'kafka.js');
  const owner = process.env['TRIBUTARY_TEST_RUN_PID']!;
  spawn(process.execPath, [script, '--announce', file, '--owner', owner], { detached: true, stdio: 'ignore' }).unref();
}
