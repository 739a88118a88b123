/** docs/costs.md: what a day weighs, what the chart asks for, what a month costs, what context sources cost and allow. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { costsPage, sourceCosts } from '#services/context/costs.ts';
import { daily, kept, type Weight, weights } from './records.ts';

const VENUES = 2;
const REPLICAS = 3;
/** The archive keeps a month of ticks, three days of fast vectors and a month of fast decisions; the rest for longer than a month. */
const FAST_VECTOR_DAYS = 3;
const MONTH_DAYS = 30;
const MONTH_HOURS = 24 * MONTH_DAYS;
/** Dollars. Round numbers of the large clouds, no offer: put yours in their place. */
const PRICES = { vcpuHour: 0.04, gbHour: 0.005, diskGbMonth: 0.1, gpuHour: 3 } as const;
/** Of one venue's instrument and a week of history, networks included: docs/decisions/055. */
const GPU_HOURS_A_WEEK = 0.02;
const TRAININGS_A_DAY = 4;
/** Which values, grown as far as they scale by themselves or not, for how many symbols. */
const SHAPES = [
  { symbols: 2, values: 'small', isGrown: false },
  { symbols: 20, values: 'large', isGrown: false },
  { symbols: 200, values: 'large', isGrown: true },
] as const;

const Resources = z.object({ requests: z.object({ cpu: z.coerce.string(), memory: z.string() }) });
const Service = z.object({
  replicas: z.number(),
  resources: Resources,
  autoscaling: z.object({ enabled: z.boolean(), maxReplicas: z.number() }).optional(),
});
const Values = z.object({
  ingest: z.object({ resources: Resources }),
  services: z.record(z.string(), Service),
  training: z.object({ historyDays: z.number() }),
});

export function page(): string {
  const all = weights();
  return `# What it costs

Made by \`npm run costs\`: records as the wire's own encoders make them, requests as the chart's values have them, calls as the registry of context sources says.

## What a day weighs

One instrument at one venue, before compression. Rates are those of a busy market; your own are in the dashboard *Pipeline*, *Throughput*. In the fast lane they are the
most that there can be: a vector each 250 ms, two heads that may speak. Shadows: a challenger and a fallback. \`kept\` is what one copy of the log holds by its topics' retention.

${table(['lane', 'records', 'topic', 'a second', 'bytes each', 'GB a day', 'GB kept'], all.map(rowOf))}

Without the fast lane that is ${gb(sum(all.filter(isSlow), daily))} GB a day, ${gb(sum(all.filter(isTick), daily))} of it ticks; with it ${gb(sum(all, daily))}. Times venues, times symbols. ClickHouse compresses what it keeps: \`SELECT table, sum(data_compressed_bytes) / sum(data_uncompressed_bytes) FROM system.parts WHERE active
GROUP BY table\` says how well, on your data.

## What a month costs

The slow lane on ${VENUES} venues. Nodes: what pods of the named values ask for (${SHAPES.map(({ symbols, values, isGrown }) => `${symbols}: \`values-${values}.yaml\`${isGrown ? ', every service at its most replicas' : ''}`).join('; ')}), without Kafka and ClickHouse, which are there already or somebody else's to run. Log: ${REPLICAS} copies by retention. Archive: one
copy of a month, not compressed. GPU: only with \`training.models: all\` on GPU nodes, ${TRAININGS_A_DAY} trainings a day on the values' history, ${GPU_HOURS_A_WEEK} hours for an instrument and week
([decision 055](decisions/055-training-on-a-gpu.md)), grown in proportion; not measured beyond one venue. Prices are round numbers: ${PRICES.vcpuHour} $ a vCPU hour, ${PRICES.gbHour} $ a GB hour of memory,
${PRICES.diskGbMonth} $ a GB month of disk, ${PRICES.gpuHour} $ a GPU hour.

${table(['symbols', 'vCPU', 'memory, GB', 'nodes of 4 vCPU, 16 GB', 'log, GB', 'archive, GB', 'nodes $', 'disks $', 'GPU hours', 'GPU $'], SHAPES.map(monthOf))}

With the fast lane at its most, the log is ${ratio(sum(all, kept), sum(all.filter(isSlow), kept))} times as large, and the archive ${ratio(sum(all, archived), sum(all.filter(isSlow), archived))} times. How many events one process takes on your machine: \`npm run load\`.

${costsPage(sourceCosts(['BTC', 'ETH'])).replace(/^# /, '## ')}`;
}

const isSlow = ({ lane }: Weight): boolean => lane === 'slow';
const isTick = ({ topic }: Weight): boolean => topic === 'ticks';

function rowOf(weight: Weight): string[] {
  const { lane, name, topic, rate, bytes } = weight;
  const perSecond = rate >= 1 ? String(rate) : rate.toFixed(3);
  return [lane, name, `\`${topic}\``, perSecond, String(bytes), gb(daily(weight)), gb(kept(weight))];
}

/** GB of a month in the archive. */
function archived(weight: Weight): number {
  const isFastVector = weight.lane === 'fast' && weight.topic === 'features';
  return daily(weight) * (isFastVector ? FAST_VECTOR_DAYS : MONTH_DAYS);
}

function monthOf({ symbols, values, isGrown }: (typeof SHAPES)[number]): string[] {
  const { ingest, services, training } = chartValues(values);
  const pods = [
    { count: VENUES, resources: ingest.resources },
    ...Object.values(services).map(({ replicas, resources, autoscaling }) => ({
      count: isGrown && autoscaling?.enabled === true ? autoscaling.maxReplicas : replicas,
      resources,
    })),
  ];
  const cpu = sum(pods, ({ count, resources }) => count * cores(resources.requests.cpu));
  const memory = sum(pods, ({ count, resources }) => count * gigabytes(resources.requests.memory));
  const slow = weights().filter(isSlow);
  const log = symbols * VENUES * REPLICAS * sum(slow, kept);
  const archive = symbols * VENUES * sum(slow, archived);
  const gpu = symbols * VENUES * GPU_HOURS_A_WEEK * (training.historyDays / 7) * TRAININGS_A_DAY * MONTH_DAYS;
  const nodes = Math.ceil(Math.max(cpu / 4, memory / 16));
  const dollars = [
    MONTH_HOURS * (cpu * PRICES.vcpuHour + memory * PRICES.gbHour),
    (log + archive) * PRICES.diskGbMonth,
    gpu * PRICES.gpuHour,
  ].map((amount) => String(Math.round(amount)));
  const [nodesCost, disksCost, gpuCost] = dollars as [string, string, string];
  const sizes = [cpu.toFixed(1), memory.toFixed(1), String(nodes), log.toFixed(0), archive.toFixed(0)];
  return [String(symbols), ...sizes, nodesCost, disksCost, gpu.toFixed(0), gpuCost];
}

function chartValues(name: string): z.output<typeof Values> {
  const read = (file: string): unknown => parse(readFileSync(new URL(`../../helm/tributary/${file}`, import.meta.url), 'utf8'));
  return Values.parse(merged(read('values.yaml'), read(`values-${name}.yaml`)));
}

/** As helm merges values: maps key by key, all else replaced. */
function merged(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over ?? base;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(base[key], over[key])]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function cores(text: string): number {
  return text.endsWith('m') ? Number(text.slice(0, -1)) / 1_000 : Number(text);
}

function gigabytes(text: string): number {
  return text.endsWith('Gi') ? Number(text.slice(0, -2)) : Number(text.slice(0, -2)) / 1_024;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function gb(value: number): string {
  return value >= 0.1 ? value.toFixed(2) : value.toFixed(4);
}

function ratio(value: number, by: number): string {
  return (value / by).toFixed(1);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
