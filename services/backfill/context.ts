/**
 * Context history into the store, from every source that keeps some. Each source is asked for what the store's coverage lacks, a month at
 * a time, the newest first; a month enters with its coverage, so that a run that was cut off goes on where it stopped.
 *
 * A value becomes available when its source says it could first have been read, and never before it was published, nor before the period
 * that it describes was over.
 */
import { type WallClock } from '#libs/clock/clock.ts';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type ContextRow } from '#libs/history/events.ts';
import { type Environment } from '#libs/secrets/secret.ts';
import { missingRanges, type TimeRange } from '#libs/store/candles.ts';
import { coveredContext, insertContextValues } from '#libs/store/context-values.ts';
import { type Store } from '#libs/store/port.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { createHosts, type Hosts } from '#services/context/hosts.ts';
import { readKey } from '#services/context/keys.ts';
import { type ContextSource, type Observation } from '#services/context/sources/source.ts';
import { declarations } from '#services/context/values.ts';

export interface ContextBackfillOptions extends TimeRange {
  /** Migrated. */
  readonly store: Store;
  readonly sources: readonly ContextSource[];
  /** Base assets. */
  readonly assets: readonly string[];
  readonly environment: Environment;
  readonly files?: Readonly<Record<string, string>>;
  readonly clock: WallClock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Shared with others that ask the same hosts. Default: its own. */
  readonly hosts?: Hosts;
  /** Another base URL for a source's host; tests put a local server there. */
  readonly baseUrl?: (source: string, host: string) => string;
  /** Hears of every request. */
  readonly onRequest?: (source: string) => void;
  /** Months fetched and months there are, all sources together. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ContextBackfillReport {
  /** Values that entered the store. */
  readonly values: number;
  /** Values without a time of publication, of no declared series, or that are no numbers: left out. */
  readonly refused: number;
  /** What could not be fetched in full; the next run goes on there. */
  readonly failures: readonly { readonly source: string; readonly error: TributaryError }[];
}

const MONTH_MS = 30 * 86_400_000;

interface Job {
  readonly source: ContextSource;
  readonly assets: readonly string[];
  readonly range: TimeRange;
}

/** A source that fails costs its own history only. Errors: `TRB_CONTEXT_KEY`, those of the store. */
export async function runContextBackfill(options: ContextBackfillOptions): Promise<ContextBackfillReport> {
  return new ContextBackfill(options).run();
}

class ContextBackfill {
  readonly #options: ContextBackfillOptions;
  readonly #hosts: Hosts;
  readonly #failures: { source: string; error: TributaryError }[] = [];
  #values = 0;
  #refused = 0;
  #done = 0;
  #total = 0;

  constructor(options: ContextBackfillOptions) {
    this.#options = options;
    this.#hosts = options.hosts ?? createHosts({ clock: options.clock, random: Math.random, baseUrl: options.baseUrl });
  }

  async run(): Promise<ContextBackfillReport> {
    const { sources, logger } = this.#options;
    const plans = await Promise.all(sources.filter((source) => this.#canBeAsked(source)).map((source) => this.#plan(source)));
    this.#total = plans.flat().length;
    this.#progress(0);
    await Promise.all(plans.map((jobs) => this.#fetchAll(jobs)));
    const report = { values: this.#values, refused: this.#refused, failures: this.#failures };
    logger.info({ ...report, failures: report.failures.length }, 'context history done');
    return report;
  }

  #canBeAsked(source: ContextSource): boolean {
    const { logger, environment } = this.#options;
    if (source.history === undefined) return false;
    if (source.key?.isRequired !== true || readKey(source.key, environment) !== undefined) return true;
    logger.warn(`${source.title}: no history without a key in ${source.key.env}`);
    return false;
  }

  /** What is missing, in months, newest first; assets that lack the same together. */
  async #plan(source: ContextSource): Promise<Job[]> {
    const { store, assets, from, to } = this.#options;
    const lacking = new Map<string, { range: TimeRange; assets: string[] }>();
    for (const asset of assets) {
      for (const missing of missingRanges({ from, to }, await coveredContext(store, source.id, asset))) {
        for (const range of monthsOf(missing)) {
          const key = `${range.from}-${range.to}`;
          const known = lacking.get(key);
          if (known === undefined) lacking.set(key, { range, assets: [asset] });
          else known.assets.push(asset);
        }
      }
    }
    return [...lacking.values()].map((job) => ({ source, ...job })).sort((a, b) => b.range.to - a.range.to);
  }

  async #fetchAll(jobs: readonly Job[]): Promise<void> {
    const { logger, signal } = this.#options;
    for (const job of jobs) {
      const { source } = job;
      try {
        await this.#fetch(job);
      } catch (thrown) {
        if (signal.aborted) return;
        if (thrown instanceof TributaryError && thrown.code.startsWith('TRB_STORE')) throw thrown;
        const error =
          thrown instanceof TributaryError
            ? thrown
            : new TributaryError('TRB_CONTEXT_SOURCE', `${source.title} gives no history: ${describeError(thrown)}`, {
                cause: thrown,
              });
        this.#failures.push({ source: source.id, error });
        logger.warn({ provider: source.id, code: error.code }, `history is left out: ${describeError(error)}`);
        return;
      }
    }
  }

  async #fetch({ source, assets, range }: Job): Promise<void> {
    const { store, clock, files = {}, environment, signal, onRequest } = this.#options;
    const logger = this.#options.logger.child({ provider: source.id });
    const key = readKey(source.key, environment);
    const http = this.#hosts.clientsOf(source, { key, logger, signal, onAttempt: () => onRequest?.(source.id) });
    const context = { http, assets, clock, logger, hasKey: key !== undefined, files };
    const observations: Observation[] = [];
    for await (const block of source.history?.(context, range) ?? []) {
      signal.throwIfAborted();
      observations.push(...block);
    }
    const { rows, refused } = historyRows(source, assets, observations, range);
    await insertContextValues(store, source.id, assets, range, rows);
    this.#values += rows.length;
    this.#refused += refused;
    this.#progress(1);
  }

  #progress(months: number): void {
    this.#done += months;
    this.#options.onProgress?.(this.#done, this.#total);
  }
}

/**
 * Values that became available within `range`, in order of availability within each series, numbered as live ones are
 * (services/context/values.ts): by the time from which they may be used.
 */
export function historyRows(
  source: ContextSource,
  assets: readonly string[],
  observations: readonly Observation[],
  range: TimeRange,
): { readonly rows: readonly ContextRow[]; readonly refused: number } {
  const declared = declarations(source, assets);
  const rows: ContextRow[] = [];
  let refused = 0;
  for (const { series, value, observedAt, publishedAt, availableAt } of observations) {
    const declaration = declared.get(series);
    const known = availableAt ?? publishedAt;
    if (declaration === undefined || known === undefined || !Number.isFinite(value) || !Number.isFinite(observedAt)) {
      refused++;
      continue;
    }
    const earliest = Math.ceil(Math.max(known, publishedAt ?? known, observedAt));
    if (earliest < range.from || earliest >= range.to) continue;
    const row = { source: source.id, series, seq: earliest, value, observedAt: Math.round(observedAt) };
    rows.push({ ...row, publishedAt: Math.round(publishedAt ?? known), availableAt: earliest, validFor: declaration.validFor });
  }
  rows.sort((a, b) => compareText(a.series, b.series) || a.availableAt - b.availableAt || a.observedAt - b.observedAt);
  return { rows: numbered(rows), refused };
}

/** Raises the numbers of values of a series that became available at the same time; what is given twice (pages overlap) counts once. */
function numbered(sorted: readonly ContextRow[]): ContextRow[] {
  const rows = sorted.filter((row, i) => i === 0 || !isSame(sorted[i - 1]!, row));
  let series = '';
  let last = 0;
  return rows.map((row) => {
    last = row.series === series ? Math.max(last + 1, row.seq) : row.seq;
    ({ series } = row);
    return { ...row, seq: last };
  });
}

function isSame(a: ContextRow, b: ContextRow): boolean {
  return a.series === b.series && a.availableAt === b.availableAt && a.observedAt === b.observedAt && a.value === b.value;
}

function monthsOf(range: TimeRange): TimeRange[] {
  const months: TimeRange[] = [];
  for (let { to } = range; to > range.from; to -= MONTH_MS) months.push({ from: Math.max(range.from, to - MONTH_MS), to });
  return months;
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
