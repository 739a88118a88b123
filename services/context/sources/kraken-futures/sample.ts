/** Answers of Kraken Futures' making, with numbers of ours. */
import { json } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const NOW = Date.UTC(2026, 10, 20, 12);

export const krakenFuturesSample: SourceSample = {
  now: NOW,
  answers: {
    '/tickers': json({
      result: 'success',
      serverTime: '2026-11-20T11:59:58.250Z',
      tickers: [
        {
          symbol: 'PI_XBTUSD',
          markPrice: 91_000,
          indexPrice: 90_990,
          openInterest: 21_000_000,
          fundingRate: -4e-9,
          suspended: false,
        },
        {
          symbol: 'PF_XBTUSD',
          markPrice: 91_010,
          indexPrice: 90_990,
          openInterest: 1_234.5,
          fundingRate: 0.91,
          suspended: false,
        },
        {
          symbol: 'PF_ETHUSD',
          markPrice: 3_003,
          indexPrice: 3_001,
          openInterest: 23_456.7,
          fundingRate: -0.03,
          suspended: false,
        },
        { symbol: 'FF_XBTUSD_261225', markPrice: 91_800, indexPrice: 90_990, openInterest: 40, suspended: false },
        { symbol: 'FF_XBTUSD_270326', markPrice: 93_100, indexPrice: 90_990, openInterest: 12, suspended: false },
      ],
    }),
  },
};
