/**
 * Context: asks sources outside the venues on a schedule and writes what is new as reference events into every partition of `ticks`.
 *
 * One process at a time works: the member of group `context` that holds the only partition of `context-state`, its memory. Values and
 * memory are one commit, refused to whoever has lost the office; a standby waits in the group. What a source does wrong costs its own
 * values: their columns are missing, and nothing else waits for them.
 */
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type ContextRow, contextEvent } from '#libs/history/events.ts';
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { type Environment } from '#libs/secrets/secret.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';
import { createHosts, type Hosts } from './hosts.ts';
import { readKey } from './keys.ts';
import { readMemory, SourceMemory } from './memory.ts';
import { ContextMetrics } from './metrics.ts';
import { SourceRun } from './source-run.ts';
import { type ContextSource } from './sources/source.ts';

export interface ContextOptions {
  /** Those that run. */
  readonly sources: readonly ContextSource[];
  /** Base assets. */
  readonly assets: readonly string[];
  /** Where keys are looked for. */
  readonly environment: Environment;
  /** Files that operators give, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Shared with others that ask the same hosts. Default: its own. */
  readonly hosts?: Hosts;
  /** Requests that others have made in a source's name, by source: they count in the month, and are taken out of here. */
  readonly askedElsewhere?: Map<string, number>;
  /** Another base URL for a source's host; tests put a local server there. */
  readonly baseUrl?: (source: string, host: string) => string;
  /** Uniform in [0, 1). Default Math.random. */
  readonly random?: () => number;
}

export const CONTEXT_OFFICE = { group: 'context', topic: 'context-state', partition: 0 } as const;
/** Waits before the office is sought again after the log was away, ms: the first, doubled each time up to the longest. */
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** After this long in or near the office the next wait is a first one again, ms. */
const STEADY_MS = 60_000;

/** Runs until `signal` aborts; then stops asking and writes what it has. Errors: `TRB_CONTEXT_KEY`, and of the log what waiting cannot mend. */
export async function runContext(context: ServiceContext, options: ContextOptions, signal: AbortSignal): Promise<void> {
  const { clock, health, logger } = context;
  const keys = new Map(options.sources.map((source) => [source.id, readKey(source.key, options.environment)]));
  const hosts = options.hosts ?? createHosts({ clock, random: options.random ?? Math.random, baseUrl: options.baseUrl });
  let delay = FIRST_DELAY_MS;
  try {
    while (!signal.aborted) {
      const since = clock.now();
      try {
        await standForOffice(context, options, { keys, hosts }, signal);
      } catch (error) {
        if (!isPassing(error)) throw error;
        logger.warn(`context stands by: ${describeError(error)}`);
        health.set('context', { ready: true, detail: describeError(error) });
        if (clock.now() - since > STEADY_MS) delay = FIRST_DELAY_MS;
        await clock.sleep(delay, signal);
        delay = Math.min(2 * delay, LONGEST_DELAY_MS);
      }
    }
  } finally {
    health.set('context', { ready: false, detail: 'stopped' });
  }
}

interface Means {
  readonly keys: ReadonlyMap<string, string | undefined>;
  readonly hosts: Hosts;
}

/** Waits for the office and works while it lasts; throws what ended the work. */
async function standForOffice(
  context: ServiceContext,
  options: ContextOptions,
  means: Means,
  signal: AbortSignal,
): Promise<void> {
  const ending = new AbortController();
  let office = new AbortController();
  let working: Promise<void> | undefined;
  // Who works leaves the office when the last commit is through: a member that has left cannot commit.
  const leave = (): void => {
    if (working === undefined) ending.abort();
  };
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  // Missing values are masked in the vectors: nothing waits for this service.
  context.health.set('context', { ready: true, detail: 'standby' });
  try {
    await context.log.consume({
      group: CONTEXT_OFFICE.group,
      topics: [CONTEXT_OFFICE.topic],
      start: async (topic, partition) => {
        office = new AbortController();
        working = work(context, options, means, AbortSignal.any([signal, office.signal])).finally(() => ending.abort());
        working.catch(() => undefined);
        return (await context.log.bounds(topic, partition)).end;
      },
      handle: () => Promise.resolve(),
      revoked: () => office.abort(),
      signal: ending.signal,
    });
    await working;
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** All sources until `signal` aborts, also when each is off for good. */
async function work(context: ServiceContext, options: ContextOptions, means: Means, signal: AbortSignal): Promise<void> {
  const { log, clock, health, metrics: registry } = context;
  const { sources, assets, files = {}, random = Math.random, askedElsewhere } = options;
  const memories = await readMemory(log, signal);
  const commit = await createWriter(log);
  const write: typeof commit = (rows, memory) => {
    const others = askedElsewhere?.get(memory.source) ?? 0;
    askedElsewhere?.delete(memory.source);
    if (others > 0) memory.count(clock.now(), others);
    return commit(rows, memory);
  };
  const runs: SourceRun[] = [];
  const report = (): void =>
    health.set('context', { ready: true, detail: runs.map(({ detail }) => detail).join('; ') || 'no source' });
  const metrics = new ContextMetrics(
    registry,
    () => clock.now(),
    () => runs.map(({ gauged }) => gauged),
  );
  for (const source of sources) {
    const memory = memories.get(source.id) ?? new SourceMemory(source.id);
    const logger = context.logger.child({ provider: source.id });
    const key = means.keys.get(source.id);
    const onAttempt = (code: string | undefined): void => {
      memory.count(clock.now());
      metrics.requests.inc({ provider: source.id, code: code ?? 'ok' });
    };
    const http = means.hosts.clientsOf(source, { key, logger, onAttempt });
    const given = { http, assets, clock, logger, hasKey: key !== undefined, files };
    runs.push(new SourceRun({ source, context: given, memory, metrics, clock, logger, random, publish: write, changed: report }));
  }
  report();
  const ending = new AbortController();
  const running = AbortSignal.any([signal, ending.signal]);
  const over = new Promise<void>((resolve) => {
    running.addEventListener('abort', () => resolve(), { once: true });
    if (running.aborted) resolve();
  });
  const all = runs.map((run) =>
    run.run(running).catch((thrown: unknown) => {
      ending.abort();
      throw thrown;
    }),
  );
  await Promise.allSettled([...all, over]);
  await Promise.all(all);
}

/** One commit at a time: values into every partition and the memory that knows them. */
async function createWriter(log: EventLog): Promise<(rows: readonly ContextRow[], memory: SourceMemory) => Promise<void>> {
  const partitions = await log.partitions('ticks');
  const { end: offset } = await log.bounds(CONTEXT_OFFICE.topic, CONTEXT_OFFICE.partition);
  let last: Promise<void> = Promise.resolve();
  return (rows, memory) => {
    const outputs = [...rows.flatMap((row) => recordsOf(row, partitions)), memory.record()];
    last = last.then(() => log.commit({ ...CONTEXT_OFFICE, offset, outputs }));
    return last;
  };
}

function recordsOf(row: ContextRow, partitions: number): OutRecord[] {
  const value = Tick.encode(contextEvent(row)).finish();
  return Array.from({ length: partitions }, (_, partition) => ({ topic: 'ticks', key: '', partition, value }));
}

function isPassing(error: unknown): boolean {
  return error instanceof TributaryError && (error.canRetry || error.code === 'TRB_LOG_FENCED');
}
