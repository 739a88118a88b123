/** Answers of mempool.space's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TODAY = Date.UTC(2026, 10, 20) / 1000;
const DAY = 86_400;

export const mempoolSpaceSample: SourceSample = {
  now: NOW,
  undated: ['difficulty_next_pct', 'fee_fastest', 'fee_half_hour', 'fee_economy', 'mempool_vsize'],
  answers: {
    '/v1/mining/hashrate/1m': json({
      hashrates: [
        { timestamp: TODAY - 2 * DAY, avgHashrate: 1.0364e21 },
        { timestamp: TODAY - DAY, avgHashrate: 1.0174e21 },
      ],
      difficulty: [],
      currentHashrate: 1.252e21,
      currentDifficulty: 125_864_590_119_494,
    }),
    '/v1/mining/difficulty-adjustments/3m': json([
      [TODAY - 6 * DAY, 923_328, 125_864_590_119_494, 1.0241],
      [TODAY - 20 * DAY, 921_312, 122_902_636_578_942, 0.9904],
    ]),
    '/v1/difficulty-adjustment': json({ progressPercent: 44.4, difficultyChange: 1.82, nextRetargetHeight: 925_344 }),
    '/v1/fees/recommended': json({ fastestFee: 12, halfHourFee: 10, hourFee: 8, economyFee: 4, minimumFee: 2 }),
    '/mempool': json({ count: 41_200, vsize: 18_450_300, total_fee: 61_200_000 }),
  },
};
