/**
 * `npm run load -- soak [--minutes 30] [--rate 5000]`: whether memory, queues and the event loop stay as they are.
 * `npm run load -- [--minutes 5] [--rates 1000,2000,…]`: the highest rate that one process sustains with a p99 from tick to signal of 50 ms at most, and
 * what limits it; `npm run load -- kafka …` the same of every service on three brokers, with 300 ms. All run on the simulator, print a line each, and
 * fail where a bound does not hold. `--json FILE`.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { type Instance, startInstance, startOnKafka } from './instance.ts';
import { quantileBetween, type Scrape, total } from './metrics.ts';
import { grows, trendOf } from './trend.ts';

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rate: { type: 'string', default: '5000' },
    rates: { type: 'string' },
    json: { type: 'string' },
  },
  allowPositionals: true,
});

const MINUTE = 60_000;
/** Between two looks. */
const STEP_MS = 5_000;
/** Seconds. */
const LOOP_BAR = 0.05;
/** By the shape of what runs; the bar in seconds; minutes that are not judged: a broker's JVM compiles what it does often. */
const SHAPES = {
  process: { start: startInstance, bar: 0.05, warmUp: 1, rates: '1000,2000,4000,6000,8000,12000,16000' },
  kafka: { start: startOnKafka, bar: 0.3, warmUp: 4, rates: '500,1000,1500,2000,3000' },
} as const;
type Shape = keyof typeof SHAPES;
/** Growth over the run, of the median, that counts. */
const GROWTH = 0.05;
/** Of memory: a garbage collector's moods. */
const MIB = 2 ** 20;
const QUEUES = [
  'tributary_ingest_queue_depth_records',
  'tributary_features_lag_records',
  'tributary_inference_lag_records',
  'tributary_archive_lag_records',
];

interface Sample {
  readonly at: number;
  readonly scrape: Scrape;
  /** Bytes. */
  readonly memory: { readonly own: number; readonly mapped: number };
}

if (positionals[0] === 'soak') await soak(Number(values.rate), Number(values.minutes ?? 30));
else await load(positionals[0] === 'kafka' ? 'kafka' : 'process', Number(values.minutes ?? 5));

async function soak(rate: number, minutes: number): Promise<void> {
  const instance = await startInstance(rate);
  try {
    // Training in the background, caches, heap sizes: a fifth of the time is not judged.
    await watch(instance, (minutes * MINUTE) / 5);
    await instance.loopDelay();
    const samples = await watch(instance, (minutes * MINUTE * 4) / 5);
    const { p50, p99, max } = (await instance.loopDelay())!;
    const perMinute = byMinute(samples);
    const least = (metric: string): number[] =>
      perMinute.map((some) => Math.min(...some.map(({ scrape }) => total(scrape, metric))));
    const heap = least('nodejs_heap_size_used_bytes').map((bytes) => bytes / MIB);
    const own = perMinute.map((some) => Math.min(...some.map(({ memory }) => memory.own)) / MIB);
    const queues = QUEUES.map((metric) => ({ metric, values: least(metric) }));
    const growing = [
      ...(grows(heap, GROWTH) ? ['heap'] : []),
      ...(grows(own, GROWTH) ? ['memory'] : []),
      ...queues
        .filter(({ values: depths }) =>
          grows(
            depths.map((depth) => depth + 1),
            1,
          ),
        )
        .map(({ metric }) => metric),
    ];
    const line = {
      ...{ scenario: 'soak', rate, minutes, events_per_second: eventRate(samples) },
      ...{ heap_mib: heap.at(-1)!, heap_slope: trendOf(heap), memory_mib: own.at(-1)!, memory_slope: trendOf(own) },
      ...{ mapped_mib: samples.at(-1)!.memory.mapped / MIB, growing },
      ...{ event_loop_p50_ms: p50 * 1000, event_loop_p99_ms: p99 * 1000, event_loop_max_ms: max * 1000 },
    };
    say(
      `soak: ${minutes} min at ${rate} messages/s asked, ${line.events_per_second.toFixed(0)} events/s; heap ${heap.at(-1)!.toFixed(0)} MiB ` +
        `(${interval(line.heap_slope)} MiB a minute), memory ${own.at(-1)!.toFixed(0)} MiB (${interval(line.memory_slope)}) and ` +
        `${line.mapped_mib.toFixed(0)} MiB of mapped files; event loop p50 ` +
        `${(p50 * 1000).toFixed(1)}, p99 ${(p99 * 1000).toFixed(1)}, longest ${(max * 1000).toFixed(0)} ms; growing: ${growing.join(', ') || 'nothing'}`,
    );
    await keep([line]);
    if (growing.length > 0 || p99 > LOOP_BAR) process.exitCode = 1;
  } finally {
    await instance.stop();
  }
}

async function load(shape: Shape, minutes: number): Promise<void> {
  const lines: { readonly rate: number; readonly isSustained: boolean }[] = [];
  for (const rate of (values.rates ?? SHAPES[shape].rates).split(',').map(Number)) {
    const line = await loadOne(shape, rate, minutes);
    lines.push(line);
    if (!line.isSustained) break;
  }
  const highest = lines.findLast(({ isSustained }) => isSustained);
  say(
    highest === undefined
      ? 'load: none of the rates is sustained'
      : `load: sustained ${highest.rate} messages/s for ${minutes} min`,
  );
  await keep(lines);
  if (highest === undefined) process.exitCode = 1;
}

async function loadOne(
  shape: Shape,
  rate: number,
  minutes: number,
): Promise<{ readonly rate: number; readonly isSustained: boolean }> {
  const { start, bar, warmUp } = SHAPES[shape];
  const instance = await start(rate);
  try {
    await watch(instance, warmUp * MINUTE);
    const before = await instance.processorSeconds();
    const samples = await watch(instance, minutes * MINUTE);
    const after = await instance.processorSeconds();
    const [first, last] = [samples[0]!, samples.at(-1)!];
    const seconds = (last.at - first.at) / 1000;
    const quantile = (q: number): number =>
      quantileBetween(first.scrape, last.scrape, 'tributary_inference_tick_to_signal_seconds', q);
    const waiting = samples.map(({ scrape }) => QUEUES.slice(0, 3).reduce((sum, metric) => sum + total(scrape, metric), 0));
    const busiest = [...after]
      .map(([name, used]) => [name, (used - (before.get(name) ?? 0)) / seconds] as const)
      .sort(([, a], [, b]) => b - a);
    const [p50, p99] = [quantile(0.5), quantile(0.99)];
    const isSustained =
      p99 <= bar &&
      !grows(
        waiting.map((depth) => depth + 1),
        1,
      );
    const loop = samples.map(({ scrape }) => total(scrape, 'nodejs_eventloop_lag_p99_seconds'));
    const uses = busiest.slice(0, 3).map(([name, share]) => `${name} ${(100 * share).toFixed(0)} %`);
    const line = {
      ...{ scenario: 'load', shape, rate, minutes, isSustained, events_per_second: eventRate(samples) },
      ...{ p50_ms: p50 * 1000, p99_ms: p99 * 1000, event_loop_p99_ms: Math.max(...loop) * 1000 },
      ...{ waiting: waiting.at(-1)!, busiest: Object.fromEntries(busiest.slice(0, 6)) },
    };
    say(
      `load (${shape}): ${rate} messages/s asked, ${line.events_per_second.toFixed(0)} events/s; tick to signal p50 ${line.p50_ms.toFixed(1)} ms, p99 ` +
        `${line.p99_ms.toFixed(1)} ms; waiting ${line.waiting}; busiest of a core each: ${uses.join(', ')}; ${isSustained ? 'sustained' : 'not sustained'}`,
    );
    return line;
  } finally {
    await instance.stop();
  }
}

async function watch(instance: Instance, during: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const end = Date.now() + during;
  while (Date.now() < end) {
    samples.push({ at: Date.now(), scrape: await instance.scrape(), memory: await instance.memory() });
    await delay(STEP_MS);
  }
  return samples;
}

function byMinute(samples: readonly Sample[]): Sample[][] {
  const minutes = new Map<number, Sample[]>();
  for (const sample of samples) {
    const minute = Math.floor((sample.at - samples[0]!.at) / MINUTE);
    minutes.set(minute, [...(minutes.get(minute) ?? []), sample]);
  }
  return [...minutes.values()];
}

/** Events given to the log a second. */
function eventRate(samples: readonly Sample[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const given = (scrape: Scrape): number => total(scrape, 'tributary_ingest_events_total');
  return ((given(last.scrape) - given(first.scrape)) * 1000) / Math.max(1, last.at - first.at);
}

function interval({ slope, low, high }: ReturnType<typeof trendOf>): string {
  return `${slope.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
}

async function keep(lines: readonly object[]): Promise<void> {
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(lines, null, 2)}\n`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
