/** Category E: sessions, cycles and calendars, from t alone. Daylight saving by rule (no Intl: it is slow and depends on the build). */
import { type MinuteBlock } from './declaration.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const inputs = ['clock'] as const;
const SUNDAY = 0;
const FRIDAY = 5;

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
    unit: 'min',
    formula: 'to 09:30 in New York on a weekday, 0 unless within the 24 h before it',
  },
  { name: 'minutes_to_us_equity_close', unit: 'min', formula: 'to 16:00 in New York while the market is open, else 0' },
  { name: 'month_end', unit: '0/1', formula: 'last day of the month, UTC' },
  { name: 'options_expiry_hours', unit: 'h', formula: 'to the next Friday 08:00 UTC, 0 < h <= 168' },
  { name: 'options_expiry_quarterly', unit: '0/1', formula: 'that Friday is the last of March, June, September or December' },
  { name: 'dst_us', unit: '0/1', formula: 'second Sunday of March 07:00 UTC to first Sunday of November 06:00 UTC' },
  { name: 'dst_uk', unit: '0/1', formula: 'last Sunday of March 01:00 UTC to last Sunday of October 01:00 UTC' },
];

export const calendarBlock: MinuteBlock<null> = {
  kind: 'minute',
  category: 'E',
  scope: 'asset',
  features: FEATURES.map((feature) => ({ ...feature, inputs, warmup: 0 })),
  create: () => null,
  write: (_state, { t }, out, at) => writeCalendar(t, out, at),
};

/** Writes the 16 columns for the time t, milliseconds. */
function writeCalendar(t: number, out: Float64Array, at: number): void {
  const date = new Date(t);
  const year = date.getUTCFullYear();
  const dstUs = t >= nthSunday(year, 2, 2) + 7 * HOUR && t < nthSunday(year, 10, 1) + 6 * HOUR;
  const dstUk = t >= lastWeekday(year, 2, SUNDAY) + HOUR && t < lastWeekday(year, 9, SUNDAY) + HOUR;
  const hour = (t % DAY) / HOUR;
  const london = (t + (dstUk ? HOUR : 0)) % DAY;
  const newYork = t - (dstUs ? 4 : 5) * HOUR;
  const newYorkHour = (newYork % DAY) / HOUR;
  const inLondon = london >= 8 * HOUR && london < 16.5 * HOUR;
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
  out[at + 10] = isTradingDay(newYork) && newYorkHour >= 9.5 && newYorkHour < 16 ? (16 - newYorkHour) * 60 : 0;
  out[at + 11] = Number(new Date(t + DAY).getUTCDate() === 1);
  out[at + 12] = untilExpiry;
  out[at + 13] = Number(isQuarterly(t + untilExpiry * HOUR));
  out[at + 14] = Number(dstUs);
  out[at + 15] = Number(dstUk);
}

function isTradingDay(newYork: number): boolean {
  const weekday = Math.floor(newYork / DAY + 3) % 7;
  return weekday < 5;
}

function minutesToOpen(newYork: number): number {
  const open = 9.5 * HOUR;
  const ahead = (open - (newYork % DAY) + DAY) % DAY;
  return isTradingDay(newYork + ahead) ? ahead / 60_000 : 0;
}

function hoursToFriday(t: number): number {
  const friday = (FRIDAY - 4) * DAY + 8 * HOUR;
  const ahead = (friday - (t % (7 * DAY)) + 7 * DAY) % (7 * DAY);
  return (ahead === 0 ? 7 * DAY : ahead) / HOUR;
}

function isQuarterly(friday: number): boolean {
  const date = new Date(friday);
  const month = date.getUTCMonth();
  return month % 3 === 2 && lastWeekday(date.getUTCFullYear(), month, FRIDAY) === friday - (friday % DAY);
}

/** Midnight UTC of the nth Sunday of a month (0 = January). */
function nthSunday(year: number, month: number, n: number): number {
  const first = Date.UTC(year, month, 1);
  return first + (((7 - new Date(first).getUTCDay()) % 7) + 7 * (n - 1)) * DAY;
}

/** Midnight UTC of the last such weekday of a month. */
function lastWeekday(year: number, month: number, weekday: number): number {
  const last = Date.UTC(year, month + 1, 0);
  return last - ((new Date(last).getUTCDay() - weekday + 7) % 7) * DAY;
}
