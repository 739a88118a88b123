/** What becomes of a part of the one process that fails. */
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { TributaryError } from '#libs/errors/errors.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { supervise } from './supervise.ts';

/** Time that passes by sleeping only; `pauses` are the sleeps. */
function contextOf() {
  let time = 0;
  const pauses: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    time += ms;
    pauses.push(ms);
    return Promise.resolve();
  };
  const context: ServiceContext = {
    log: {} as EventLog, // a supervisor has no use for it
    clock: { now: () => time, nowMicros: () => time * 1000, sleep },
    logger: createLogger({ level: 'silent' }),
    metrics: new Registry(),
    health: new Health(),
    source: 'sim',
  };
  return { context, pauses, pass: (ms: number): void => void (time += ms) };
}

test('a part that fails by accident starts again after pauses that grow to 30 s, and is not ready meanwhile', async () => {
  const { context, pauses } = contextOf();
  const seen: boolean[] = [];
  let runs = 0;
  await supervise(
    'part',
    context,
    () => {
      seen.push(context.health.parts()['part']?.ready ?? true);
      return ++runs <= 9 ? Promise.reject(new Error('an accident')) : Promise.resolve();
    },
    new AbortController().signal,
  );
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(seen).toEqual([true, ...Array<boolean>(9).fill(false)]);
});

test('one that ran well for more than a minute begins with the first pause again', async () => {
  const { context, pauses, pass } = contextOf();
  let runs = 0;
  const run = (): Promise<void> => {
    runs++;
    if (runs === 3) pass(60_001);
    return runs <= 3 ? Promise.reject(new Error('an accident')) : Promise.resolve();
  };
  await supervise('part', context, run, new AbortController().signal);
  expect(pauses).toEqual([500, 1_000, 500]);
});

test('what trying again cannot mend is thrown; what it can is not', async () => {
  const { context, pauses } = contextOf();
  const failures = [
    new TributaryError('TRB_LOG_UNAVAILABLE', 'away', { canRetry: true }),
    new TributaryError('TRB_DATA_DIR', 'no'),
  ];
  const run = (): Promise<void> => Promise.reject(failures.shift()!);
  await expect(supervise('part', context, run, new AbortController().signal)).rejects.toMatchObject({ code: 'TRB_DATA_DIR' });
  expect(pauses).toEqual([500]);
});

test('once it is told to stop, a failure is the end', async () => {
  const { context, pauses } = contextOf();
  const stop = new AbortController();
  await supervise(
    'part',
    context,
    () => {
      stop.abort();
      return Promise.reject(new Error('torn away'));
    },
    stop.signal,
  );
  expect(pauses).toEqual([]);
});
