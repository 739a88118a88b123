/** Exchange holidays against the lists that the exchanges and governments publish. */
import { describe, expect, test } from '@jest/globals';
import { DAY_MS, dayOf, easterSunday, parseDay } from './dates.ts';
import { isTseHoliday } from './japan.ts';
import { isUkHoliday } from './uk.ts';
import { isFederalWorkday, isNyseHoliday, isNyseTradingDay, nyseCloseHour } from './us.ts';
import { londonClock, newYorkClock, newYorkTime, tokyoClock } from './zones.ts';

/** New York Stock Exchange, holidays and trading hours. */
const NYSE = {
  2024: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25',
  2025: '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25',
  2026: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
  2027: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24',
};
const NYSE_EARLY = {
  2024: '07-03 11-29 12-24',
  2025: '07-03 11-28 12-24',
  2026: '11-27 12-24',
  2027: '11-26',
};
/** gov.uk, bank holidays in England and Wales. */
const ENGLAND = {
  2022: '01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27',
  2023: '01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26',
  2024: '01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26',
  2025: '01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26',
  2026: '01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28',
  2027: '01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28',
};
/** Japan Exchange Group, market holidays: weekdays only. */
const TOKYO = {
  2024: '01-01 01-02 01-03 01-08 02-12 02-23 03-20 04-29 05-03 05-06 07-15 08-12 09-16 09-23 10-14 11-04 12-31',
  2025: '01-01 01-02 01-03 01-13 02-11 02-24 03-20 04-29 05-05 05-06 07-21 08-11 09-15 09-23 10-13 11-03 11-24 12-31',
  2026: '01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23 12-31',
  2027: '01-01 01-11 02-11 02-23 03-22 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-23 10-11 11-03 11-23 12-31',
};

describe.each([
  ['New York', isNyseHoliday, NYSE],
  ['New York, early close', (day: number) => isNyseTradingDay(day) && nyseCloseHour(day) === 13, NYSE_EARLY],
  ['London', isUkHoliday, ENGLAND],
  ['Tokyo', isTseHoliday, TOKYO],
] as const)('%s', (_name, isHoliday, published) => {
  test.each(Object.entries(published))('%s', (year, days) => {
    expect(daysOf(Number(year), isHoliday).join(' ')).toBe(days);
  });
});

describe('what is no rule', () => {
  test.each(['2012-10-29', '2012-10-30', '2018-12-05', '2025-01-09'])('New York stayed closed on %s', (day) => {
    expect(isNyseHoliday(parseDay(day))).toBe(true);
  });

  test('a New Year on a Saturday is not made up for', () => {
    expect(isNyseHoliday(parseDay('2021-12-31'))).toBe(false);
    expect(isFederalWorkday(parseDay('2021-12-31'))).toBe(false);
  });

  test('the exchange works on Columbus and Veterans Day, the federal offices do on Good Friday', () => {
    expect(['2026-10-12', '2026-11-11', '2026-04-03'].map(parseDay).map(isFederalWorkday)).toEqual([false, false, true]);
    expect(['2026-10-12', '2026-11-11', '2026-04-03'].map(parseDay).map(isNyseTradingDay)).toEqual([true, true, false]);
  });

  test('the ten days off for the accession of 2019', () => {
    expect(daysOf(2019, isTseHoliday).filter((day) => day >= '04-27' && day <= '05-06')).toEqual(
      '04-29 04-30 05-01 05-02 05-03 05-06'.split(' '),
    );
  });
});

test('Easter', () => {
  // The earliest and the latest date there can be, and years around.
  const dates: readonly (readonly [number, number, number])[] = [
    [1818, 3, 22],
    [1943, 4, 25],
    [2000, 4, 23],
    [2024, 3, 31],
    [2038, 4, 25],
  ];
  for (const [year, month, day] of dates) expect(easterSunday(year)).toBe(dayOf(year, month, day));
});

describe('clocks', () => {
  test.each([
    ['2026-03-06T14:30:00Z', '2026-03-06T09:30:00Z'],
    ['2026-03-09T13:30:00Z', '2026-03-09T09:30:00Z'],
    ['2026-10-26T13:30:00Z', '2026-10-26T09:30:00Z'],
    ['2026-11-02T14:30:00Z', '2026-11-02T09:30:00Z'],
  ])('%s is %s in New York', (utc, local) => {
    expect(newYorkClock(Date.parse(utc))).toBe(Date.parse(local));
    expect(newYorkTime(Math.floor(Date.parse(local) / DAY_MS), 9.5)).toBe(Date.parse(utc));
  });

  test('London changes weeks after New York, Tokyo never', () => {
    expect(londonClock(Date.parse('2026-03-27T08:00:00Z'))).toBe(Date.parse('2026-03-27T08:00:00Z'));
    expect(londonClock(Date.parse('2026-03-30T07:00:00Z'))).toBe(Date.parse('2026-03-30T08:00:00Z'));
    expect(tokyoClock(Date.parse('2026-07-01T00:00:00Z'))).toBe(Date.parse('2026-07-01T09:00:00Z'));
  });
});

function daysOf(year: number, isHoliday: (day: number) => boolean): string[] {
  const days: string[] = [];
  for (let day = dayOf(year, 1, 1); day < dayOf(year + 1, 1, 1); day++) {
    if (isHoliday(day)) days.push(new Date(day * DAY_MS).toISOString().slice(5, 10));
  }
  return days;
}
