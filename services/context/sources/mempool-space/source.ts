/** mempool.space: Bitcoin's hash rate, difficulty, fees and waiting transactions. Whoever asks oftener than every ten seconds is banned. */
import { type z } from 'zod';
import { availableWithin, NEVER } from '../answer-fields.ts';
import { type ContextSource, type Observation } from '../source.ts';
import {
  adjustmentObservations,
  feeObservations,
  hashRateObservations,
  mempoolObservations,
  nextAdjustmentObservations,
} from './mapping.ts';
import { Adjustments, Fees, HashRates, Mempool, NextAdjustment } from './schema.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const mempoolSpace: ContextSource = {
  id: 'mempool-space',
  title: 'mempool.space',
  hosts: { api: { baseUrl: 'https://mempool.space/api', ratePerSecond: 0.1, burst: 2 } },
  isDefault: true,
  terms: { plan: 'free, no key', redistribution: 'Facts of the public chain; the service asks for a modest pace.' },
  series: [
    { name: 'hash_rate', unit: 'EH/s', meaning: "Bitcoin's hash rate, mean of a day", validFor: 3 * DAY },
    { name: 'difficulty', unit: '', meaning: "Bitcoin's difficulty since its last adjustment", validFor: 21 * DAY },
    { name: 'difficulty_adjustment', unit: 'ratio', meaning: 'difficulty / that before its last adjustment', validFor: 21 * DAY },
    { name: 'difficulty_next_pct', unit: '%', meaning: 'change that the next adjustment would make by now', validFor: 6 * HOUR },
    { name: 'fee_fastest', unit: 'sat/vB', meaning: 'fee rate for the next block', validFor: 2 * HOUR },
    { name: 'fee_half_hour', unit: 'sat/vB', meaning: 'fee rate for half an hour', validFor: 2 * HOUR },
    { name: 'fee_economy', unit: 'sat/vB', meaning: 'fee rate for those in no hurry', validFor: 2 * HOUR },
    { name: 'mempool_vsize', unit: 'vB', meaning: 'size of the waiting transactions', validFor: 2 * HOUR },
  ],
  polls: ({ http, clock }) => {
    const ask = <T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> =>
      http['api']!.getJson(path, {}, schema, signal);
    const poll = (name: string, everyMs: number, run: (signal: AbortSignal) => Promise<readonly Observation[]>) => ({
      name,
      everyMs,
      calls: 1,
      run,
    });
    return [
      poll('hash rate', 3 * HOUR, async (signal) =>
        undatedHistory(hashRateObservations(await ask('/v1/mining/hashrate/1m', HashRates, signal), clock.now())).slice(-2),
      ),
      poll('adjustments', 3 * HOUR, async (signal) => {
        const adjustments = adjustmentObservations(await ask('/v1/mining/difficulty-adjustments/3m', Adjustments, signal));
        const newest = Math.max(...adjustments.map(({ observedAt }) => observedAt));
        return undatedHistory(adjustments.filter(({ observedAt }) => observedAt === newest));
      }),
      poll('next adjustment', HOUR, async (signal) =>
        nextAdjustmentObservations(await ask('/v1/difficulty-adjustment', NextAdjustment, signal), clock.now()),
      ),
      poll('fees', 10 * MINUTE, async (signal) => feeObservations(await ask('/v1/fees/recommended', Fees, signal), clock.now())),
      poll('mempool', 10 * MINUTE, async (signal) => mempoolObservations(await ask('/mempool', Mempool, signal), clock.now())),
    ];
  },
  history: async function* ({ http, clock }, range) {
    const period = periodFor(clock.now() - range.from + 2 * DAY);
    const hashRates = await http['api']!.getJson(`/v1/mining/hashrate${period}`, {}, HashRates, NEVER);
    const adjustments = await http['api']!.getJson(`/v1/mining/difficulty-adjustments${period}`, {}, Adjustments, NEVER);
    const all = [...hashRateObservations(hashRates, clock.now()), ...adjustmentObservations(adjustments)];
    yield availableWithin(all, range);
  },
};

/** What is read now is available now, whatever its rule for history says. */
function undatedHistory(observations: readonly Observation[]): Observation[] {
  return observations.map(({ series, value, observedAt }) => ({ series, value, observedAt }));
}

const PERIODS = [
  { name: '1m', days: 28 },
  { name: '3m', days: 89 },
  { name: '6m', days: 180 },
  { name: '1y', days: 365 },
  { name: '2y', days: 730 },
  { name: '3y', days: 1095 },
] as const;

/** The shortest period that holds `ms`; none = all there is. */
function periodFor(ms: number): string {
  const period = PERIODS.find(({ days }) => days * DAY >= ms);
  return period === undefined ? '' : `/${period.name}`;
}
