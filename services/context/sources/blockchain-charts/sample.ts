/** Answers of blockchain.info's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const DAY = 86_400;
const LAST = Date.UTC(2026, 10, 18) / 1000;

const chart = (name: string, values: readonly number[]) =>
  json({
    status: 'ok',
    name,
    period: 'day',
    values: values.map((y, index) => ({ x: LAST - (values.length - 1 - index) * DAY, y })),
  });

export const blockchainChartsSample: SourceSample = {
  now: NOW,
  answers: {
    '/n-unique-addresses': chart('Unique Addresses Used', [512_300, 498_120, 530_455, 541_870]),
    '/n-transactions': chart('Confirmed Transactions Per Day', [402_310, 388_420, 411_009, 423_555]),
    '/estimated-transaction-volume-usd': chart('Estimated Transaction Value', [6.1e9, 5.8e9, 7.4e9, 6.9e9]),
  },
};
