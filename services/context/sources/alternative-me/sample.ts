/** Answers of alternative.me's making, with numbers of ours. */
import { type SourceSample } from '../../testing/sample.ts';
import { json } from '../../testing/recorded.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const TODAY = Date.UTC(2026, 10, 20) / 1000;

export const alternativeMeSample: SourceSample = {
  now: NOW,
  answers: {
    '/fng/': json({
      name: 'Fear and Greed Index',
      data: [
        { value: '20', value_classification: 'Extreme Fear', timestamp: String(TODAY), time_until_update: '43200' },
        { value: '24', value_classification: 'Extreme Fear', timestamp: String(TODAY - 86_400) },
      ],
      metadata: { error: null },
    }),
  },
};
