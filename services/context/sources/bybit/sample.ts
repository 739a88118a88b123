/** Answers of Bybit's making, with numbers of ours. */
import { json, type RecordedRequest } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TIME = NOW - 2_000;
const answer = (list: readonly unknown[]) => json({ retCode: 0, retMsg: 'OK', result: { category: 'linear', list }, time: TIME });

export const bybitSample: SourceSample = {
  now: NOW,
  answers: {
    '/v5/market/tickers': answer([
      {
        symbol: 'BTCUSDT',
        markPrice: '91012.3',
        fundingRate: '0.00012',
        nextFundingTime: String(NOW + 14_400_000),
        openInterest: '52123.4',
      },
      {
        symbol: 'ETHUSDT',
        markPrice: '3003.1',
        fundingRate: '-0.00003',
        nextFundingTime: String(NOW + 14_400_000),
        openInterest: '812345.6',
      },
      { symbol: 'BTC-25DEC26', markPrice: '91800', fundingRate: '', nextFundingTime: '0', openInterest: '12.3' },
    ]),
    '/v5/market/instruments-info': ({ query }: RecordedRequest) =>
      answer([
        { symbol: query.get('symbol'), status: 'Trading', fundingInterval: query.get('symbol') === 'ETHUSDT' ? 240 : 480 },
      ]),
  },
};
