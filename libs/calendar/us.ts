/**
 * Days on which the New York Stock Exchange stays closed or closes early (its rule 7.2), and those of the federal offices, by rule.
 * Closures that nobody could foresee are listed. Right from 1998 on (Juneteenth: from 2022); early closes from 2013 on.
 */
import {
  dayOf,
  easterSunday,
  FRIDAY,
  isWeekend,
  lastWeekday,
  MONDAY,
  nthWeekday,
  onceAYear,
  parseDay,
  SATURDAY,
  SUNDAY,
  THURSDAY,
  weekdayOf,
  yearOf,
} from './dates.ts';

/** Attacks of 2001, storm of 2012, days of mourning for presidents. */
const CLOSURES = [
  ...['2001-09-11', '2001-09-12', '2001-09-13', '2001-09-14'],
  ...['2004-06-11', '2007-01-02', '2012-10-29', '2012-10-30', '2018-12-05', '2025-01-09'],
].map(parseDay);

const exchangeHolidays = onceAYear((year) => {
  const newYear = dayOf(year, 1, 1);
  return new Set([
    // On a Saturday it is not made up for: the Friday before ends the year's accounts.
    weekdayOf(newYear) === SUNDAY ? newYear + 1 : newYear,
    ...mondays(year),
    easterSunday(year) - 2,
    ...(year >= 2022 ? [observed(dayOf(year, 6, 19))] : []),
    observed(dayOf(year, 7, 4)),
    thanksgiving(year),
    observed(dayOf(year, 12, 25)),
    ...CLOSURES,
  ]);
});

const federalHolidays = onceAYear(
  (year) =>
    new Set([
      observed(dayOf(year, 1, 1)),
      observed(dayOf(year + 1, 1, 1)),
      ...mondays(year),
      ...(year >= 2021 ? [observed(dayOf(year, 6, 19))] : []),
      observed(dayOf(year, 7, 4)),
      nthWeekday(year, 10, MONDAY, 2),
      observed(dayOf(year, 11, 11)),
      thanksgiving(year),
      observed(dayOf(year, 12, 25)),
    ]),
);

/** A weekday on which the exchange stays closed. `day` is New York's. */
export function isNyseHoliday(day: number): boolean {
  return !isWeekend(day) && exchangeHolidays(yearOf(day)).has(day);
}

export function isNyseTradingDay(day: number): boolean {
  return !isWeekend(day) && !isNyseHoliday(day);
}

/** Hour of New York's clock at which the exchange closes: 13 on the days before some holidays, else 16. Of trading days. */
export function nyseCloseHour(day: number): 13 | 16 {
  const year = yearOf(day);
  const july = dayOf(year, 7, 3);
  const isJulyThird = day === july && weekdayOf(july) < FRIDAY;
  return day === thanksgiving(year) + 1 || day === dayOf(year, 12, 24) || isJulyThird ? 13 : 16;
}

/** Whether the federal offices, and so the Federal Reserve's statistical releases, work. */
export function isFederalWorkday(day: number): boolean {
  return !isWeekend(day) && !federalHolidays(yearOf(day)).has(day);
}

function mondays(year: number): readonly number[] {
  return [
    nthWeekday(year, 1, MONDAY, 3),
    nthWeekday(year, 2, MONDAY, 3),
    lastWeekday(year, 5, MONDAY),
    nthWeekday(year, 9, MONDAY, 1),
  ];
}

function thanksgiving(year: number): number {
  return nthWeekday(year, 11, THURSDAY, 4);
}

function observed(day: number): number {
  const weekday = weekdayOf(day);
  return weekday === SATURDAY ? day - 1 : weekday === SUNDAY ? day + 1 : day;
}
