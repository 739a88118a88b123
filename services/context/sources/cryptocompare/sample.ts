/** Answers of CryptoCompare's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json, type RecordedRequest, type Reply } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const NUMBERS: Readonly<Record<string, string>> = { BTC: '1182', ETH: '7605' };

const price = (asset: string, value: number) => ({
  TYPE: '5',
  MARKET: 'CCCAGG',
  FROMSYMBOL: asset,
  TOSYMBOL: 'USD',
  PRICE: value,
  LASTUPDATE: NOW / 1000 - 4,
});

export const cryptocompareSample: SourceSample = {
  now: NOW,
  undated: ['social_points.{asset}'],
  answers: {
    '/data/pricemultifull': json({
      RAW: { BTC: { USD: price('BTC', 73_828.09) }, ETH: { USD: price('ETH', 2_512.4) } },
      DISPLAY: {},
    }),
    '/data/top/exchanges/full': ({ query }: RecordedRequest): Reply => {
      const asset = query.get('fsym') ?? '';
      return json({ Response: 'Success', Data: { CoinInfo: { Id: NUMBERS[asset], Name: asset } } });
    },
    '/data/social/coin/latest': json({
      Response: 'Success',
      Data: { General: { Points: 6_123_456 }, Reddit: { subscribers: '6127543', Points: 5_012_345 } },
    }),
  },
};
