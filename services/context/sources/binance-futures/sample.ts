/** Answers of Binance's making, with numbers of ours. */
import { json, type RecordedRequest } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TIME = NOW - 3_000;
const OPEN: Readonly<Record<string, string>> = { BTCUSDT: '80123.456', ETHUSDT: '1801234.567' };

export const binanceFuturesSample: SourceSample = {
  now: NOW,
  answers: {
    '/fapi/v1/premiumIndex': json([
      { symbol: 'BTCUSDT', markPrice: '91010.1', lastFundingRate: '0.00010000', nextFundingTime: NOW + 14_400_000, time: TIME },
      { symbol: 'ETHUSDT', markPrice: '3003.2', lastFundingRate: '-0.00004000', nextFundingTime: NOW + 14_400_000, time: TIME },
      { symbol: 'BTCUSDT_261225', markPrice: '91800.0', lastFundingRate: '', nextFundingTime: 0, time: TIME },
    ]),
    '/fapi/v1/fundingInfo': json([{ symbol: 'ETHUSDT', fundingIntervalHours: 4, disclaimer: false }]),
    '/fapi/v1/openInterest': ({ query }: RecordedRequest) => {
      const symbol = query.get('symbol') ?? '';
      return json({ symbol, openInterest: OPEN[symbol], time: TIME });
    },
  },
};
