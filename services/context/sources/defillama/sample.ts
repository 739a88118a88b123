/** Answers of DefiLlama's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

export const defillamaSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 12),
  undated: ['stablecoin_supply', 'usdt_supply'],
  answers: {
    '/stablecoins': json({
      peggedAssets: [
        { id: '1', name: 'Tether', symbol: 'USDT', pegType: 'peggedUSD', circulating: { peggedUSD: 184_982_958_937.9 } },
        { id: '2', name: 'USD Coin', symbol: 'USDC', pegType: 'peggedUSD', circulating: { peggedUSD: 72_873_769_590.2 } },
        { id: '50', name: 'A euro coin', symbol: 'EUR', pegType: 'peggedEUR', circulating: { peggedEUR: 120_000_000 } },
      ],
    }),
  },
};
