/** What a venue's file gives: candles of one minute by REST, in pages. */
import { z } from 'zod';
import { type WallClock } from '#libs/clock/clock.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { type TimeRange } from '#libs/store/candles.ts';
import { type Logger } from '#libs/telemetry/logger.ts';

export interface CandleSource {
  /** The venue's own time, milliseconds: which minutes are closed must not hang on our clock. */
  now(signal: AbortSignal): Promise<number>;
  /** How many minutes back the venue goes; Infinity = as far as one wants. */
  readonly depthMinutes: number;
  /** Most minutes of one request. */
  readonly pageMinutes: number;
  /** The minutes of `range` with a trade. Throws `TRB_UNKNOWN_SYMBOL` for what the venue does not list, else `TRB_HTTP_…`. */
  page(instrument: string, range: TimeRange, signal: AbortSignal): Promise<CandlePage>;
}

export interface CandlePage {
  /** Oldest first. */
  readonly candles: readonly CandleRow[];
  /** Rows that no market can have made. */
  readonly absurd: number;
}

export interface SourceDependencies {
  /** Scheme and host; undefined = the venue's public address. */
  readonly baseUrl: string | undefined;
  readonly clock: WallClock;
  readonly logger?: Logger;
}

export type CandleSourceFactory = (dependencies: SourceDependencies) => CandleSource;

export const MINUTE = 60_000;
const HIGHEST_PRICE = 1e9;
/** A price so many times off the page's median is a mistake of the venue, not a market. */
const FARTHEST = 10;

/** A row as venues give it, numbers or text. */
export type RawCandle = Readonly<Record<'start' | 'open' | 'high' | 'low' | 'close' | 'volume' | 'trades', unknown>>;

const Numeric = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d+(\.\d+)?([eE][+-]?\d+)?$/)
    .transform(Number),
]);
const Candle = z
  .object({
    start: Numeric.refine((start) => Number.isSafeInteger(start) && start % MINUTE === 0),
    ...{ open: Numeric, high: Numeric, low: Numeric, close: Numeric },
    volume: Numeric.refine((volume) => volume >= 0),
    trades: Numeric.refine((trades) => Number.isInteger(trades)),
  })
  .refine(
    ({ open, high, low, close }) =>
      low > 0 && low <= Math.min(open, close) && high >= Math.max(open, close) && high < HIGHEST_PRICE,
  );

/** Checks rows, keeps the minutes of `range` that had a trade, each once, oldest first. */
export function toPage(rows: readonly RawCandle[], venue: string, instrument: string, range: TimeRange): CandlePage {
  const byStart = new Map<number, CandleRow>();
  let absurd = 0;
  for (const row of rows) {
    const parsed = Candle.safeParse(row);
    if (!parsed.success) absurd++;
    else if (parsed.data.start >= range.from && parsed.data.start < range.to && parsed.data.volume > 0) {
      byStart.set(parsed.data.start, { venue, instrument, ...parsed.data });
    }
  }
  const found = [...byStart.values()].sort((a, b) => a.start - b.start);
  const closes = found.map(({ close }) => close).sort((a, b) => a - b);
  const median = closes[closes.length >> 1] ?? 0;
  const candles = found.filter(({ low, high }) => low > median / FARTHEST && high < median * FARTHEST);
  return { candles, absurd: absurd + found.length - candles.length };
}
