import { expect, test } from '@jest/globals';
import { json, observeHistory, serveRecorded } from '../../testing/recorded.ts';
import { adjustmentObservations, hashRateObservations } from './mapping.ts';
import { Adjustments, HashRates } from './schema.ts';
import { mempoolSpace } from './source.ts';

const DAY = 86_400_000;

/** As the service's own documentation shows them. */
const HASH_RATES = {
  hashrates: [
    { timestamp: 1_652_486_400, avgHashrate: 236_499_762_108_771_800_000 },
    { timestamp: 1_652_572_800, avgHashrate: 217_473_276_787_331_300_000 },
  ],
  difficulty: [{ timestamp: 1_652_468_330, difficulty: 31_251_101_365_711.12, height: 736_249 }],
  currentHashrate: 252_033_247_355_212_300_000,
  currentDifficulty: 31_251_101_365_711.12,
};
const ADJUSTMENTS = [
  [1_703_311_464, 822_528, 72_006_146_478_567.1, 1.06983],
  [1_702_180_644, 820_512, 67_305_906_902_031.39, 0.990408],
];

test('hash rates are of whole days, in EH/s, known at noon of the next', () => {
  const end = 1_652_572_800_000;
  expect(hashRateObservations(HashRates.parse(HASH_RATES), end + DAY - 1)).toEqual([
    { series: 'hash_rate', value: 236.4997621087718, observedAt: end, publishedAt: end + DAY / 2, availableAt: end + DAY / 2 },
  ]);
  expect(hashRateObservations(HashRates.parse(HASH_RATES), end + DAY)).toHaveLength(2);
});

test('an adjustment has the time of its block', () => {
  expect(adjustmentObservations(Adjustments.parse(ADJUSTMENTS)).slice(0, 2)).toEqual(
    [
      { series: 'difficulty', value: 72_006_146_478_567.1 },
      { series: 'difficulty_adjustment', value: 1.06983 },
    ].map((said) => ({
      ...said,
      observedAt: 1_703_311_464_000,
      publishedAt: 1_703_311_464_000,
      availableAt: 1_703_315_064_000,
    })),
  );
});

test('history asks for the shortest period that reaches back far enough, oldest first', async () => {
  const server = await serveRecorded(({ path }) => json(path.includes('hashrate') ? HASH_RATES : ADJUSTMENTS));
  try {
    const now = Date.UTC(2024, 0, 1);
    const { observations } = await observeHistory(mempoolSpace, server, { from: now - 60 * DAY, to: now }, { now });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/mining/hashrate/3m', '/v1/mining/difficulty-adjustments/3m']);
    expect(observations.map(({ series, value }) => [series, value])).toEqual([
      ['difficulty', 67_305_906_902_031.39],
      ['difficulty_adjustment', 0.990408],
      ['difficulty', 72_006_146_478_567.1],
      ['difficulty_adjustment', 1.06983],
    ]);
  } finally {
    await server.close();
  }
});
