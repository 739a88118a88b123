/** Where the data of a running instance comes from: the venues, the built-in simulator in their place, or a recorded file. */
import { TributaryError } from '#libs/errors/errors.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { type Store } from '#libs/store/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { findVenue } from '#services/ingest/venues/registry.ts';
import { KNOWN_ASSETS } from '#services/simulator/listing.ts';
import { openLive } from './live-source.ts';
import { openReplay } from './replay-source.ts';
import { answeringVenues, noVenue } from './probe.ts';
import { startSimulatorProcess } from './simulator-process.ts';

export interface SourceOptions {
  /** `auto`: live where a venue answers within 10 s, else sim. */
  readonly source: 'auto' | Source;
  /** BASE-QUOTE. */
  readonly symbols: readonly string[];
  /** Of the registry; the simulator speaks for the default ones only. */
  readonly venues: readonly string[];
  /** Days of candles before the first training. */
  readonly historyDays: number;
  /** With `replay`: a file of candles. */
  readonly history?: string;
  /** With `replay`: recorded minutes per second. */
  readonly speed: number;
  /** With `sim`: whether there is anything to predict. */
  readonly edge: 'lag' | 'none';
  /** With `sim`: book updates and trades a second over all; default: a calm market's. */
  readonly messagesPerSecond?: number;
  readonly seed: number;
  readonly dataDir: string;
  /** Ids, `default`, `all` or `none`; asked in `live` only. Default `default`. */
  readonly contextSources?: readonly string[];
  /** Files that context sources read, by name. */
  readonly contextFiles?: Readonly<Record<string, string>>;
}

/** A part that writes `ticks`. */
export type FeedRun = (context: ServiceContext, signal: AbortSignal) => Promise<void>;

export interface History {
  /** In availability order, folded before the first event of the log. */
  readonly ticks: () => AsyncIterable<Tick>;
  /** Writes the candles as csv.gz; resolves with their number. */
  exportTo(file: string): Promise<number>;
  /** Writes the context values as csv.gz; absent where there are none. */
  exportContextTo?(file: string): Promise<number>;
  /** Fetches what lies further back, where the source has it. */
  deepen(signal: AbortSignal): Promise<void>;
}

export interface MarketSource {
  readonly kind: Source;
  /** Parts that write `ticks`, by name. */
  feeds(): readonly (readonly [string, FeedRun])[];
  /** Brings history into the store. */
  history(context: ServiceContext, store: Store, signal: AbortSignal): Promise<History>;
  close(): Promise<void>;
}

/** Errors: `TRB_UNKNOWN_VENUE`, `TRB_NO_VENUE` (`live` and nobody answers), `TRB_UNKNOWN_SYMBOL`, `TRB_SIMULATOR`, `TRB_USAGE`, `TRB_HISTORY_…`. */
export async function openSource(options: SourceOptions, logger: Logger, signal: AbortSignal): Promise<MarketSource> {
  options.venues.forEach(findVenue);
  if (options.source === 'replay') return openReplay(options, logger);
  if (options.source !== 'sim') {
    const venues = await answeringVenues(options.venues, signal);
    if (venues.answering.length > 0) {
      if (venues.silent.length > 0) logger.warn(`${venues.silent.join(', ')} does not answer yet; ingest goes on trying`);
      return openLive('live', {}, options, () => Promise.resolve());
    }
    if (options.source === 'live') throw noVenue(venues.blocked);
    logger.warn('no venue answered within 10 s: running on the built-in simulator. Everything it shows is SIMULATED.');
  }
  const symbols = simulated(options.symbols);
  const simulator = await startSimulatorProcess({ ...options, symbols, historyDays: options.historyDays + 1 }, logger, signal);
  const venues = simulatedVenues(options.venues, Object.keys(simulator.venues), logger);
  return openLive('sim', simulator.venues, { ...options, venues }, simulator.close);
}

/** The venues that the simulator speaks for, of those asked for; all of them where it speaks for none. */
function simulatedVenues(asked: readonly string[], simulated: readonly string[], logger: Logger): readonly string[] {
  const beyond = asked.filter((venue) => !simulated.includes(venue));
  if (beyond.length > 0) logger.warn(`the simulator speaks for ${simulated.join(' and ')} only: without ${beyond.join(', ')}`);
  const venues = asked.filter((venue) => simulated.includes(venue));
  return venues.length === 0 ? simulated : venues;
}

/** What the simulator lists of what was asked for; ingest leaves the rest out and says so. */
function simulated(symbols: readonly string[]): string[] {
  const known = symbols.filter((symbol) => {
    const { base, quote } = parseInstrument(symbol);
    return KNOWN_ASSETS.includes(base) && (quote === 'USD' || KNOWN_ASSETS.includes(quote));
  });
  if (known.length > 0) return known;
  throw new TributaryError('TRB_UNKNOWN_SYMBOL', `The simulator does not list ${symbols.join(', ')}.`, {
    hint: `It lists ${KNOWN_ASSETS.join(', ')}, for instance as ${KNOWN_ASSETS[0]!}-USD.`,
  });
}
