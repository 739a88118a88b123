/** Generated market data for the benches: shapes and rates of the real thing, prices that mean nothing. */
import { createUniform } from '#libs/indicators/generated-bars.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { Side, Tick } from '#libs/wire/tributary/v1/market.ts';

const VENUES = ['coinbase', 'kraken'] as const;
export const START = Date.UTC(2026, 0, 5);

/** Trades, quotes and book slices of BTC-USD on two venues or those given, `perSecond` events a second, with a clock each second. */
export function generatedTicks(seconds: number, perSecond: number, venues: readonly string[] = VENUES): Tick[] {
  const uniform = createUniform(7);
  const ticks: Tick[] = [];
  const sizes = Array.from({ length: 20 }, (_, i) => 0.1 + i / 20);
  let price = 60_000;
  let sequence = 0;
  for (let second = 0; second < seconds; second += 1) {
    for (let i = 0; i < perSecond; i += 1) {
      sequence += 1;
      price *= 1 + (uniform() - 0.5) * 1e-5;
      const time = (START + second * 1000) * 1000 + Math.floor((i / perSecond) * 1e6);
      const venue = venues[sequence % venues.length]!;
      const at = { asset: 'BTC', venue, instrument: 'BTC-USD', exchangeTime: time, receiveTime: time, sequence };
      const kind = uniform();
      const aggressor = uniform() < 0.5 ? Side.SIDE_BUY : Side.SIDE_SELL;
      const prices = (side: number): number[] => sizes.map((_, level) => price + side * (0.5 + level));
      ticks.push(
        Tick.fromPartial(
          kind < 0.2
            ? {
                ...at,
                event: {
                  $case: 'trade',
                  value: { tradeId: Math.ceil(sequence / venues.length), price, size: uniform(), aggressor },
                },
              }
            : kind < 0.7
              ? {
                  ...at,
                  event: {
                    $case: 'quote',
                    value: { bid: price - 0.5, bidSize: uniform(), ask: price + 0.5, askSize: uniform() },
                  },
                }
              : {
                  ...at,
                  event: {
                    $case: 'book',
                    value: {
                      bidPrices: prices(-1),
                      bidSizes: sizes,
                      askPrices: prices(1),
                      askSizes: sizes,
                      orderFlow: [uniform() - 0.5, 0, 0, 0, 0],
                      updates: 3,
                    },
                  },
                },
        ),
      );
    }
    ticks.push(Tick.fromPartial({ event: { $case: 'clock', value: { t: START + (second + 1) * 1000, writerEpoch: 1 } } }));
  }
  return ticks;
}

/** Minutes of BTC-USD on two venues, the second half a minute behind the first. */
export function generatedCandles(minutes: number): CandleRow[] {
  const uniform = createUniform(11);
  const rows: CandleRow[] = [];
  let price = 60_000;
  let before = price;
  for (let minute = 0; minute < minutes; minute += 1) {
    const next = price * (1 + (uniform() - 0.5) * 1e-3);
    for (const [venue, open, close] of [
      ['coinbase', price, next],
      ['kraken', before, (price + next) / 2],
    ] as const) {
      const start = START + minute * 60_000;
      const volume = uniform() * 5;
      rows.push({
        venue,
        instrument: 'BTC-USD',
        start,
        open,
        high: Math.max(open, close),
        low: Math.min(open, close),
        close,
        volume,
        trades: 10,
      });
    }
    before = (price + next) / 2;
    price = next;
  }
  return rows;
}
