/** Bank holidays of England and Wales, on which the London Stock Exchange stays closed, by rule; proclaimed ones are listed. From 1996 on. */
import { dayOf, easterSunday, isWeekend, lastWeekday, MONDAY, nthWeekday, onceAYear, parseDay, yearOf } from './dates.ts';

/** Millennium, jubilees of 2002, 2012 and 2022, wedding of 2011, funeral of 2022, coronation of 2023. */
const PROCLAIMED = [...['1999-12-31', '2002-06-03', '2011-04-29', '2012-06-05', '2022-06-03', '2022-09-19', '2023-05-08']].map(
  parseDay,
);

/** Moved for a jubilee or a day of remembrance. */
const MAY_DAY_MOVED: Readonly<Record<number, string>> = { 2020: '2020-05-08' };
const SPRING_MOVED: Readonly<Record<number, string>> = { 2002: '2002-06-04', 2012: '2012-06-04', 2022: '2022-06-02' };

const bankHolidays = onceAYear((year) => {
  const easter = easterSunday(year);
  const mayDay = MAY_DAY_MOVED[year];
  const spring = SPRING_MOVED[year];
  const days = new Set([
    easter - 2,
    easter + 1,
    mayDay === undefined ? nthWeekday(year, 5, MONDAY, 1) : parseDay(mayDay),
    spring === undefined ? lastWeekday(year, 5, MONDAY) : parseDay(spring),
    lastWeekday(year, 8, MONDAY),
    ...PROCLAIMED,
  ]);
  // On a weekend, the next weekday that is no holiday stands in.
  for (const day of [dayOf(year, 1, 1), dayOf(year, 12, 25), dayOf(year, 12, 26)]) {
    let instead = day;
    while (isWeekend(instead) || days.has(instead)) instead++;
    days.add(instead);
  }
  return days;
});

/** A weekday on which London's banks and exchange stay closed. `day` is London's. */
export function isUkHoliday(day: number): boolean {
  return !isWeekend(day) && bankHolidays(yearOf(day)).has(day);
}
