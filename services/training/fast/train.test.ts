/** A bundle of the fast lane: what the loader reads scores the fold's vectors, and is refused where they are the slow lane's. */
import { expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { featureSchema } from '#libs/features/catalogue.ts';
import { FAST_LANE, foldAll } from '#libs/features/checks/lane.ts';
import { generateTickRows } from '#libs/features/checks/tick-market.ts';
import { tickFileToTicks } from '#libs/history/tick-events.ts';
import { createScorer } from '#libs/models/scorer.ts';
import { openBundle } from '#libs/models/signature.ts';
import { publicKeyFile, trustIn } from '#libs/registry/operator-key.ts';
import { runTraining } from '../main.ts';

const LISTINGS = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'okx', quote: 'USDT' },
];

test('ticks in, bundle out: the loader takes it, and it tells whither the one that follows goes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-fast-train-'));
  const rows = generateTickRows({ start: Date.UTC(2024, 4, 1), seconds: 700, listings: LISTINGS, seed: 5 });
  const header =
    'venue,symbol,exchange_ts_ms,receive_ts_ms,best_bid,best_ask,last_trade_px,last_trade_qty,bid_size,ask_size,side';
  const lines = rows.map((r) =>
    [
      r.venue,
      r.instrument,
      r.exchangeTime,
      r.receiveTime,
      r.bid,
      r.ask,
      r.tradePrice,
      r.tradeSize,
      r.bidSize,
      r.askSize,
      r.side ?? '',
    ].join(','),
  );
  await writeFile(join(folder, 'ticks.csv'), [header, ...lines].join('\n'));
  const [out, key] = [join(folder, 'b.json'), join(folder, 'k.pem')];
  const raw = {
    lane: 'fast',
    history: join(folder, 'ticks.csv'),
    out,
    horizons: '1s',
    target: 'entry',
    seed: '1',
    workers: '0',
    key,
  };
  const trained = await runTraining(raw, new AbortController().signal);
  const bundle = openBundle(await readFile(out), trustIn(publicKeyFile(key))());
  await rm(folder, { recursive: true });
  expect(bundle).toMatchObject({ id: trained.id, lane: 'fast', target: 'mid' });
  expect(bundle.heads.map(({ venue, horizon }) => `${venue} ${horizon}`)).toEqual(['coinbase 1s', 'okx 1s']);
  const scorer = createScorer(bundle, FAST_LANE.columns);
  const later = generateTickRows({ start: Date.UTC(2024, 4, 2), seconds: 200, listings: LISTINGS, seed: 6 });
  const gap = FAST_LANE.columns.indexOf('fast_leg_gap_5s.coinbase_usd@1');
  const scored = foldAll([...tickFileToTicks(later)], FAST_LANE)
    .filter(({ venue, values }) => venue === 'okx' && Math.abs(values[gap]!) > 0.5)
    .map(({ values }) => scorer.score('okx', 'BTC-USDT', '1s', [values])!.probabilityUp > 0.5 === values[gap]! > 0);
  expect(scored.filter(Boolean).length).toBeGreaterThan(0.8 * scored.length);
  expect(() => createScorer(bundle, featureSchema().columns)).toThrow('features that are not computed');
}, 120_000);

test.each([
  ['TRB_USAGE', '--history', { history: undefined }],
  ['TRB_TRAINING_OPTIONS', '--models', { models: 'all' }],
])('refuses what the fast lane has not: %s, %s', async (code, hint, change) => {
  const raw = { lane: 'fast', history: 'ticks.csv', out: 'b.json', target: 'entry', seed: '1', workers: '0', ...change };
  const error = { code, hint: expect.stringContaining(hint) };
  await expect(runTraining(raw, new AbortController().signal)).rejects.toMatchObject(error);
});
