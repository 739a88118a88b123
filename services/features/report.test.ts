/** The report and the metrics of what is missing, on a generated market with a planted outage and a planted drift. */
import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { FEW_LISTINGS, generateMarket } from '#libs/features/checks/market.ts';
import { foldAll } from '#libs/features/checks/lane.ts';
import { COLUMNS } from '#libs/features/catalogue.ts';
import { FORMULAS } from '#libs/features/formulas.ts';
import { QUALITY } from '#libs/features/quality.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { FeatureMetrics } from './metrics.ts';
import { MOST_INSTRUMENTS } from './missing.ts';
import { type FeatureReport, reportHistory, reportText } from './report.ts';

const MINUTE = 60_000;
const START = Date.UTC(2024, 2, 1);
const SPLIT = START + 300 * MINUTE;
const market = generateMarket({
  start: START,
  candleMinutes: 600,
  liveMinutes: 0,
  isDense: true,
  listings: FEW_LISTINGS,
  seed: 9,
});

/** In the second half Kraken has no candles, and Coinbase trades a hundred times as much. */
const changed = market.flatMap((tick): Tick[] => {
  if (tick.event?.$case !== 'candle' || tick.event.value.start < SPLIT) return [tick];
  if (tick.venue === 'kraken') return [];
  const value = { ...tick.event.value, volume: tick.event.value.volume * 100 };
  return [{ ...tick, event: { $case: 'candle', value } }];
});

describe('the report of a history', () => {
  test('names what went missing and what moved, and only that', async () => {
    const { instruments, split } = await reportHistory(changed);
    expect(split).toBe(new Date(SPLIT).toISOString());
    const [coinbase, kraken] = instruments;
    const feature = (name: string): FeatureReport => coinbase!.features.find((row) => row.name === name)!;
    expect(coinbase).toMatchObject({ instrument: 'coinbase:BTC-USD', vectors: [299, 301] });
    expect(feature('amihud_1h').psi).toBeGreaterThan(1);
    expect(feature('clv').missing).toEqual(
      (await reportHistory(market)).instruments[0]!.features.find(({ name }) => name === 'clv')!.missing,
    );
    // Kraken's leg is live for 30 minutes more.
    const leg = feature('spread');
    expect(leg.missing[1]).toBeGreaterThan(leg.missing[0]);
    expect(kraken!.quality['stale_price']).toEqual([0, Number((270 / 301).toFixed(4))]);
    expect(coinbase!.quality).not.toHaveProperty('stale_price');
    expect(feature('quoted_spread_bps')).toEqual({ name: 'quoted_spread_bps', missing: [1, 1], psi: null, drifted: null });
  });

  test('as text it begins with what moved most', async () => {
    const lines = reportText(await reportHistory(changed)).split('\n');
    const psi = lines.flatMap((line) => (/ (\d+\.\d{3}) {2}\S+@\d+$/.exec(line) ?? []).slice(1, 2)).map(Number);
    const coinbase = psi.slice(
      0,
      psi.findIndex((value, i) => i > 0 && value > psi[i - 1]!),
    );
    expect(coinbase.length).toBeGreaterThan(50);
    expect(lines.at(-2)).toContain('population stability index');
  });

  test('a history without a vector is refused', async () => {
    await expect(reportHistory([])).rejects.toMatchObject({ code: 'TRB_HISTORY_EMPTY' });
  });
});

describe('metrics', () => {
  test('say what is missing in the newest vectors and how often a bit is set', async () => {
    const registry = new Registry();
    const metrics = new FeatureMetrics(registry);
    const vectors = foldAll(changed);
    for (const vector of vectors) metrics.made(vector);
    const text = await registry.metrics();
    const newest = vectors.find(({ t, venue }) => t === vectors.at(-1)!.t && venue === 'coinbase')!;
    for (const { name, columns } of FORMULAS.slice(0, 30)) {
      const missing = columns.filter((column) => Number.isNaN(newest.values[COLUMNS.indexOf(column)]));
      expect(text).toContain(
        `tributary_features_missing_ratio{feature="${name}",instrument="coinbase:BTC-USD"} ${missing.length / columns.length}\n`,
      );
    }
    const stale = vectors.filter(({ quality }) => (quality & QUALITY.STALE_PRICE) !== 0).length;
    expect(text).toContain(
      `tributary_features_flagged_vectors_total{quality="stale_price",instrument="kraken:BTC-USD",lane="slow"} ${stale}\n`,
    );
  });

  test('their number does not grow with the number of markets', async () => {
    const registry = new Registry();
    const metrics = new FeatureMetrics(registry);
    const [vector] = foldAll(market);
    for (let i = 0; i < 3 * MOST_INSTRUMENTS; i++) metrics.made({ ...vector!, instrument: `C${i}-USD` });
    const { values } = (await registry.getMetricsAsJSON()).find(({ name }) => name === 'tributary_features_missing_ratio')!;
    expect(values).toHaveLength(FORMULAS.length * (MOST_INSTRUMENTS + 1));
  });
});
