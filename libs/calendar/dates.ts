/** Calendar days as whole numbers of days since 1970-01-01, and the rules that holidays are made of. */
export const DAY_MS = 86_400_000;
export const MONDAY = 0;
export const THURSDAY = 3;
export const FRIDAY = 4;
export const SATURDAY = 5;
export const SUNDAY = 6;

/** `month` 1 to 12. */
export function dayOf(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / DAY_MS;
}

/** Of `2026-11-26`. */
export function parseDay(text: string): number {
  return Date.parse(`${text}T00:00:00Z`) / DAY_MS;
}

export function yearOf(day: number): number {
  return new Date(day * DAY_MS).getUTCFullYear();
}

/** Monday 0 to Sunday 6. */
export function weekdayOf(day: number): number {
  // 1970-01-01 was a Thursday.
  return (((day + 3) % 7) + 7) % 7;
}

export function isWeekend(day: number): boolean {
  return weekdayOf(day) >= SATURDAY;
}

/** The nth such weekday of a month, from 1. */
export function nthWeekday(year: number, month: number, weekday: number, n: number): number {
  const first = dayOf(year, month, 1);
  return first + ((weekday - weekdayOf(first) + 7) % 7) + 7 * (n - 1);
}

export function lastWeekday(year: number, month: number, weekday: number): number {
  const last = Date.UTC(year, month, 0) / DAY_MS;
  return last - ((weekdayOf(last) - weekday + 7) % 7);
}

/** Gregorian Easter, after Butcher (Nature, 20 April 1876). */
export function easterSunday(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const leapCorrection = Math.floor((8 * century + 13) / 25);
  const epact = (19 * golden + century - Math.floor(century / 4) - leapCorrection + 15) % 30;
  const untilSunday = (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - epact - (ofCentury % 4)) % 7;
  const lateCorrection = Math.floor((golden + 11 * epact + 22 * untilSunday) / 451);
  const monthAndDay = epact + untilSunday - 7 * lateCorrection + 114;
  return dayOf(year, Math.floor(monthAndDay / 31), (monthAndDay % 31) + 1);
}

/** A function of the year alone, computed once a year. */
export function onceAYear<T>(make: (year: number) => T): (year: number) => T {
  const known = new Map<number, T>();
  return (year) => {
    let made = known.get(year);
    if (made === undefined) known.set(year, (made = make(year)));
    return made;
  };
}
