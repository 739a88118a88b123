/** The fold begins anew on a log that has lost its head: what retention took comes back out of the archive. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { foldAll, keyOf } from '#libs/features/checks/lane.ts';
import { differences } from '#libs/features/checks/parity.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Source } from '#libs/service/service.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { type FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { archiveTicks } from '#services/archive/testing/archive-all.ts';
import { describeWithKafka, sharedBroker } from '#tests/kafka/shared.ts';
import { ageSnapshots, append, market, PARTITIONS, readVectors, runUntilFolded } from './testing/folding.ts';

const ticks = market(20, 4);
const [third, most] = [0.3, 0.6].map((part) => Math.floor(ticks.length * part)) as [number, number];
const whole = foldAll(ticks);

let folder: string;
let paths = 0;
const path = (): string => join(folder, String(paths++));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-rebuild-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Ticks at the end that no mark of a transaction follows: nobody reads past such a mark. */
const PLAIN = 100;

/** A log, written in transactions, as the clock does. */
interface Subject {
  log: EventLog;
  readonly write: (from: number, to: number) => Promise<void>;
  /** As retention does. */
  readonly cut: () => Promise<void>;
}

function subjectOf(log: EventLog, cut: (subject: Subject) => Promise<void>): Subject {
  let offset = 0;
  const subject: Subject = {
    log,
    write: async (from, to) => {
      const last = Math.max(from, to - PLAIN);
      await append(subject.log, ticks.slice(from, last), (outputs) =>
        subject.log.commit({ group: 'clock', topic: 'models', partition: 0, offset: ++offset, outputs }),
      );
      await append(subject.log, ticks.slice(last, to));
    },
    cut: () => cut(subject),
  };
  return subject;
}

/** Retention leaves the newest block of each partition. */
async function embedded(): Promise<Subject> {
  const options = { path: path(), partitions: PARTITIONS };
  return subjectOf(await openEmbeddedLog(options), async (subject) => {
    await subject.log.close();
    const clock = { ...systemClock, now: () => Date.now() + 10_000 };
    const cutting = await openEmbeddedLog({ ...options, clock, retention: { ticks: 1 } });
    for (let partition = 0; partition < PARTITIONS; partition++)
      while ((await cutting.bounds('ticks', partition)).begin === 0) await systemClock.sleep(5);
    await cutting.close();
    subject.log = await openEmbeddedLog(options);
  });
}

/** What is there before the head of the log is cut, snapshots above all. */
type Before = (subject: Subject) => Promise<void>;
const none: Before = ({ write }) => write(0, most);
const another: Before = async ({ log, write }) => {
  await write(0, most);
  await runUntilFolded(log, {});
  await ageSnapshots(log);
};
const old: Before = async ({ log, write }) => {
  await write(0, third);
  await runUntilFolded(log, {});
  await write(third, most);
};

/** What the service makes of the rest of the log when its head has been archived and cut. */
async function rebuilt(
  subject: Subject,
  before: Before,
  archive: ((path: string) => Promise<Store>) | undefined,
): Promise<readonly FeatureVector[]> {
  await before(subject);
  const store = await openStore({ path: path() });
  const archived = join(folder, String(paths - 1));
  await archiveTicks(subject.log, store, 'replay');
  await store.close();
  await subject.cut();
  for (let partition = 0; partition < PARTITIONS; partition++)
    expect((await subject.log.bounds('ticks', partition)).begin).toBeGreaterThan(0);
  await subject.write(most, ticks.length);
  try {
    await runUntilFolded(subject.log, archive === undefined ? {} : { archive: () => archive(archived) });
    return await readVectors(subject.log);
  } finally {
    await subject.log.close();
  }
}

/** Against the fold of every tick there ever was: all that is there, each once, and all since the cut. */
function expectWhole(vectors: readonly FeatureVector[]): void {
  const keys = new Set(vectors.map(keyOf));
  expect(keys.size).toBe(vectors.length);
  expect(
    differences(
      whole.filter((vector) => keys.has(keyOf(vector))),
      vectors,
    ),
  ).toEqual([]);
  const made = foldAll(ticks.slice(0, most)).length;
  expect(whole.slice(made).filter((vector) => !keys.has(keyOf(vector)))).toEqual([]);
}

const keptOpen = (store: Store): Store => ({
  ...{ insert: store.insert.bind(store), query: store.query.bind(store), execute: store.execute.bind(store) },
  ...{ stream: store.stream.bind(store), close: () => Promise.resolve() },
});
const open = (path: string): Promise<Store> => openStore({ path });

describe('on the embedded log', () => {
  test.each([
    ['the snapshots are of another version', another],
    ['there are none', none],
    ['they end before the log begins', old],
  ])('%s', async (_name, before) => expectWhole(await rebuilt(await embedded(), before, open)), 60_000);

  test('without the archive the columns that look back further than the log are other ones', async () => {
    const vectors = await rebuilt(await embedded(), another, undefined);
    expect(differences(whole, vectors)).not.toEqual([]);
  }, 60_000);

  test('an archive that is away is waited for, and one that is cut off in mid-answer is asked for the rest', async () => {
    let attempts = 0;
    let isCut = false;
    const vectors = await rebuilt(await embedded(), another, async (path) => {
      if (++attempts === 1) return openStore({ url: 'http://127.0.0.1:1' });
      const store = await openStore({ path });
      return {
        ...keptOpen(store),
        close: () => store.close(),
        async *stream(...asked) {
          for await (const rows of store.stream(...asked)) {
            if (isCut) yield rows;
            else {
              isCut = true;
              yield rows.slice(0, rows.length >> 1);
              throw new TributaryError('TRB_STORE_UNAVAILABLE', 'cut', { canRetry: true });
            }
          }
        },
      };
    });
    expect({ attempts, isCut }).toEqual({ attempts: 2, isCut: true });
    expectWhole(vectors);
  }, 60_000);

  test('what neither has is said: the archive is of another source, lost a part, or stopped too early', async () => {
    const subject = await embedded();
    await subject.write(0, third);
    const store = await openStore({ path: path() });
    await archiveTicks(subject.log, store, 'replay');
    await subject.write(third, most);
    await subject.cut();
    const run = (source: Source) => runUntilFolded(subject.log, { archive: () => Promise.resolve(keptOpen(store)) }, source);
    const hint = expect.stringContaining('--rebuild-from');
    await expect(run('replay')).rejects.toMatchObject({ code: 'TRB_ARCHIVE_HOLE', hint });
    await archiveTicks(subject.log, store, 'replay');
    await expect(run('replay')).rejects.toMatchObject({ code: 'TRB_ARCHIVE_HOLE', hint });
    await expect(run('live')).rejects.toMatchObject({ code: 'TRB_STORE_SOURCE' });
    await subject.log.close();
    await store.close();
  }, 60_000);
});

describeWithKafka('on Kafka', () => {
  test('there are no snapshots', async () => {
    const brokers = [...(await sharedBroker())];
    const topicPrefix = `rebuild-${randomUUID()}.`;
    await applyTopics({ brokers, topicPrefix, partitions: PARTITIONS, replicationFactor: 1 });
    const log = await openKafkaLog({ brokers, topicPrefix });
    const subject = subjectOf(log, async () => {
      const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      const topic = `${topicPrefix}ticks`;
      // This also is what tells kafkajs of the topic.
      const offsets = await admin.fetchTopicOffsets(topic);
      const partitions = offsets.map(({ partition, high }) => ({ partition, offset: String(Math.floor(Number(high) * 0.9)) }));
      await admin.deleteTopicRecords({ topic, partitions }).finally(() => admin.disconnect());
    });
    expectWhole(await rebuilt(subject, none, open));
  }, 240_000);
});
