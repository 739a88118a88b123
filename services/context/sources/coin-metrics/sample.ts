/** Answers of Coin Metrics' making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json, type RecordedRequest, type Reply } from '../../testing/recorded.ts';

const DAYS = ['2026-11-17', '2026-11-18'];
const VALUES: Readonly<Record<string, readonly number[]>> = {
  btc: [595_445, 601_208],
  eth: [498_777, 505_120],
};

export const coinMetricsSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 12),
  answers: {
    '/timeseries/asset-metrics': ({ query }: RecordedRequest): Reply => {
      const metric = query.get('metrics') ?? '';
      const rows = Object.entries(VALUES).flatMap(([asset, values]) =>
        values.map((value, index) => ({ asset, time: `${DAYS[index]}T00:00:00.000000000Z`, [metric]: String(value) })),
      );
      return json({ data: rows });
    },
  },
};
