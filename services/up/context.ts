/** Sources outside the venues in the one-process shape: their feed, and their history. Only for live data: the simulator asks nobody. */
import { systemClock } from '#libs/clock/clock.ts';
import { type Store } from '#libs/store/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { runContextBackfill } from '#services/backfill/context.ts';
import { chooseSources } from '#services/context/choose.ts';
import { createHosts } from '#services/context/hosts.ts';
import { assetsOf } from '#services/context/main.ts';
import { runContext } from '#services/context/service.ts';
import { type ContextSource } from '#services/context/sources/source.ts';
import { type FeedRun, type SourceOptions } from './source.ts';

/** Days before the first candle whose values its features may still look at: what a fold keeps of a series. */
const REACH_DAYS = 40;
const DAY = 86_400_000;
/** How long the first decision may wait for context history, ms; what is missing then comes with the deeper history. */
export const FIRST_FETCH_MS = 20_000;

export interface UpContext {
  readonly feed: FeedRun;
  /** Brings what sources keep of the last `days`, and what reaches into them, into the store; gives up when `signal` aborts. */
  fetchDays(context: ServiceContext, store: Store, days: number, signal: AbortSignal): Promise<void>;
}

/** Throws `TRB_UNKNOWN_SOURCE`. `registry`: default every source. */
export function upContext(options: SourceOptions, registry: readonly ContextSource[]): UpContext {
  const sources = chooseSources(registry, options.contextSources);
  const shared = {
    sources,
    assets: assetsOf(options.symbols),
    files: options.contextFiles ?? {},
    environment: process.env,
    hosts: createHosts({ clock: systemClock, random: Math.random }),
    /** Requests for history, which count in the month as well. */
    askedElsewhere: new Map<string, number>(),
  };
  return {
    feed: (context, signal) => runContext(context, shared, signal),
    async fetchDays({ clock, logger }, store, days, signal) {
      const to = Math.floor(clock.now() / 60_000) * 60_000;
      const { askedElsewhere } = shared;
      const onRequest = (source: string): void => void askedElsewhere.set(source, (askedElsewhere.get(source) ?? 0) + 1);
      await runContextBackfill({ ...shared, store, from: to - (days + REACH_DAYS) * DAY, to, clock, logger, signal, onRequest });
    },
  };
}
