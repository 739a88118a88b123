import { expect, test } from '@jest/globals';
import { observe, recordedFile, serveRecorded } from '../../testing/recorded.ts';
import { Chart, chartObservations, defillama } from './source.ts';

const DAY = 86_400_000;

test('the recorded supply is the sum of what is pegged to the dollar', async () => {
  const recorded = recordedFile('responses/onchain/defillama-stablecoins.json');
  if (recorded === undefined) return;
  const server = await serveRecorded({ '/stablecoins': recorded });
  try {
    const { observations } = await observe(defillama, server, { now: 1_705_262_221_000 });
    expect(observations.map(({ series, value }) => [series, Math.round(value)])).toEqual([
      ['stablecoin_supply', 143_491_741_355],
      ['usdt_supply', 94_982_958_938],
    ]);
  } finally {
    await server.close();
  }
});

test('a day of the chart is known at noon of the next; one without dollars is left out', () => {
  const days = Chart.parse([
    { date: '1609372800', totalCirculating: { peggedUSD: 28_500_000_000, peggedEUR: 120_000_000 } },
    { date: '1609459200', totalCirculating: { peggedEUR: 121_000_000 } },
  ]);
  const observedAt = 1_609_372_800_000 + DAY;
  const availableAt = observedAt + DAY / 2;
  expect(chartObservations('stablecoin_supply', days)).toEqual([
    { series: 'stablecoin_supply', value: 28_500_000_000, observedAt, publishedAt: availableAt, availableAt },
  ]);
});
