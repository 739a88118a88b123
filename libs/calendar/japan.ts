/**
 * Days on which the Tokyo Stock Exchange stays closed: national holidays by the Act on National Holidays as it has stood since 2007, with
 * what special laws moved, and the exchange's own 1 to 3 January and 31 December. From 2007 on.
 */
import { dayOf, isWeekend, MONDAY, nthWeekday, onceAYear, parseDay, SUNDAY, weekdayOf, yearOf } from './dates.ts';

/** Abdication and accession of 2019; the day between two holidays follows by rule. */
const ENTHRONEMENT = ['2019-05-01', '2019-10-22'].map(parseDay);

/** Marine, Mountain and Sports Day around the Olympic Games of Tokyo. */
const GAMES: Readonly<Record<number, readonly string[]>> = {
  2020: ['2020-07-23', '2020-08-10', '2020-07-24'],
  2021: ['2021-07-22', '2021-08-08', '2021-07-23'],
};

const nationalHolidays = onceAYear((year) => {
  const days = new Set([
    dayOf(year, 1, 1),
    nthWeekday(year, 1, MONDAY, 2),
    dayOf(year, 2, 11),
    ...emperorsBirthday(year),
    dayOf(year, 3, equinox(year, 20.8431)),
    dayOf(year, 4, 29),
    dayOf(year, 5, 3),
    dayOf(year, 5, 4),
    dayOf(year, 5, 5),
    ...summer(year),
    nthWeekday(year, 9, MONDAY, 3),
    dayOf(year, 9, equinox(year, 23.2488)),
    dayOf(year, 11, 3),
    dayOf(year, 11, 23),
    ...ENTHRONEMENT,
  ]);
  // Article 3: after a holiday on a Sunday the next day that is none is one; so is a day between two holidays.
  const named = [...days].sort((a, b) => a - b);
  for (const day of named) {
    if (weekdayOf(day) === SUNDAY) {
      let next = day + 1;
      while (days.has(next)) next++;
      days.add(next);
    }
  }
  for (const day of named) {
    if (named.includes(day + 2)) days.add(day + 1);
  }
  return days;
});

/** A weekday on which Tokyo's exchange stays closed. `day` is Tokyo's. */
export function isTseHoliday(day: number): boolean {
  if (isWeekend(day)) return false;
  const year = yearOf(day);
  const isTurnOfYear = day <= dayOf(year, 1, 3) || day === dayOf(year, 12, 31);
  return isTurnOfYear || nationalHolidays(year).has(day);
}

function emperorsBirthday(year: number): readonly number[] {
  if (year <= 2018) return [dayOf(year, 12, 23)];
  return year === 2019 ? [] : [dayOf(year, 2, 23)];
}

function summer(year: number): readonly number[] {
  const moved = GAMES[year];
  if (moved !== undefined) return moved.map(parseDay);
  const mountain = year >= 2016 ? [dayOf(year, 8, 11)] : [];
  return [nthWeekday(year, 7, MONDAY, 3), ...mountain, nthWeekday(year, 10, MONDAY, 2)];
}

/** Day of the month of an equinox in Japan, 1980 to 2099; `base` is where the sun stood in 1980. */
function equinox(year: number, base: number): number {
  return Math.floor(base + 0.242194 * (year - 1980) - Math.floor((year - 1980) / 4));
}
