/** Daily values of US markets: which moment they are of, when they are published, and how they stand in CSV files. */
import { DAY_MS, MONDAY, weekdayOf } from '#libs/calendar/dates.ts';
import { isFederalWorkday } from '#libs/calendar/us.ts';
import { newYorkTime } from '#libs/calendar/zones.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Observation } from './source.ts';

export interface DailyRow {
  /** Days since 1970-01-01. */
  readonly day: number;
  readonly value: number;
}

/** When a day's value is published at the latest, milliseconds. */
export type Publication = (day: number) => number;

/** Noon UTC of the next day: markets' own closes. */
export const nextNoon: Publication = (day) => (day + 1.5) * DAY_MS;

/** 17:00 in New York on the next federal working day: the H.15 release comes at 16:15. */
export const nextWorkday: Publication = (day) => newYorkTime(workdayFrom(day + 1), 17);

/** 17:00 in New York on the next Monday, or the working day after: the H.10 release gives a whole week at 16:15. */
export const nextMonday: Publication = (day) => newYorkTime(workdayFrom(day + 7 - ((weekdayOf(day) - MONDAY + 7) % 7)), 17);

/** Of the session's end, 16:00 in New York. */
export function dailyObservations(series: string, rows: readonly DailyRow[], publication: Publication): Observation[] {
  return rows.map(({ day, value }) => {
    const publishedAt = publication(day);
    return { series, value, observedAt: newYorkTime(day, 16), publishedAt, availableAt: publishedAt };
  });
}

/** What a poll may give of them: the newest few that may still serve, published when they were seen. */
export function newestDays(observations: readonly Observation[], validFor: number, now: number): Observation[] {
  return observations
    .filter(({ observedAt }) => observedAt <= now && now - observedAt < validFor)
    .slice(-5)
    .map(({ series, value, observedAt }) => ({ series, value, observedAt }));
}

/**
 * Rows of a CSV text without commas in its fields, by name of its columns. A last line without its end may be cut short: it is left out.
 * Throws `TRB_HTTP_SHAPE` where a column is missing.
 */
export function csvRows(title: string, text: string, columns: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const [header = '', ...lines] = text.slice(0, text.lastIndexOf('\n') + 1).split(/\r?\n/);
  const names = header
    .replace(/^\uFEFF/, '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const places = columns.map((wanted) => names.findIndex((name) => wanted.includes(name)));
  if (places.some((place) => place < 0)) {
    throw new TributaryError('TRB_HTTP_SHAPE', `${title} answered without the columns ${columns.flat().join(', ')}.`, {
      hint: 'The file may have changed its form.',
    });
  }
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(',');
      return places.map((place) => fields[place]?.trim() ?? '');
    });
}

/** A day as `2026-11-20` or `11/20/2026`, and its number; undefined = no value (`.`, empty, words). */
export function dailyRow(date: string, text: string): DailyRow | undefined {
  const american = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(date);
  const iso = american === null ? date : `${american[3]}-${american[1]}-${american[2]}`;
  if (!/^\d{4}-\d\d-\d\d$/.test(iso) || !/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  const day = Date.parse(`${iso}T00:00:00Z`) / DAY_MS;
  return Number.isNaN(day) ? undefined : { day, value: Number(text) };
}

function workdayFrom(day: number): number {
  while (!isFederalWorkday(day)) day++;
  return day;
}
