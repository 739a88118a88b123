/** `tributary up` on the built-in simulator, in a process of its own, and what it and its threads use. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '#tests/ports.ts';
import { parseMetrics, type Scrape, total } from './metrics.ts';

const BINARY = join(import.meta.dirname, '../../bin/tributary.js');
/** Of the kernel, a second. */
const TICKS = 100;

export interface Instance {
  readonly child: ChildProcess;
  scrape(): Promise<Scrape>;
  stop(): Promise<void>;
}

/** Resolves when it has decided something. */
export async function startInstance(messagesPerSecond: number): Promise<Instance> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-load-'));
  const [port] = await freePorts(1);
  const args = [
    ...['up', '--source', 'sim', '--messages-per-second', `${messagesPerSecond}`],
    ...['--port', `${port}`, '--grpc-port', '0', '--data-dir', folder, '--history-days', '1', '--log-level', 'warn'],
  ];
  const child = spawn(process.execPath, [BINARY, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const scrape = async (): Promise<Scrape> =>
    parseMetrics(await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(30_000) })).text());
  const isDeciding = async (): Promise<boolean> => {
    try {
      return total(await scrape(), 'tributary_inference_tick_to_signal_seconds_count') > 0;
    } catch {
      return false;
    }
  };
  while (!(await isDeciding())) {
    if (child.exitCode !== null) throw new Error(`up ended with ${child.exitCode} before it decided anything`);
    await delay(500);
  }
  return {
    child,
    scrape,
    stop: async () => {
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Seconds of processor time by thread name, of the process and those that it started; the main thread of the process is `main`. */
export async function processorSeconds(pid: number): Promise<Map<string, number>> {
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

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

/** `simulator`, `train`. */
async function commandOf(pid: number): Promise<string> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return words[words.findIndex((word) => word.endsWith('tributary.js')) + 1] ?? words[1] ?? 'node';
}
