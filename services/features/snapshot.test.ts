/** Snapshots larger than a record may be, and what is left of them when a part is gone. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFold, type FoldState } from '#libs/features/fold.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { FeatureState } from '#libs/wire/tributary/v1/features.ts';
import { loadSnapshot, snapshotRecords } from './snapshot.ts';

/** What brokers take by default. */
const LARGEST_RECORD = 1_000_000;

let path: string;
let log: EventLog;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tributary-snapshot-'));
  log = await openEmbeddedLog({ path, partitions: 1 });
});
afterEach(async () => {
  await log.close();
  await rm(path, { recursive: true });
});

/** Serialised in several chunks. */
const large = (fill: number): FoldState & { readonly filling: Uint8Array } => ({
  ...createFold(),
  filling: new Uint8Array(1_700_000).fill(fill),
});

test('a state larger than a record comes back as it was, each record below what brokers take', async () => {
  const records = snapshotRecords('slow', large(1), 0, 10);
  expect(records.length).toBeGreaterThan(3);
  expect(Math.max(...records.map(({ value }) => value.length))).toBeLessThan(LARGEST_RECORD);
  await log.append(records);
  await log.append(snapshotRecords('slow', large(2), 0, 20));
  expect(await loadSnapshot(log, 'slow', 0)).toEqual({ state: large(2), offset: 20 });
});

test.each([
  ['its first', 0],
  ['a middle', 1],
  ['its last', 3],
])('a snapshot without %s chunk is none, though compaction has left that of the one before it', async (_which, gone) => {
  await log.append(snapshotRecords('slow', large(1), 0, 10));
  await log.append(snapshotRecords('slow', large(2), 0, 20).filter((_, chunk) => chunk !== gone));
  expect(await loadSnapshot(log, 'slow', 0)).toBeUndefined();
});

test('one of another version is none', async () => {
  await log.append(snapshotRecords('slow', large(1), 0, 10));
  const another = snapshotRecords('slow', large(2), 0, 20).map((record) => ({
    ...record,
    value: FeatureState.encode({ ...FeatureState.decode(record.value), stateVersion: 'another' }).finish(),
  }));
  await log.append(another);
  expect(await loadSnapshot(log, 'slow', 0)).toBeUndefined();
});
