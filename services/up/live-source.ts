/** Venues, real or simulated: ingest of each, the clock, and candles by REST into the archive. */
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { type Source } from '#libs/service/service.ts';
import { streamCandles } from '#libs/store/candles.ts';
import { type Store } from '#libs/store/port.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { exportCandles, runBackfill } from '#services/backfill/service.ts';
import { runClock } from '#services/clock/service.ts';
import { watchVenueSkew } from '#services/clock/venue-skew.ts';
import { ingestOfEach } from '#services/ingest/several.ts';
import { type VenueEndpoints } from '#services/ingest/venues/registry.ts';
import { showProgress } from './progress.ts';
import { type FeedRun, type MarketSource, type SourceOptions } from './source.ts';

/** How far back the background goes, days. */
const DEEP_DAYS = 30;

export function openLive(
  kind: Exclude<Source, 'replay'>,
  endpoints: Readonly<Record<string, VenueEndpoints>>,
  options: SourceOptions,
  close: () => Promise<void>,
): MarketSource {
  const { venues } = options;
  const venueEndpoints = Object.fromEntries(venues.map((venue) => [venue, endpoints[venue]]));
  const ingest = ingestOfEach({ venues, symbols: options.symbols, endpoints });
  return {
    kind,
    close,
    feeds: () => [
      ...venues.map((venue): readonly [string, FeedRun] => [
        `ingest ${venue}`,
        (context, signal) => ingest(context, venue, signal),
      ]),
      ['clock', (context, signal) => runClock(context, { skew: watchVenueSkew(venueEndpoints, context, signal) }, signal)],
    ],
    history: async (context, store, signal) => {
      const fetchDays = async (days: number): Promise<void> => {
        const progress = showProgress('history', context.logger);
        await runBackfill({
          store,
          venues,
          instruments: options.symbols,
          days,
          endpoints,
          onProgress: (done, total) => progress.update(done, total),
          clock: context.clock,
          logger: context.logger,
          signal,
        }).finally(() => progress.stop());
      };
      await fetchDays(options.historyDays);
      return {
        ticks: () => storedTicks(store),
        exportTo: (file) => exportCandles(store, file),
        deepen: async () => {
          if (kind === 'live') await fetchDays(DEEP_DAYS);
        },
      };
    },
  };
}

/** The archive's candles as the events of a log. */
export async function* storedTicks(store: Store): AsyncGenerator<Tick> {
  const rows = [];
  for await (const block of streamCandles(store)) rows.push(...block);
  yield* candlesToTicks(rows);
}
