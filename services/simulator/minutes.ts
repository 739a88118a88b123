/** The simulator's minutes without its sockets: what both venues' REST would serve, straight from the market that serves it. */
import { type CandleRow } from '#libs/history/rows.ts';
import { openFloor } from './floor.ts';
import { listings } from './listing.ts';
import { type Edge } from './market.ts';

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

export interface MinutesOptions {
  readonly seed: number;
  readonly edge: Edge;
  /** Milliseconds; default: never. */
  readonly leaderChangesAt?: number;
  /** BASE-QUOTE. */
  readonly symbol: string;
  /** Until when, milliseconds, and how many days before. */
  readonly until: number;
  readonly days: number;
}

/** In order of minute and venue; minutes that nobody traded in are left out. */
export async function simulatedMinutes({ symbol, until, days, ...market }: MinutesOptions): Promise<CandleRow[]> {
  const traded = listings([symbol], 1.5).filter(({ instrument }) => instrument.name === symbol);
  const sizes = { historyDays: days, ledgerSize: 100, messagesPerSecond: undefined };
  const { pits } = await openFloor({ ...market, ...sizes, listings: traded }, until);
  const rows: CandleRow[] = [];
  for (let minute = (until - days * DAY) / MINUTE; minute < until / MINUTE; minute++) {
    for (const { listing, candles } of pits) {
      const candle = candles.merge(minute, minute + 1);
      if (candle === undefined) continue;
      const [price, size] = [10 ** listing.priceDigits, 10 ** listing.sizeDigits];
      rows.push({
        venue: listing.venue,
        instrument: symbol,
        start: minute * MINUTE,
        open: candle.open / price,
        high: candle.high / price,
        low: candle.low / price,
        close: candle.close / price,
        volume: candle.volume / size,
        trades: candle.trades,
      });
    }
  }
  return rows;
}
