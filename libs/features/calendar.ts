/** Category E: sessions, cycles, holidays, from t alone; the rules are in libs/calendar. */
import { DAY_MS as DAY, FRIDAY, lastWeekday } from '../calendar/dates.ts';
import { isTseHoliday } from '../calendar/japan.ts';
import { isUkHoliday } from '../calendar/uk.ts';
import { isNyseHoliday, isNyseTradingDay, nyseCloseHour } from '../calendar/us.ts';
import { isUkSummer, isUsSummer, londonClock, newYorkClock, tokyoClock } from '../calendar/zones.ts';
import { type MinuteBlock } from './declaration.ts';

const HOUR = 3_600_000;
const inputs = ['clock'] as const;

const FEATURES = [
  { name: 'session_asia', unit: '0/1', formula: '00:00-09:00 UTC (Tokyo 09:00-18:00, no daylight saving)' },
  { name: 'session_london', unit: '0/1', formula: '08:00-16:30 in London' },
  { name: 'session_new_york', unit: '0/1', formula: '08:00-17:00 in New York' },
  { name: 'session_overlap', unit: '0/1', formula: 'London and New York' },
  { name: 'hour_sin', unit: '-1..1', formula: 'sin(2 pi hour of the day / 24), UTC' },
  { name: 'hour_cos', unit: '-1..1', formula: 'cos(2 pi hour of the day / 24), UTC' },
  { name: 'dow_sin', unit: '-1..1', formula: 'sin(2 pi day of the week / 7), Monday 0, with its fraction, UTC' },
  { name: 'dow_cos', unit: '-1..1', formula: 'cos(2 pi day of the week / 7), Monday 0, with its fraction, UTC' },
  { name: 'weekend', unit: '0/1', formula: 'Saturday or Sunday, UTC' },
  {
    name: 'minutes_to_us_equity_open',
    version: 2,
    unit: 'min',
    formula: 'to 09:30 in New York on a trading day of the New York Stock Exchange, 0 unless within the 24 h before it',
  },
  {
    name: 'minutes_to_us_equity_close',
    version: 2,
    unit: 'min',
    formula: 'to 16:00, or 13:00 on days of early close, in New York while the exchange is open, else 0',
  },
  { name: 'month_end', unit: '0/1', formula: 'last day of the month, UTC' },
  { name: 'options_expiry_hours', unit: 'h', formula: 'to the next Friday 08:00 UTC, 0 < h <= 168' },
  { name: 'options_expiry_quarterly', unit: '0/1', formula: 'that Friday is the last of March, June, September or December' },
  { name: 'dst_us', unit: '0/1', formula: 'second Sunday of March 07:00 UTC to first Sunday of November 06:00 UTC' },
  { name: 'dst_uk', unit: '0/1', formula: 'last Sunday of March 01:00 UTC to last Sunday of October 01:00 UTC' },
  { name: 'us_holiday', unit: '0/1', formula: "New York's date is a weekday on which the New York Stock Exchange stays closed" },
  { name: 'uk_holiday', unit: '0/1', formula: "London's date is a weekday on which its banks and exchange stay closed" },
  { name: 'jp_holiday', unit: '0/1', formula: "Tokyo's date is a weekday on which its exchange stays closed" },
];

export const calendarBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'E',
  scope: 'asset',
  features: FEATURES.map((feature) => ({ ...feature, inputs, warmup: 0 })),
  create: () => null,
  write: (_state, { t }, out, at) => writeCalendar(t, out, at),
};

/** Writes the 19 columns for the time t, milliseconds. */
function writeCalendar(t: number, out: Float64Array, at: number): void {
  const newYork = newYorkClock(t);
  const hour = (t % DAY) / HOUR;
  const londonHour = (londonClock(t) % DAY) / HOUR;
  const newYorkHour = (newYork % DAY) / HOUR;
  const inLondon = londonHour >= 8 && londonHour < 16.5;
  const inNewYork = newYorkHour >= 8 && newYorkHour < 17;
  // 1970-01-01 was a Thursday.
  const weekday = (t / DAY + 3) % 7;
  const untilExpiry = hoursToFriday(t);
  out[at] = Number(hour < 9);
  out[at + 1] = Number(inLondon);
  out[at + 2] = Number(inNewYork);
  out[at + 3] = Number(inLondon && inNewYork);
  out[at + 4] = Math.sin((2 * Math.PI * hour) / 24);
  out[at + 5] = Math.cos((2 * Math.PI * hour) / 24);
  out[at + 6] = Math.sin((2 * Math.PI * weekday) / 7);
  out[at + 7] = Math.cos((2 * Math.PI * weekday) / 7);
  out[at + 8] = Number(weekday >= 5);
  out[at + 9] = minutesToOpen(newYork);
  out[at + 10] = minutesToClose(newYork);
  out[at + 11] = Number(new Date(t + DAY).getUTCDate() === 1);
  out[at + 12] = untilExpiry;
  out[at + 13] = Number(isQuarterly(t + untilExpiry * HOUR));
  out[at + 14] = Number(isUsSummer(t));
  out[at + 15] = Number(isUkSummer(t));
  out[at + 16] = Number(isNyseHoliday(dayAt(newYork)));
  out[at + 17] = Number(isUkHoliday(dayAt(londonClock(t))));
  out[at + 18] = Number(isTseHoliday(dayAt(tokyoClock(t))));
}

function dayAt(clock: number): number {
  return Math.floor(clock / DAY);
}

function minutesToOpen(newYork: number): number {
  const open = 9.5 * HOUR;
  const ahead = (open - (newYork % DAY) + DAY) % DAY;
  return isNyseTradingDay(dayAt(newYork + ahead)) ? ahead / 60_000 : 0;
}

function minutesToClose(newYork: number): number {
  const hour = (newYork % DAY) / HOUR;
  if (hour < 9.5 || hour >= 16) return 0;
  const day = dayAt(newYork);
  return isNyseTradingDay(day) ? Math.max(0, (nyseCloseHour(day) - hour) * 60) : 0;
}

function hoursToFriday(t: number): number {
  const friday = DAY + 8 * HOUR;
  const ahead = (friday - (t % (7 * DAY)) + 7 * DAY) % (7 * DAY);
  return (ahead === 0 ? 7 * DAY : ahead) / HOUR;
}

function isQuarterly(friday: number): boolean {
  const date = new Date(friday);
  const month = date.getUTCMonth() + 1;
  return month % 3 === 0 && lastWeekday(date.getUTCFullYear(), month, FRIDAY) === dayAt(friday);
}
