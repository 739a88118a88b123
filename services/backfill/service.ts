/**
 * Backfill: candles of one minute by REST into the store, never into the log. It asks the store which minutes have been asked for and
 * fetches the others only, so each (venue, instrument, minute) enters once and a run that was cut off goes on where it stopped.
 */
import { setMaxListeners } from 'node:events';
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { parseInstrument } from '#libs/market/instrument.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { writeTable } from '#libs/history/write-table.ts';
import {
  type CandleQuery,
  coveredMinutes,
  insertCandles,
  missingRanges,
  streamCandles,
  type TimeRange,
} from '#libs/store/candles.ts';
import { type Store } from '#libs/store/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { findVenue, instrumentsAt } from '#services/ingest/venues/registry.ts';
import { findCandleSource } from './venues/registry.ts';
import { type CandleSource, MINUTE } from './venues/source.ts';

export interface BackfillOptions {
  /** Migrated. */
  readonly store: Store;
  readonly venues: readonly string[];
  /**
   * BASE-QUOTE; a venue without dollar markets gives what takes their place. Where any is quoted in a stablecoin or in euro, the rates that
   * convert it are fetched too.
   */
  readonly instruments: readonly string[];
  /** How far back; a venue that keeps less gives less. Or `from` and `to`. */
  readonly days?: number;
  /** Milliseconds, `to` excluded, in whole minutes. Default: `days` before the venue's time, until then. */
  readonly from?: number;
  readonly to?: number;
  /** REST addresses by venue, instead of the public ones. */
  readonly endpoints?: Readonly<Record<string, { readonly rest: string } | undefined>>;
  /** Pages fetched and pages there are, all venues together. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface BackfillReport {
  /** Candles that are new in the store. */
  readonly candles: number;
  /** Rows that no market can have made: left out. */
  readonly absurd: number;
  readonly pages: number;
  /** What could not be fetched in full; the next run goes on there. */
  readonly failures: readonly { readonly venue: string; readonly instrument: string; readonly error: TributaryError }[];
}

/** How long after its end a minute is taken for complete at the venue. */
const SETTLE_MS = 5000;
/** Pages that enter the store together: large inserts, and little lost when a run is cut off. */
const PAGES_PER_INSERT = 10;
const DAY = 86_400_000;
const DEFAULT_DAYS = 7;

/** A venue that fails costs its own history only. Errors: `TRB_UNKNOWN_VENUE`, those of the store. */
export async function runBackfill(options: BackfillOptions): Promise<BackfillReport> {
  // Each page in flight listens: more than the ten of a usual signal.
  const signal = AbortSignal.any([options.signal]);
  setMaxListeners(100, signal);
  const backfill = new Backfill({ ...options, signal });
  return backfill.run();
}

/** Writes the candles as a history file (`.csv.gz`); returns how many. */
export function exportCandles(store: Store, file: string, query: CandleQuery = {}): Promise<number> {
  return writeTable(file, CANDLE_COLUMNS, streamCandles(store, query), lineOf);
}

const CANDLE_COLUMNS = ['ts', 'venue', 'symbol', 'open', 'high', 'low', 'close', 'volume', 'trades'];

function lineOf(c: CandleRow): string {
  const ts = new Date(c.start).toISOString().slice(0, 19);
  return `${ts}Z,${c.venue},${c.instrument},${c.open},${c.high},${c.low},${c.close},${c.volume},${c.trades < 0 ? '' : c.trades}\n`;
}

interface Job {
  readonly venue: string;
  readonly instrument: string;
  readonly source: CandleSource;
  /** Pages in order of time, in groups that enter the store together; each group without a hole. */
  readonly groups: readonly (readonly TimeRange[])[];
}

class Backfill {
  readonly #options: BackfillOptions;
  readonly #failures: { venue: string; instrument: string; error: TributaryError }[] = [];
  #candles = 0;
  #absurd = 0;
  #done = 0;
  #total = 0;

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  async run(): Promise<BackfillReport> {
    const { venues, logger } = this.#options;
    const sources = venues.map((venue) => [venue, this.#open(venue)] as const);
    const planned = await Promise.all(sources.map(([venue, source]) => this.#plan(venue, source)));
    const jobs = planned.flat();
    this.#total = jobs.flatMap(({ groups }) => groups.flat()).length;
    this.#progress(0);
    await Promise.all(jobs.map((job) => this.#guard(job.venue, job.instrument, () => this.#fetch(job))));
    const report = { candles: this.#candles, absurd: this.#absurd, pages: this.#done, failures: this.#failures };
    logger.info({ ...report, failures: report.failures.length }, 'backfill done');
    return report;
  }

  #open(venue: string): CandleSource {
    const { endpoints = {}, clock, logger } = this.#options;
    return findCandleSource(venue)({ baseUrl: endpoints[venue]?.rest, clock, logger });
  }

  async #plan(venue: string, source: CandleSource): Promise<Job[]> {
    const { store, signal } = this.#options;
    let now = 0;
    const answers = await this.#guard(venue, '*', async () => {
      now = await source.now(signal);
    });
    if (!answers) return [];
    const range = this.#range(now, source);
    return Promise.all(
      this.#wanted(venue).map(async (instrument) => {
        const covered = await coveredMinutes(store, venue, instrument);
        const missing = missingRanges(range, covered);
        return { venue, instrument, source, groups: missing.flatMap((range) => groupsOf(range, source.pageMinutes)) };
      }),
    );
  }

  /** Closed minutes that the venue still has; empty where it keeps none of what was asked for. */
  #range(now: number, { depthMinutes }: CandleSource): TimeRange {
    const { days = DEFAULT_DAYS, from, to } = this.#options;
    const closed = Math.floor((now - SETTLE_MS) / MINUTE) * MINUTE;
    const end = Math.min(closed, Math.floor((to ?? closed) / MINUTE) * MINUTE);
    const first = from === undefined ? end - Math.ceil((days * DAY) / MINUTE) * MINUTE : Math.floor(from / MINUTE) * MINUTE;
    return { from: Math.min(Math.max(first, closed - depthMinutes * MINUTE), end), to: end };
  }

  /** Instruments of a venue: what was asked for there, then the rates. */
  #wanted(venue: string): readonly string[] {
    const { venues, instruments } = this.#options;
    const isConverted = venues
      .flatMap((id) => instrumentsAt(id, instruments))
      .some((name) => parseInstrument(name).quote !== 'USD');
    const rates = isConverted ? findVenue(venue).rates : [];
    return [...new Set([...instrumentsAt(venue, instruments), ...rates])];
  }

  async #fetch({ venue, instrument, source, groups }: Job): Promise<void> {
    const { store, signal } = this.#options;
    for (const group of groups.toReversed()) {
      const pages = await Promise.all(
        group.map(async (range) => {
          const page = await source.page(instrument, range, signal);
          this.#progress(1);
          return page;
        }),
      );
      const candles = pages.flatMap((page) => page.candles);
      await insertCandles(store, venue, instrument, { from: group[0]!.from, to: group.at(-1)!.to }, candles, 'rest');
      this.#candles += candles.length;
      this.#absurd += pages.reduce((sum, { absurd }) => sum + absurd, 0);
    }
  }

  /** False, and noted, when the venue failed. What went wrong at the store is thrown on. */
  async #guard(venue: string, instrument: string, work: () => Promise<void>): Promise<boolean> {
    const { logger, signal } = this.#options;
    try {
      await work();
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      if (!(thrown instanceof TributaryError) || thrown.code.startsWith('TRB_STORE')) throw thrown;
      // A rate that the venue does not quote was not asked for by name.
      const isOwn = instrument === '*' || instrumentsAt(venue, this.#options.instruments).includes(instrument);
      if (!isOwn && thrown.code === 'TRB_UNKNOWN_SYMBOL') return false;
      this.#failures.push({ venue, instrument, error: thrown });
      logger.warn({ venue, instrument, code: thrown.code }, `history is left out: ${describeError(thrown)}`);
      return false;
    }
  }

  #progress(pages: number): void {
    this.#done += pages;
    this.#options.onProgress?.(this.#done, this.#total);
  }
}

/** The range in pages, whole ones at the old end, in groups. */
function groupsOf(range: TimeRange, pageMinutes: number): TimeRange[][] {
  const groups: TimeRange[][] = [];
  for (let from = range.from, page = 0; from < range.to; from += pageMinutes * MINUTE, page++) {
    const group = page % PAGES_PER_INSERT === 0 ? [] : groups.at(-1)!;
    if (group.length === 0) groups.push(group);
    group.push({ from, to: Math.min(from + pageMinutes * MINUTE, range.to) });
  }
  return groups;
}
