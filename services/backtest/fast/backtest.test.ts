/** The fast lane's backtest on generated ticks: it finds who follows whom, is silent where nobody does, and nothing later moves a decision. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { type TickRow } from '#libs/history/rows.ts';
import { type FastBacktestReport, fastBacktestText, runFastBacktest } from './backtest.ts';
import { parseFastBacktestOptions, type RawFastBacktestOptions } from './options.ts';

const START = Date.UTC(2024, 4, 1);
const SECONDS = 900;
const LISTINGS = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'okx', quote: 'USDT' },
];
const PATIENCE = 240_000;

function market(hasLeader: boolean, seconds = SECONDS): TickRow[] {
  return generateTickRows({ start: START, seconds, listings: LISTINGS, hasLeader, seed: 11 });
}

function backtest(ticks: readonly TickRow[], raw: Partial<RawFastBacktestOptions> = {}): Promise<FastBacktestReport> {
  const until = new Date(START + 600_000).toISOString();
  const options = { lane: 'fast' as const, history: 'ticks.csv', trainUntil: until, horizons: '1s', workers: 0, ...raw };
  return runFastBacktest(parseFastBacktestOptions(options), { ticks });
}

describe('with a venue that follows another half a second later', () => {
  let folder: string;
  let report: FastBacktestReport;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-fast-'));
    report = await backtest(market(true), { predictions: join(folder, 'p.csv') });
  }, PATIENCE);

  test('finds the edge in the one that follows', () => {
    const of = (venue: string) => report.results.find((result) => result.venue === venue)!;
    expect(of('okx').accuracy).toBeGreaterThan(0.65);
    expect(of('coinbase').accuracy).toBeLessThan(of('okx').accuracy!);
    expect(of('okx').bootstrap![0]).toBeGreaterThan(0.55);
    expect(report.results.every(({ indicative }) => !indicative)).toBe(true);
    expect(fastBacktestText(report)).toContain('okx');
  });

  test('writes each decision of the test, labelled as the rows say', async () => {
    const lines = (await readFile(join(folder, 'p.csv'), 'utf8')).trim().split('\n').slice(1);
    await rm(folder, { recursive: true });
    expect(lines).toHaveLength(report.results.reduce((sum, { decisions }) => sum + decisions, 0));
    const rows = market(true);
    const midAt = (venue: string, time: number): number => {
      const row = rows.findLast((each) => each.venue === venue && each.receiveTime <= time)!;
      return (row.bid + row.ask) / 2;
    };
    const compared = lines.filter((_, i) => i % 50 === 0).map((line) => line.split(','));
    for (const [, venue, , , t, , , , y] of compared) {
      if (y === '') continue;
      expect(Number(y)).toBe(Math.sign(midAt(venue!, Number(t) + 1000) - midAt(venue!, Number(t))));
    }
    expect(compared.length).toBeGreaterThan(10);
  });

  test(
    'what comes later moves no decision',
    async () => {
      const seconds = 720;
      const [longer, shorter] = await Promise.all(
        [market(true), market(true).filter(({ receiveTime }) => receiveTime < START + seconds * 1000)].map(async (ticks, i) => {
          const path = join(tmpdir(), `tributary-fast-${process.pid}-${i}.csv`);
          await backtest(ticks, { predictions: path });
          const text = await readFile(path, 'utf8');
          await rm(path);
          // t and probability, not what came of it.
          return text.split('\n').map((line) => line.split(',').slice(0, 8).join(','));
        }),
      );
      const known = new Set(longer);
      expect(shorter!.length).toBeGreaterThan(200);
      expect(shorter!.filter((line) => !known.has(line))).toEqual([]);
    },
    PATIENCE,
  );
});

test(
  'without a leader it is right about half of the time, and all but silent',
  async () => {
    for (const { accuracy, emitted } of (await backtest(market(false))).results) {
      expect(Math.abs(accuracy! - 0.5)).toBeLessThan(0.12);
      expect(emitted.coverage).toBeLessThan(0.05);
    }
  },
  PATIENCE,
);

test.each([
  ['both begins', { trainShare: '0.6' }, 'TRB_BACKTEST_OPTIONS'],
  ['no begin', { trainUntil: undefined }, 'TRB_BACKTEST_OPTIONS'],
  ['a share of one', { trainUntil: undefined, trainShare: '1' }, 'TRB_BACKTEST_OPTIONS'],
  ['a horizon of the slow lane', { horizons: '1m' }, 'TRB_UNKNOWN_HORIZON'],
  ['an option of the slow lane', { html: 'r.html' }, 'TRB_BACKTEST_OPTIONS'],
])('refuses %s', (_what, raw, code) => {
  const options = { lane: 'fast', history: 'ticks.csv', trainUntil: '2024-05-01T00:10:00Z', ...raw };
  let thrown: unknown;
  try {
    parseFastBacktestOptions(options);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code });
});

test.each([
  ['too little to train on', {}, { trainUntil: '2024-05-01T00:01:00Z' }, 'TRB_BACKTEST_RANGE'],
  ['a venue that is not there', {}, { venues: 'kraken' }, 'TRB_UNKNOWN_VENUE'],
  ['no ticks', { ticks: [] }, {}, 'TRB_HISTORY_EMPTY'],
])('refuses %s', async (_what, given: { readonly ticks?: TickRow[] }, raw, code) => {
  await expect(backtest(given.ticks ?? market(true, 400), raw)).rejects.toMatchObject({ code });
});
