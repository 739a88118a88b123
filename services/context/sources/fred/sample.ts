/** Answers of FRED's making, with numbers of ours. */
import { text, type RecordedRequest } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

const LEVELS: Readonly<Record<string, number>> = { SP500: 6512.34, VIXCLS: 18.21, DTWEXBGS: 121.3456, DGS10: 4.12 };

export const fredSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 12),
  answers: {
    '/fredgraph.csv': ({ query }: RecordedRequest) => {
      const id = query.get('id') ?? '';
      const level = LEVELS[id] ?? 0;
      const days = ['2026-11-10', '2026-11-11', '2026-11-12', '2026-11-13', '2026-11-16', '2026-11-17', '2026-11-18'];
      const rows = days.map((day, i) => `${day},${i === 1 ? '' : (level + i / 100).toFixed(2)}`);
      return text(`observation_date,${id}\n${rows.join('\n')}\n`);
    },
  },
};
