/** A source for the tests of the machinery: JSON, CSV and a posted question, with a key, a revision and history. */
import { z } from 'zod';
import { TributaryError } from '#libs/errors/errors.ts';
import { type ContextSource } from '../sources/source.ts';
import { type SourceSample } from './sample.ts';
import { json, type RecordedRequest, type Reply, text } from './recorded.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20, 12);

const Caps = z.array(z.object({ symbol: z.string(), cap: z.number(), updated: z.number() })).min(1);
const Rates = z.array(z.object({ rate: z.number(), day: z.number(), published: z.number() }));
const Mood = z.object({ mood: z.number() });

export const example: ContextSource = {
  id: 'example',
  title: 'Example',
  hosts: { api: { baseUrl: 'https://example.invalid', ratePerSecond: 5, burst: 5 } },
  isDefault: true,
  key: { env: 'EXAMPLE_KEY', isRequired: true, headers: (key) => ({ 'x-example-key': key }) },
  terms: { plan: 'Free', callsPerMonth: 10_000, redistribution: 'With attribution.' },
  series: [
    { name: 'cap.{asset}', unit: 'USD', meaning: 'capitalisation', validFor: DAY },
    { name: 'mood', unit: '', meaning: 'mood', validFor: DAY },
    { name: 'rate', unit: '%', meaning: 'rate of the day', validFor: 4 * DAY },
  ],
  polls: ({ http, clock, assets }) => [
    {
      name: 'caps',
      everyMs: 5 * MINUTE,
      calls: 1,
      run: async (signal) => {
        const rows = await http['api']!.getJson('/caps', { symbols: assets.join(',') }, Caps, signal);
        return rows.map(({ symbol, cap, updated }) => ({
          series: `cap.${symbol}`,
          value: cap,
          observedAt: updated,
          publishedAt: updated,
        }));
      },
    },
    {
      name: 'mood',
      everyMs: 60 * MINUTE,
      calls: 1,
      run: async (signal) => {
        const { mood } = await http['api']!.postJson('/mood', { question: 'now' }, Mood, signal);
        return [{ series: 'mood', value: mood, observedAt: clock.now() }];
      },
    },
    {
      name: 'rates',
      everyMs: 60 * MINUTE,
      calls: 1,
      run: async (signal) => ratesOf(await http['api']!.getText('/rates.csv', {}, signal)).slice(-2),
    },
  ],
  history: async function* ({ http }, { from, to }) {
    const rows = await http['api']!.getJson('/history', { from, to }, Rates, new AbortController().signal);
    yield rows.map(({ rate, day, published }) => {
      return { series: 'rate', value: rate, observedAt: day, publishedAt: published, availableAt: published };
    });
  },
};

/** `date,rate`; a line without its end is not all there. */
function ratesOf(csv: string): { series: string; value: number; observedAt: number }[] {
  const [header, ...lines] = csv.slice(0, csv.lastIndexOf('\n')).split('\n');
  if (header !== 'date,rate') throw new TributaryError('TRB_HTTP_SHAPE', 'The rates have another header.');
  return lines.flatMap((line) => {
    const [date = '', rate = ''] = line.split(',');
    const value = rate === '' ? NaN : Number(rate);
    return Number.isFinite(value) ? [{ series: 'rate', value, observedAt: Date.parse(date) + DAY }] : [];
  });
}

/**
 * What `/history` answers: the rate of each day, published at noon of the next, and revised five days later; by publication within
 * [from, to).
 */
export function rateHistory({ query }: RecordedRequest): Reply {
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))];
  const rows: { rate: number; day: number; published: number }[] = [];
  for (let day = Math.floor(from / DAY - 8) * DAY; day < to; day += DAY) {
    const rate = (day / DAY) % 10;
    rows.push({ rate, day, published: day + DAY / 2 }, { rate: rate + 0.25, day, published: day + 5.5 * DAY });
  }
  return json(rows.filter(({ published }) => published >= from && published < to));
}

export const exampleSample: SourceSample = {
  now: NOW,
  undated: ['mood'],
  answers: {
    '/caps': json([
      { symbol: 'BTC', cap: 1.55e12, updated: NOW - 2 * MINUTE },
      { symbol: 'ETH', cap: 4.1e11, updated: NOW - 3 * MINUTE },
    ]),
    '/mood': json({ mood: 34 }),
    '/rates.csv': text('date,rate\n2026-11-17,4.01\n2026-11-18,4.12\n2026-11-19,4.08\n'),
  },
};
