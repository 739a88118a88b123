/** Streams over a real log: what a cursor means, for a stream and for pages. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../clock/clock.ts';
import { openEmbeddedLog } from '../log/embedded.ts';
import { type EventLog } from '../log/port.ts';
import { Direction, Signal } from '../wire/tributary/v1/signals.ts';
import { SignalFeed, type StreamOptions } from './feed.ts';

let directory: string;
let log: EventLog;
let stop: AbortController;
const following: Promise<void>[] = [];
const everything: StreamOptions = { wanted: () => true, progressMs: 0 };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-feed-'));
  log = await openEmbeddedLog({ path: directory, partitions: 4 });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await Promise.all(following.splice(0));
  await log.close();
  await rm(directory, { recursive: true });
});

async function feedOver(back = 1_000): Promise<SignalFeed> {
  const feed = new SignalFeed({ log, clock: systemClock, source: 'sim' });
  following.push(feed.follow(stop.signal, back));
  await feed.ready;
  return feed;
}

const ASSETS = ['BTC', 'ETH', 'SOL', 'XRP', 'ADA'];

/** For each asset the decisions of `from` up to `to`. */
async function publish(from: number, to: number): Promise<void> {
  const minutes = Array.from({ length: to - from }, (_, i) => from + i);
  const signals = minutes.flatMap((t) =>
    ASSETS.map((asset) =>
      Signal.fromPartial({
        asset,
        instrument: `${asset}-USD`,
        venue: 'kraken',
        horizon: '1m',
        t,
        direction: Direction.DIRECTION_UP,
      }),
    ),
  );
  await log.append(signals.map((each) => ({ topic: 'signals', key: each.asset, value: Signal.encode(each).finish() })));
}

async function take(feed: SignalFeed, count: number, after: string | undefined, options = everything) {
  const ended = new AbortController();
  const taken: { name: string; cursor: string }[] = [];
  for await (const { signal, cursor } of await feed.open(after, options, ended.signal)) {
    taken.push({ name: signal === undefined ? '' : `${signal.asset} ${signal.t}`, cursor });
    if (taken.length === count) ended.abort();
  }
  return taken;
}

test('a stream that goes on from the cursor of any item gives the rest, each asset in order; another instance does too', async () => {
  const feed = await feedOver();
  const start = feed.cursor();
  await publish(0, 40);
  const all = await take(feed, 200, start);
  expect(new Set(all.map(({ name }) => name)).size).toBe(200);
  for (const asset of ASSETS) {
    const times = all.filter(({ name }) => name.startsWith(asset)).map(({ name }) => Number(name.split(' ')[1]));
    expect(times).toEqual(Array.from({ length: 40 }, (_, t) => t));
  }
  // Its memory reaches back three decisions a partition: the rest it reads from the log.
  const other = await feedOver(3);
  for (const cut of [1, 57, 123, 199]) {
    const expected = all
      .slice(cut)
      .map(({ name }) => name)
      .sort();
    for (const from of [feed, other]) {
      const rest = await take(from, 200 - cut, all[cut - 1]!.cursor);
      expect(rest.map(({ name }) => name).sort()).toEqual(expected);
    }
  }
});

test('pages end where the next begins, whatever is wanted of them', async () => {
  await publish(0, 30);
  const feed = await feedOver(2);
  const names: string[] = [];
  let cursor = 'sim.0-0-0-0';
  for (;;) {
    const page = await feed.page(cursor, ({ t }) => t % 2 === 0, 7);
    names.push(...page.signals.map(({ asset, t }) => `${asset} ${t}`));
    cursor = page.cursor;
    if (page.signals.length < 7) break;
  }
  expect(new Set(names).size).toBe(75);
  expect(names).toHaveLength(75);
  expect(cursor).toBe(feed.cursor());
});

test('a stream says how far it is where nothing is wanted, and that cursor misses nothing', async () => {
  const feed = await feedOver();
  const start = feed.cursor();
  await publish(0, 5);
  const [progress] = await take(feed, 1, start, { wanted: () => false, progressMs: 20 });
  expect(progress!.name).toBe('');
  expect(progress!.cursor).toBe(feed.cursor());
});

test('a cursor that is none is refused, and one that the log has lost is said to be so', async () => {
  await publish(0, 1);
  const feed = await feedOver();
  for (const wrong of ['', 'sim', 'sim.', 'sim.0', 'live.0-0-0-0', 'sim.0-0-0-zzz', 'sim.0-0-0-0 ', 'sim.-1-0-0-0']) {
    await expect(feed.page(wrong, () => true, 1)).rejects.toMatchObject({ code: 'TRB_CURSOR' });
  }
  const late = feed.cursor();
  await publish(1, 2);
  await publish(2, 3);
  stop.abort();
  await Promise.all(following);
  await log.close();
  const clock = { ...systemClock, now: () => Date.now() + 2_000 };
  log = await openEmbeddedLog({ path: directory, retention: { signals: 1_000 }, clock });
  for (let partition = 0; partition < 4; partition++) {
    // The newest block stays: it says where the partition ends.
    const isSwept = ({ begin, end }: { begin: number; end: number }): boolean => begin > 0 || end === 0;
    while (!isSwept(await log.bounds('signals', partition))) await systemClock.sleep(5);
  }
  stop = new AbortController();
  const next = await feedOver();
  await expect(next.page(late, () => true, 1)).rejects.toMatchObject({ code: 'TRB_CURSOR_EXPIRED' });
});
