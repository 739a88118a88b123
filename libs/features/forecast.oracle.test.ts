/** own_forecast, well and where markets are not well-behaved, on folded markets, against scripts/oracle/features_forecast.py: numpy. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from '@jest/globals';

import { Tick, TradingStatus } from '../wire/tributary/v1/market.ts';
import { createFold, foldTick } from './fold.ts';
import { forecastBlock } from './forecast.ts';

interface Golden {
  readonly rows: readonly { readonly t: number; readonly values: readonly (number | null)[] }[];
}
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/forecast.json'), 'utf8')) as Record<string, Golden>;

const START = Date.UTC(2024, 2, 9, 0, 37);
const MINUTE = 60_000;
const MINUTES = { well: 3_600, ends: 1_500, silent: 1_700, flat: 1_000 };
const LEGS = [
  { venue: 'coinbase', quote: 'USD' },
  { venue: 'kraken', quote: 'USD' },
  { venue: 'kraken', quote: 'EUR' },
  { venue: 'binanceus', quote: 'USDT' },
];
const OWN = 1;
type Case = keyof typeof MINUTES;

test.each(['well', 'ends', 'silent', 'flat'] as const)('%s', (name) => {
  const { rows } = golden[name]!;
  const byTime = new Map(rows.map((row) => [row.t, row.values[0] ?? NaN]));
  const state = createFold({ targets: [] });
  const forecast = forecastBlock.create();
  const out = new Float64Array(1);
  const wrong: string[] = [];
  let compared = 0;
  for (const tick of market(name)) {
    foldTick(state, tick, 0, () => undefined);
    if (tick.event?.$case !== 'clock') continue;
    const { t } = state;
    const asset = state.assets.get('ETH')!;
    out[0] = NaN;
    forecastBlock.write(forecast, { ...state, asset, instrument: asset.venues.get('kraken')!.get('ETH-USD')! }, out, 0);
    const expected = byTime.get(t);
    if (expected === undefined) continue;
    const value = out[0];
    compared++;
    const isRight = Number.isNaN(expected) ? Number.isNaN(value) : Math.abs(value - expected) <= 1e-8 + 1e-6 * Math.abs(expected);
    if (!isRight) wrong.push(`${(t - START) / MINUTE - 1}: ${value}, oracle ${expected}`);
  }
  expect(wrong).toEqual([]);
  expect(compared).toBe(rows.length);
});

/** As in the script. */
function* market(name: Case): Generator<Tick> {
  const draw = createDraw();
  let price = 2_500_000;
  let step = 0;
  for (let minute = 0; minute < MINUTES[name]; minute++) {
    const stepBefore = step;
    step = draw(2001) - 1000;
    yield reference('kraken', 'EUR-USD', minute, (10_800 + draw(21) - 10) / 10_000);
    yield reference('coinbase', 'USDT-USD', minute, (10_000 + draw(21) - 10) / 10_000);
    const before = price;
    price += step;
    if (name === 'ends' && minute === 1250) yield status(TradingStatus.TRADING_STATUS_HALTED);
    if (name === 'ends' && minute === 1300) yield status(TradingStatus.TRADING_STATUS_ONLINE);
    for (const [index, { venue, quote }] of LEGS.entries()) {
      const isOwn = index === OWN;
      let close = (isOwn ? price - step : price) + draw(801) - 400;
      let open = (isOwn ? before - stepBefore : before) + draw(801) - 400;
      const volume = 1 + draw(5000);
      const skip = draw(10);
      if (name === 'flat') close = open = 2_500_000;
      if (name === 'silent' && isOwn && minute < 950) open = close;
      const isOut =
        (name === 'ends' && index === 0 && minute >= 1000) || (name === 'silent' && isOwn && minute >= 1200 && minute < 1500);
      if ((minute > 0 && skip < index) || isOut) continue;
      const shape = { open: open / 100, high: Math.max(open, close) / 100, low: Math.min(open, close) / 100, close: close / 100 };
      const start = START + minute * MINUTE;
      const value = { start, ...shape, volume: volume / 1000, trades: -1 };
      yield Tick.fromPartial({
        asset: 'ETH',
        venue,
        instrument: `ETH-${quote}`,
        exchangeTime: (start + MINUTE) * 1000,
        event: { $case: 'candle', value },
      });
    }
    yield Tick.fromPartial({ event: { $case: 'clock', value: { t: START + (minute + 1) * MINUTE } } });
  }
}

function reference(source: string, series: string, minute: number, value: number): Tick {
  const effectiveT = START + (minute + 1) * MINUTE;
  return Tick.fromPartial({ event: { $case: 'reference', value: { source, series, seq: minute + 1, value, effectiveT } } });
}

function status(value: TradingStatus): Tick {
  return Tick.fromPartial({
    asset: 'ETH',
    venue: 'kraken',
    instrument: 'ETH-USD',
    event: { $case: 'status', value: { status: value } },
  });
}

function createDraw(): (below: number) => number {
  let state = 12_345;
  return (below) => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0;
    return (state >>> 16) % below;
  };
}
