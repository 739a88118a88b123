/** Where the data of a running instance comes from: the venues, the built-in simulator in their place, or a recorded file. */
import { TributaryError } from '#libs/errors/errors.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type ServiceContext, type Source } from '#libs/service/service.ts';
import { type Store } from '#libs/store/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
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
  /** Days of candles before the first training. */
  readonly historyDays: number;
  /** With `replay`: a file of candles. */
  readonly history?: string;
  /** With `replay`: recorded minutes per second. */
  readonly speed: number;
  /** With `sim`: whether there is anything to predict. */
  readonly edge: 'lag' | 'none';
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

/** Errors: `TRB_NO_VENUE` (`live` and nobody answers), `TRB_UNKNOWN_SYMBOL`, `TRB_SIMULATOR`, `TRB_USAGE`, `TRB_HISTORY_…`. */
export async function openSource(options: SourceOptions, logger: Logger, signal: AbortSignal): Promise<MarketSource> {
  if (options.source === 'replay') return openReplay(options, logger);
  if (options.source !== 'sim') {
    const venues = await answeringVenues(signal);
    if (venues.answering.length > 0) {
      if (venues.silent.length > 0) logger.warn(`${venues.silent.join(', ')} does not answer yet; ingest goes on trying`);
      return openLive('live', {}, options, () => Promise.resolve());
    }
    if (options.source === 'live') throw noVenue();
    logger.warn('no venue answered within 10 s: running on the built-in simulator. Everything it shows is SIMULATED.');
  }
  const symbols = simulated(options.symbols);
  const simulator = await startSimulatorProcess({ ...options, symbols, historyDays: options.historyDays + 1 }, logger, signal);
  return openLive('sim', simulator.venues, options, simulator.close);
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
