import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldAll } from '#libs/features/checks/lane.ts';
import { differences } from '#libs/features/checks/parity.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type FeaturesOptions } from './service.ts';
import { ageSnapshots, append, market, PARTITIONS, readVectors, runUntilFolded } from './testing/folding.ts';

const ticks = market(60, 6);
const history = ticks.filter((_, index) => index < ticks.findIndex(({ event }) => event?.$case === 'heartbeat'));
const live = ticks.slice(history.length);

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'features-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('the feature service on a real log', () => {
  test('writes over restarts what one offline fold of the same log gives, each key once', async () => {
    const log = await openEmbeddedLog({ path: join(directory, 'restarts'), partitions: PARTITIONS });
    const parts = [0.3, 0.31, 0.7, 1].map((part) => Math.floor(ticks.length * part));
    let written = 0;
    for (const [index, end] of parts.entries()) {
      await append(log, ticks.slice(written, end));
      written = end;
      // The first run stores its state with its first commit only: the second has most of it to replay without a word.
      await runUntilFolded(log, { snapshotEveryMs: index === 0 ? 600_000 : 100 });
    }
    const vectors = await readVectors(log);
    expect(new Set(vectors.map(({ venue, instrument, t }) => `${venue}:${instrument}:${t}`)).size).toBe(vectors.length);
    expect(differences(foldAll(ticks), vectors)).toEqual([]);
    await log.close();
  }, 60_000);

  test('rebuilds from the log where the snapshots are of another version, each key once', async () => {
    const log = await openEmbeddedLog({ path: join(directory, 'versions'), partitions: PARTITIONS });
    const half = ticks.length >> 1;
    await append(log, ticks.slice(0, half));
    await runUntilFolded(log, {});
    await ageSnapshots(log);
    await append(log, ticks.slice(half));
    await runUntilFolded(log, {});
    const vectors = await readVectors(log);
    expect(new Set(vectors.map(({ venue, instrument, t }) => `${venue}:${instrument}:${t}`)).size).toBe(vectors.length);
    expect(differences(foldAll(ticks), vectors)).toEqual([]);
    await log.close();
  }, 60_000);

  // The ticks are years old: for a live service that is a long stop, after which history counts only where it tells more.
  test.each([
    ['goes on from the snapshot without it', 'replay' as const, 1],
    ['after a long stop goes on from the snapshot where history is older', 'sim' as const, 2],
  ])(
    'folds history before the first live event, emits its last minutes, and %s',
    async (_, source, times) => {
      const log = await openEmbeddedLog({ path: join(directory, `history-${source}`), partitions: PARTITIONS });
      let reads = 0;
      const options: FeaturesOptions = {
        historyMinutes: 10,
        history: async function* () {
          reads++;
          yield* history;
          await Promise.resolve();
        },
      };
      await append(log, live.slice(0, live.length >> 1));
      await runUntilFolded(log, options, source);
      await append(log, live.slice(live.length >> 1));
      await runUntilFolded(log, options, source);
      const end = Date.UTC(2024, 2, 1) + 60 * 60_000;
      const expected = foldAll(ticks).filter(({ t }) => t > end - 10 * 60_000);
      expect(differences(expected, await readVectors(log))).toEqual([]);
      expect(reads).toBe(times);
      await log.close();
    },
    60_000,
  );

  test('passes over what it cannot read, and says so', async () => {
    const log = await openEmbeddedLog({ path: join(directory, 'unreadable'), partitions: PARTITIONS });
    await log.append([{ topic: 'ticks', key: 'BTC', value: new Uint8Array([255, 255, 255]) }]);
    await append(log, history);
    await runUntilFolded(log, {});
    const letters: string[] = [];
    for await (const batch of log.read('dead-letter', 0)) letters.push(...batch.records.map(({ key }) => key));
    expect(letters).toEqual(['BTC']);
    expect(differences(foldAll(history), await readVectors(log))).toEqual([]);
    await log.close();
  }, 60_000);
});
