/** Venues, real or simulated: ingest of each, the clock, and candles by REST into the archive. */
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { CONTEXT_REACH, mergeContext } from '#libs/history/context-events.ts';
import { streamCandles } from '#libs/store/candles.ts';
import { streamContextValues } from '#libs/store/context-values.ts';
import { type Store } from '#libs/store/port.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { exportContext } from '#services/backfill/export-context.ts';
import { exportCandles, runBackfill } from '#services/backfill/service.ts';
import { runClock } from '#services/clock/service.ts';
import { SOURCES } from '#services/context/sources/registry.ts';
import { watchVenueSkew } from '#services/clock/venue-skew.ts';
import { runIngest } from '#services/ingest/service.ts';
import { type VenueEndpoints, VENUES } from '#services/ingest/venues/registry.ts';
import { FIRST_FETCH_MS, upContext } from './context.ts';
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
  const venues = Object.keys(VENUES);
  /** Venues that list no symbol that was asked for. */
  const withNothing = new Set<string>();
  const venueEndpoints = Object.fromEntries(venues.map((venue) => [venue, endpoints[venue]]));
  const ingest = (context: ServiceContext, venue: string, signal: AbortSignal): Promise<void> => {
    const at = endpoints[venue];
    const where = at === undefined ? {} : { endpoints: at };
    return runIngest(context, { venue, instruments: [...options.symbols], unknownInstruments: 'skip', ...where }, signal).catch(
      (thrown: unknown) => {
        if (!(thrown instanceof TributaryError && thrown.code === 'TRB_UNKNOWN_SYMBOL')) throw thrown;
        if (withNothing.add(venue).size === venues.length) throw thrown;
        context.logger.warn(`${describeError(thrown)} It is left out.`);
        context.health.set(`ingest ${venue}`, { ready: true, detail: 'lists nothing that was asked for' });
      },
    );
  };
  // Outside calls are for live data alone.
  const outside = kind === 'live' ? upContext(options, SOURCES) : undefined;
  return {
    kind,
    close,
    feeds: () => [
      ...venues.map((venue): readonly [string, FeedRun] => [
        `ingest ${venue}`,
        (context, signal) => ingest(context, venue, signal),
      ]),
      ['clock', (context, signal) => runClock(context, { skew: watchVenueSkew(venueEndpoints, context, signal) }, signal)],
      ...(outside === undefined ? [] : [['context', outside.feed] as const]),
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
      const soon = AbortSignal.any([signal, AbortSignal.timeout(FIRST_FETCH_MS)]);
      await Promise.all([fetchDays(options.historyDays), outside?.fetchDays(context, store, options.historyDays, soon)]);
      return {
        ticks: () => storedTicks(store),
        exportTo: (file) => exportCandles(store, file),
        exportContextTo: (file) => exportContext(store, file),
        deepen: async () => {
          if (kind !== 'live') return;
          await Promise.all([fetchDays(DEEP_DAYS), outside?.fetchDays(context, store, DEEP_DAYS, signal)]);
        },
      };
    },
  };
}

/** The archive's candles and context values as the events of a log. */
export async function* storedTicks(store: Store): AsyncGenerator<Tick> {
  const rows = [];
  for await (const block of streamCandles(store)) rows.push(...block);
  const from = rows[0] === undefined ? {} : { from: rows[0].start - CONTEXT_REACH };
  yield* mergeContext(candlesToTicks(rows), streamContextValues(store, from));
}
