/** Answers of Yahoo's making, with numbers of ours. */
import { json } from '../../testing/recorded.ts';
import { type SourceSample } from '../../testing/sample.ts';

/** 09:30 in New York of the days before a Friday, and the bar under way on it. */
const OPENS = [16, 17, 18, 19, 20].map((day) => Date.UTC(2026, 10, day, 14, 30) / 1000);

const chart = json({
  chart: {
    result: [
      {
        meta: { currency: 'USD', symbol: 'X', exchangeTimezoneName: 'America/New_York' },
        timestamp: OPENS,
        indicators: { quote: [{ open: [10, 11, null, 12, 13], close: [10.5, 11.25, null, 12.75, 13.5] }] },
      },
    ],
    error: null,
  },
});

export const yahooSample: SourceSample = {
  now: Date.UTC(2026, 10, 20, 15),
  answers: Object.fromEntries(['%5EGSPC', '%5EVIX', 'DX-Y.NYB', 'GC%3DF', '%5ETNX'].map((symbol) => [`/${symbol}`, chart])),
};
