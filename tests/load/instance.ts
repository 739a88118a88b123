/** What is put under load: `tributary up` on the built-in simulator in a process of its own, or every service on three brokers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { Rig } from '#tests/delivery/rig.ts';
import { freePorts } from '#tests/ports.ts';
import { parseMetrics, type Scrape, total } from './metrics.ts';

const BINARY = join(import.meta.dirname, '../../bin/tributary.js');
/** Of the kernel, a second. */
const TICKS = 100;
const LONGEST_MS = 3_600_000;
/** As loop-delay.js writes it. */
const LoopDelay = z.object({ p50: z.number(), p99: z.number(), max: z.number() });

export interface Instance {
  /** Throws when something has ended by itself. */
  scrape(): Promise<Scrape>;
  /** Memory of its own, and files that it has mapped: pages of the log that the kernel takes back when it wants them; bytes. */
  memory(): Promise<{ readonly own: number; readonly mapped: number }>;
  /** Seconds of processor time used so far, by who used it. */
  processorSeconds(): Promise<ReadonlyMap<string, number>>;
  /** How late the event loop was since the last call, seconds; undefined where there are several. */
  loopDelay(): Promise<{ readonly p50: number; readonly p99: number; readonly max: number } | undefined>;
  stop(): Promise<void>;
}

/** One process; resolves when it has decided something. */
export async function startInstance(messagesPerSecond: number): Promise<Instance> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-load-'));
  const [port] = await freePorts(1);
  const args = [
    ...['up', '--source', 'sim', '--messages-per-second', `${messagesPerSecond}`],
    ...['--port', `${port}`, '--grpc-port', '0', '--data-dir', folder, '--history-days', '1', '--log-level', 'warn'],
  ];
  const delays = join(folder, 'loop-delay.json');
  const child = spawn(process.execPath, ['--import', join(import.meta.dirname, 'loop-delay.js'), BINARY, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LOOP_DELAY_FILE: delays },
  });
  const scrape = async (): Promise<Scrape> => {
    if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode}`);
    return scrapeOf(`http://127.0.0.1:${port}/metrics`);
  };
  const isDeciding = async (): Promise<boolean> => {
    try {
      return hasDecided(await scrape());
    } catch (thrown) {
      if (child.exitCode !== null) throw thrown;
      return false;
    }
  };
  while (!(await isDeciding())) await delay(500);
  return {
    scrape,
    memory: () => memoryOf(child.pid!),
    processorSeconds: () => usedBy(child.pid!),
    loopDelay: async () => {
      child.kill('SIGUSR2');
      while (!existsSync(delays)) await delay(10);
      const seconds = LoopDelay.parse(JSON.parse(await readFile(delays, 'utf8')));
      await rm(delays);
      return seconds;
    },
    stop: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Every service a process of its own on three brokers, as the delivery suite runs them; resolves when a minute has gone through all of them. */
export async function startOnKafka(messagesPerSecond: number): Promise<Instance> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-load-'));
  const rig = await Rig.start(folder, {
    rate: messagesPerSecond,
    withinMs: LONGEST_MS,
    hasShortSessions: false,
    hasBystanders: false,
    areBrokersToLast: true,
  });
  // Its records are no part of what is measured.
  await rig.probe.close();
  return {
    scrape: async () => {
      const scrapes = await Promise.all([...rig.metrics().values()].map(scrapeOf));
      const all = new Map<string, number>();
      for (const [series, value] of scrapes.flatMap((scrape) => [...scrape])) all.set(series, (all.get(series) ?? 0) + value);
      return all;
    },
    memory: async () => {
      const each = await Promise.all([...rig.pids().values()].map(memoryOf));
      return each.reduce(({ own, mapped }, one) => ({ own: own + one.own, mapped: mapped + one.mapped }), { own: 0, mapped: 0 });
    },
    processorSeconds: async () => {
      const used = new Map<string, number>();
      for (const [name, pid] of [...rig.pids(), ...(await brokers(process.pid))])
        used.set(name, (used.get(name) ?? 0) + [...(await usedBy(pid)).values()].reduce((sum, seconds) => sum + seconds, 0));
      return used;
    },
    loopDelay: () => Promise.resolve(undefined),
    stop: async () => {
      await rig.stop();
      await rig.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function hasDecided(scrape: Scrape): boolean {
  return total(scrape, 'tributary_inference_tick_to_signal_seconds_count') > 0;
}

async function scrapeOf(url: string): Promise<Scrape> {
  return parseMetrics(await (await fetch(url, { signal: AbortSignal.timeout(30_000) })).text());
}

async function memoryOf(pid: number): Promise<{ readonly own: number; readonly mapped: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (field: string): number => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)![1]);
  return { own: bytes('RssAnon') + bytes('RssShmem'), mapped: bytes('RssFile') };
}

/** By thread name, of the process and those that it started; the main thread of the process is `main`. */
async function usedBy(pid: number): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const process of [pid, ...(await childrenOf(pid))]) {
    const threads = await readdir(`/proc/${process}/task`).catch(() => []);
    for (const thread of threads) {
      const stat = await readFile(`/proc/${process}/task/${thread}/stat`, 'utf8').catch(() => undefined);
      if (stat === undefined) continue;
      const close = stat.lastIndexOf(')');
      const fields = stat.slice(close + 2).split(' ');
      const own = stat.slice(stat.indexOf('(') + 1, close);
      const name = process !== pid ? `${await commandOf(process)} (another process)` : Number(thread) === pid ? 'main' : own;
      used.set(name, (used.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) / TICKS);
    }
  }
  return used;
}

async function brokers(pid: number): Promise<(readonly [string, number])[]> {
  const named = await Promise.all((await childrenOf(pid)).map(async (child) => [await commandOf(child), child] as const));
  return named.filter(([name]) => name === 'java').map(([, child]) => ['brokers', child] as const);
}

async function childrenOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')));
  return texts.join(' ').split(' ').filter(Boolean).map(Number);
}

/** `simulator`, `train`, `java`. */
async function commandOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return words[words.findIndex((word) => word.endsWith('tributary.js')) + 1] ?? words[0] ?? 'node';
}
