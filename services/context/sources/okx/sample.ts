/** Answers of OKX's making, with numbers of ours. */
import { json, type RecordedRequest } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TIME = NOW - 4_000;
const HOUR = 3_600_000;

export const okxSample: SourceSample = {
  now: NOW,
  answers: {
    '/api/v5/public/funding-rate': ({ query }: RecordedRequest) =>
      json({
        code: '0',
        data: [
          {
            ...{
              instId: query.get('instId'),
              instType: 'SWAP',
              method: 'current_period',
              nextFundingRate: '',
              settState: 'settled',
            },
            ...{
              fundingRate: '0.00008',
              fundingTime: String(NOW + 4 * HOUR),
              nextFundingTime: String(NOW + 12 * HOUR),
              ts: String(TIME),
            },
          },
        ],
        msg: '',
      }),
    '/api/v5/public/open-interest': ({ query }: RecordedRequest) =>
      json({
        code: '0',
        data: [
          {
            instId: query.get('instId'),
            instType: 'SWAP',
            oi: '2125419',
            oiCcy: '21254.19',
            oiUsd: '1930000000',
            ts: String(TIME),
          },
        ],
        msg: '',
      }),
  },
};
