/**
 * The one process ended in the worst moments, and fed what no market says: it stops at once with 0 when asked, leaves no child behind when
 * killed, and the next start goes on: no second of the clock back, no trade lost or doubled, no decision made twice.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog, type LogRecord } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Processes } from '#tests/shapes/processes.ts';

const PATIENCE = 480_000;

let folder: string;
let processes: Processes;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-ending-'));
  processes = new Processes(folder, PATIENCE - 20_000);
});
afterEach(async () => {
  await processes.kill();
  await rm(folder, { recursive: true });
});

test(
  'stopped in training, killed in full flow, fed nonsense: it goes on where it was',
  async () => {
    const training = start('training');
    await processes.until(() => processes.output('training').includes('training 25 %'));
    expect(await stop('training')).toBe(0);
    await gone(training);

    const flowing = start('flowing');
    const said = (): string => processes.output('flowing');
    await processes.until(() => said().includes('the others stay silent') && said().includes('the page is at'));
    const page = pageOf('flowing');
    const simulator = /"coinbaseRest":"(http:\/\/[^/]+)/.exec(said())![1]!;
    const pids = [...said().matchAll(/"pid":(\d+),"msg":"the simulator runs"/g)].map(([, pid]) => Number(pid));
    for (const venue of ['coinbase', 'kraken']) {
      for (const kind of ['malformed', 'absurd']) {
        const response = await fetch(`${simulator}/control/fault`, {
          method: 'POST',
          body: JSON.stringify({ venue, kind, count: 3 }),
        });
        expect(response.status).toBe(200);
      }
    }
    // 3 frames that are no JSON, and 3 with prices no market has, counted and skipped.
    for (const counted of ['coinbase', 'kraken'].flatMap((venue) => [
      `tributary_ingest_malformed_total{venue="${venue}",reason="not-json",source="sim"} 3`,
      `tributary_ingest_malformed_total{venue="${venue}",reason="price",source="sim"}`,
    ])) {
      while (!(await (await fetch(new URL('/metrics', page))).text()).includes(counted)) await delay(250);
    }
    while (((await (await fetch(new URL('/api/status', page))).json()) as { decisions: number }).decisions === 0)
      await delay(250);
    await repaired(page);
    flowing.kill('SIGKILL');
    await once(flowing, 'exit');
    expect(pids).toHaveLength(1);
    await Promise.all(pids.map(ended));

    await processes.kill();
    processes = new Processes(folder, PATIENCE / 2);
    start('again');
    await processes.until(() => processes.output('again').includes('SignalService is at'));
    await repaired(pageOf('again'));
    expect(await stop('again')).toBe(0);
    expect(processes.output('again')).not.toContain('"level":50');

    const log = await openEmbeddedLog({ path: join(folder, 'data', 'sim', 'log') });
    try {
      await expectWhole(log);
    } finally {
      await log.close();
    }
  },
  PATIENCE,
);

function start(name: string): ChildProcess {
  const ports = ['--port', '0', '--grpc-port', '0'];
  const market = ['--source', 'sim', '--symbols', 'BTC-USD', '--history-days', '2', '--data-dir', join(folder, 'data')];
  return processes.start(name, 'up', ...market, ...ports);
}

async function stop(name: string): Promise<number | string | null | undefined> {
  return (await processes.stop())[name];
}

function pageOf(name: string): string {
  return /the page is at (http:[^"]+)/.exec(processes.output(name))![1]!;
}

/** Waits until both venues have told a trade, which shows what was missed before it, and nothing is missing. */
async function repaired(page: string): Promise<void> {
  const venues = ['coinbase', 'kraken'];
  for (;;) {
    const metrics = await (await fetch(new URL('/metrics', page))).text();
    const isWhole = (venue: string): boolean =>
      metrics.includes(`tributary_ingest_events_total{venue="${venue}",kind="trade"`) &&
      metrics.includes(`tributary_ingest_missing_trades{venue="${venue}",source="sim"} 0\n`);
    if (venues.every(isWhole)) return;
    await delay(250);
  }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** Waits for a process that is nobody's child here. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await delay(100);
  }
}

async function expectWhole(log: EventLog): Promise<void> {
  const trades = new Map<string, number[]>();
  const clocks = new Map<number, number>();
  let seconds = 0;
  for await (const { partition, value } of records(log, 'ticks')) {
    const { venue, instrument, event } = Tick.decode(value);
    if (event?.$case === 'trade') {
      const ids = trades.get(`${venue}:${instrument}`) ?? [];
      trades.set(`${venue}:${instrument}`, [...ids, event.value.tradeId]);
    }
    if (event?.$case !== 'clock') continue;
    expect(event.value.t).toBeGreaterThan(clocks.get(partition) ?? 0);
    clocks.set(partition, event.value.t);
    seconds++;
  }
  expect(seconds).toBeGreaterThan(40);
  expect([...trades.keys()]).toEqual(expect.arrayContaining(['coinbase:BTC-USD', 'kraken:BTC-USD']));
  for (const [market, ids] of trades) {
    const span = Math.max(...ids) - Math.min(...ids) + 1;
    expect({ market, trades: ids.length, distinct: new Set(ids).size }).toEqual({ market, trades: span, distinct: span });
  }
  const keys: string[] = [];
  for await (const { value } of records(log, 'signals')) {
    const { venue, instrument, horizon, t } = Signal.decode(value);
    keys.push(`${venue}:${instrument}:${horizon}:${t}`);
  }
  expect(keys.length).toBeGreaterThan(0);
  expect(new Set(keys).size).toBe(keys.length);
}

async function* records(log: EventLog, topic: Topic): AsyncGenerator<LogRecord> {
  for (let partition = 0; partition < (await log.partitions(topic)); partition++) {
    for await (const batch of log.read(topic, partition)) yield* batch.records;
  }
}
