/** Every venue there is: a new one adds its folder and its line here. */
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { binance } from './binance/feed.ts';
import { binanceus } from './binanceus/feed.ts';
import { bitstamp } from './bitstamp/feed.ts';
import { isBlocked } from './blocked.ts';
import { bybit } from './bybit/feed.ts';
import { coinbase } from './coinbase/feed.ts';
import { gemini } from './gemini/feed.ts';
import { kraken } from './kraken/feed.ts';
import { okx } from './okx/feed.ts';
import { type Venue, type VenueEndpoints } from './venue.ts';

export type { VenueEndpoints } from './venue.ts';

export const VENUES: Readonly<Record<string, Venue>> = { coinbase, kraken, binance, binanceus, bitstamp, bybit, gemini, okx };

/** What is listened to without being asked for: dense trade ids and quotes in dollars, reachable from most countries (docs/decisions/020). */
export const DEFAULT_VENUES: readonly string[] = ['coinbase', 'kraken'];

/** Throws `TRB_UNKNOWN_VENUE`. */
export function findVenue(id: string): Venue {
  const venue = Object.hasOwn(VENUES, id) ? VENUES[id] : undefined;
  if (venue !== undefined) return venue;
  throw new TributaryError('TRB_UNKNOWN_VENUE', `"${id}" is no venue.`, {
    hint: `Known are: ${Object.keys(VENUES).join(', ')}.`,
  });
}

/** What is subscribed of a venue for what was asked for: where it has no dollar markets, the one in what takes the dollar's place. */
export function instrumentsAt(id: string, symbols: readonly string[]): string[] {
  const { dollar } = findVenue(id);
  const names = symbols.map((symbol) => {
    const { base, quote } = parseInstrument(symbol);
    return quote === 'USD' && base !== dollar ? `${base}-${dollar}` : symbol;
  });
  return [...new Set(names)];
}

export interface ProbeOptions {
  readonly timeoutMs: number;
  readonly endpoints?: VenueEndpoints | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** `blocked`: it answers, and does not serve this address (403, 451). */
export type VenueState = 'answers' | 'blocked' | 'silent';

/** Whether the venue's public REST API tells the time within `timeoutMs`. Never rejects, but for an unknown venue. */
export async function probeVenue(id: string, { timeoutMs, endpoints, signal }: ProbeOptions): Promise<VenueState> {
  const venue = findVenue(id);
  const baseUrl = (endpoints ?? venue.endpoints).rest;
  const rest = venue.createRest({ baseUrl, clock: systemClock, timeoutMs, maxRetries: 0 });
  try {
    await rest.time(signal ?? new AbortController().signal);
    return 'answers';
  } catch (thrown) {
    return isBlocked(thrown) ? 'blocked' : 'silent';
  }
}
