/** Answers of Deribit's making, with numbers of ours: a smile of two expiries, a perpetual and two dated futures. */
import { json, type RecordedRequest } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TIME = NOW - 5_000;
const LEVELS: Readonly<Record<string, number>> = { BTC: 91_000, ETH: 3_000 };

export const deribitSample: SourceSample = {
  now: NOW,
  answers: {
    '/get_book_summary_by_currency': ({ query }: RecordedRequest) => {
      const coin = query.get('currency') ?? '';
      return answer(query.get('kind') === 'option' ? options(coin) : futures(coin));
    },
    '/get_trade_volumes': answer([
      { currency: 'BTC', puts_volume: 8_123.5, calls_volume: 12_345.6, futures_volume: 4_567.8, spot_volume: 1.2 },
      { currency: 'ETH', puts_volume: 60_123, calls_volume: 45_678, futures_volume: 9_876.5, spot_volume: 3.4 },
    ]),
    '/get_volatility_index_data': answer({
      data: [180, 120, 60].map((ago) => [TIME - ago * 1000 - 55_000, 45.1, 45.3, 45.0, 45 + ago / 1000]),
      continuation: null,
    }),
  },
};

function answer(result: unknown) {
  return json({ jsonrpc: '2.0', result, usIn: (TIME - 40) * 1000, usOut: TIME * 1000, usDiff: 40_000, testnet: false });
}

function options(coin: string): unknown[] {
  const forward = LEVELS[coin] ?? 1;
  return ['25NOV26', '4DEC26'].flatMap((expiry, far) =>
    [80, 85, 90, 95, 100, 105, 110, 115, 120].flatMap((percent) =>
      ['C', 'P'].map((side) => ({
        instrument_name: `${coin}-${expiry}-${Math.round((forward * percent) / 100)}-${side}`,
        ...{ creation_timestamp: TIME, open_interest: 100 + percent, mark_price: 0.01, underlying_price: forward },
        ...{ mark_iv: 42 + far + Math.abs(percent - 102) / 2, bid_price: null, volume: 1.5 },
      })),
    ),
  );
}

function futures(coin: string): unknown[] {
  const index = LEVELS[coin] ?? 1;
  const future = (name: string, premium: number) => ({
    ...{ instrument_name: `${coin}-${name}`, creation_timestamp: TIME, open_interest: 100_000_000 },
    ...{ mark_price: index * (1 + premium), estimated_delivery_price: index, volume: 12.3 },
  });
  return [
    { ...future('PERPETUAL', 0.0001), funding_8h: 0.0000123, current_funding: 0 },
    future('25DEC26', 0.006),
    future('29JAN27', 0.013),
  ];
}
