/** Series with one value a day, as a context book keeps them: the newest observation, and the first of each UTC day of about 40 before. */
import { type ContextBook, newestAt } from './context.ts';

const DAY = 86_400_000;

export interface DailyValue {
  /** Days since 1970-01-01, UTC. */
  readonly day: number;
  readonly value: number;
}

/** One value a day, newest first (its newest observation, of earlier days their first), at most `days`; none where the newest may not serve. */
export function dailyValues(book: ContextBook, key: string, t: number, days: number): readonly DailyValue[] {
  const newest = newestAt(book, key, t);
  if (newest === undefined) return [];
  const { observations } = book.get(key)!;
  const today = dayAt(newest.observedAt);
  const daily: DailyValue[] = [{ day: today, value: newest.value }];
  for (let i = observations.length - 1; i >= 0 && daily.length < days; i--) {
    const day = dayAt(observations[i]!.observedAt);
    const isFirstOfDay = i === 0 || dayAt(observations[i - 1]!.observedAt) !== day;
    if (isFirstOfDay && day < today) daily.push({ day, value: observations[i]!.value });
  }
  return daily;
}

/** The first of `keys` that may serve at t; undefined = none. Series of different sources are never joined. */
export function firstServing(book: ContextBook, keys: readonly string[], t: number): string | undefined {
  return keys.find((key) => newestAt(book, key, t) !== undefined);
}

function dayAt(t: number): number {
  return Math.floor(t / DAY);
}
