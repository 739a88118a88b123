/** What a source costs: the requests that its polls make in a day and a month, against what its plan allows. */
import { systemClock } from '#libs/clock/clock.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type SourceHttp } from './sources/http.ts';
import { type ContextSource } from './sources/source.ts';

const DAY = 86_400_000;
/** The longest month, so that a plan that fits fits every month. */
const DAYS_A_MONTH = 31;

export interface Plan {
  readonly polls: readonly { readonly name: string; readonly everyMs: number; readonly calls: number }[];
  readonly callsPerDay: number;
  /** Of 31 days. */
  readonly callsPerMonth: number;
}

export function planOf(
  source: ContextSource,
  { assets, hasKey }: { readonly assets: readonly string[]; readonly hasKey: boolean },
): Plan {
  const http = Object.fromEntries(Object.keys(source.hosts).map((name) => [name, NOBODY]));
  const logger = createLogger({ level: 'silent', pretty: false });
  const polls = source
    .polls({ http, assets, clock: systemClock, logger, hasKey, files: {} })
    .map(({ name, everyMs, calls }) => ({ name, everyMs, calls }));
  const callsPerDay = polls.reduce((sum, { everyMs, calls }) => sum + (calls * DAY) / everyMs, 0);
  return { polls, callsPerDay, callsPerMonth: callsPerDay * DAYS_A_MONTH };
}

/** Planning asks nobody. */
const refuse = (): Promise<never> => Promise.reject(new TributaryError('TRB_HTTP_ABORTED', 'Nothing is asked while planning.'));
const NOBODY: SourceHttp = { getJson: refuse, postJson: refuse, getText: refuse };

/** UTC month of a time, `YYYY-MM`. */
export function monthOf(t: number): string {
  return new Date(t).toISOString().slice(0, 7);
}

/** When the next UTC month begins, milliseconds. */
export function nextMonth(t: number): number {
  const date = new Date(t);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
