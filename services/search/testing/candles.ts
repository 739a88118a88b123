/** Candles that a search can learn from. */
import { createRandom } from '#libs/models/random.ts';

const MINUTE = 60_000;
const START = Date.parse('2024-05-01T00:00:00Z');
const MINUTES = 900;
/** The end of the last minute. */
export const UNTIL = START + MINUTES * MINUTE;

/** Coinbase leads Kraken by a minute, so there is something to learn. */
export function candlesCsv(): string {
  const random = createRandom(3);
  const lines = ['ts,venue,symbol,open,high,low,close,volume,trades'];
  let [last, before] = [30_000, 30_000];
  const line = (ts: string, venue: string, open: number, close: number): string =>
    `${ts},${venue},BTC-USD,${open},${Math.max(open, close) + 1},${Math.min(open, close) - 1},${close},${random.next()},5`;
  for (let minute = 0; minute < MINUTES; minute++) {
    const ts = new Date(START + minute * MINUTE).toISOString();
    const next = last + 40 * (random.next() - 0.5);
    lines.push(line(ts, 'coinbase', last, next), line(ts, 'kraken', before, last));
    [before, last] = [last, next];
  }
  return `${lines.join('\n')}\n`;
}
