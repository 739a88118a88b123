import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openEmbeddedLog } from '../log/embedded.ts';
import { type EventLog, type LogRecord } from '../log/port.ts';
import { seekBack } from './readback.ts';

/** Every tenth record says its place, the others nothing. */
const RECORDS = 20_000;
let directory: string;
let log: EventLog;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-readback-'));
  log = await openEmbeddedLog({ path: directory, partitions: 1 });
  const value = (i: number): Uint8Array => Buffer.from(i % 10 === 0 ? String(i) : '');
  await log.append(Array.from({ length: RECORDS }, (_, i) => ({ topic: 'ticks', key: '', value: value(i) })));
});

afterAll(async () => {
  await log.close();
  await rm(directory, { recursive: true });
});

test.each([0, 1, 10, 11, 5_000, 12_345, 19_000, 19_990, RECORDS])(
  'finds where %i begins, and not far before it',
  async (wanted) => {
    const { begin, end } = await log.bounds('ticks', 0);
    const isEarlier = ({ value }: LogRecord): boolean | undefined => (value.length === 0 ? undefined : Number(value) < wanted);
    const found = (await seekBack(log, 'ticks', 0, end, isEarlier)) - begin;
    expect(found).toBeLessThanOrEqual(Math.min(wanted, RECORDS - 1));
    expect(found).toBeGreaterThanOrEqual(0);
    // An eighth of what follows, what says nothing, and the first step.
    expect(wanted - found).toBeLessThanOrEqual((RECORDS - wanted) / 8 + 10 + 256);
  },
);
