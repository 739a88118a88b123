/** The fast lane live: what the service writes, over restarts, is what the backtest's fold gives; and it costs the slow lane nothing. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAST_LANE, foldAll, SLOW_LANE } from '#libs/features/checks/lane.ts';
import { differences } from '#libs/features/checks/parity.ts';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { append, PARTITIONS, readVectors, runUntilFolded } from './testing/folding.ts';

const ticks: readonly Tick[] = [
  ...tickFileToTicks(
    generateTickRows({
      start: Date.UTC(2024, 4, 1),
      seconds: 150,
      listings: [
        { venue: 'coinbase', quote: 'USD' },
        { venue: 'okx', quote: 'USDT' },
      ],
      seed: 3,
    }),
  ),
];

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'features-fast-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('both lanes write over restarts what one offline fold of the same log gives, bit for bit', async () => {
  const log = await openEmbeddedLog({ path: join(directory, 'restarts'), partitions: PARTITIONS });
  let written = 0;
  for (const [index, part] of [0.3, 0.31, 0.7, 1].entries()) {
    const end = Math.floor(ticks.length * part);
    await append(log, ticks.slice(written, end));
    written = end;
    await runUntilFolded(log, { lanes: ['slow', 'fast'], snapshotEveryMs: index === 0 ? 600_000 : 100 });
  }
  const vectors = await readVectors(log);
  await log.close();
  const of = (lane: string) => vectors.filter((vector) => vector.lane === lane);
  const fast = foldAll(ticks, FAST_LANE);
  expect(fast.length).toBeGreaterThan(300);
  expect(differences(fast, of('fast'), FAST_LANE.columns)).toEqual([]);
  expect(differences(foldAll(ticks, SLOW_LANE), of('slow'))).toEqual([]);
  expect(vectors).toHaveLength(of('fast').length + of('slow').length);
}, 60_000);

test('opted out again and in again, it goes on from its snapshot and misses no event', async () => {
  const log = await openEmbeddedLog({ path: join(directory, 'lanes'), partitions: PARTITIONS });
  const [first, second] = [0.6, 0.7].map((part) => Math.floor(ticks.length * part)) as [number, number];
  await append(log, ticks.slice(0, first));
  await runUntilFolded(log, { lanes: ['slow', 'fast'], snapshotEveryMs: 100 });
  await append(log, ticks.slice(first, second));
  await runUntilFolded(log, { lanes: ['slow'], snapshotEveryMs: 100 });
  await append(log, ticks.slice(second));
  await runUntilFolded(log, { lanes: ['slow', 'fast'], snapshotEveryMs: 100 });
  const vectors = await readVectors(log);
  await log.close();
  const off = { from: ticks[first]!.receiveTime / 1000, to: ticks[second]!.receiveTime / 1000 };
  const isOn = ({ t }: { readonly t: number }): boolean => t < off.from || t > off.to + 1000;
  const expected = foldAll(ticks, FAST_LANE).filter(isOn);
  const made = vectors.filter((vector) => vector.lane === 'fast' && isOn(vector));
  expect(made.length).toBeGreaterThan(100);
  expect(differences(expected, made, FAST_LANE.columns)).toEqual([]);
  expect(
    differences(
      foldAll(ticks, SLOW_LANE),
      vectors.filter(({ lane }) => lane === 'slow'),
    ),
  ).toEqual([]);
}, 60_000);
