/** Answers of Hyperliquid's making, with numbers of ours. */
import { json } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

export const hyperliquidSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 12),
  undated: ['funding_8h.{asset}', 'open_interest.{asset}'],
  answers: {
    '/info': json([
      {
        universe: [
          { name: 'BTC', szDecimals: 5, maxLeverage: 40 },
          { name: 'MATIC', szDecimals: 1, maxLeverage: 20, isDelisted: true },
          { name: 'ETH', szDecimals: 4, maxLeverage: 25 },
        ],
      },
      [
        { funding: '0.0000125', openInterest: '31234.5', oraclePx: '90990.0', markPx: '91003.0', premium: '0.0001' },
        { funding: '0.0', openInterest: '0.0', oraclePx: '0.3', markPx: '0.3', premium: null },
        { funding: '-0.0000031', openInterest: '512345.6', oraclePx: '3001.0', markPx: '3001.5', premium: '-0.00002' },
      ],
    ]),
  },
};
