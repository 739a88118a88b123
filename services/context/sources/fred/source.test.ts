import { afterEach, expect, test } from '@jest/globals';
import { parseDay } from '#libs/calendar/dates.ts';
import { newYorkTime } from '#libs/calendar/zones.ts';
import { observe, observeHistory, recordedFile, type RecordedServer, serveRecorded, text } from '../../testing/recorded.ts';
import { nextMonday, nextWorkday } from '../daily-values.ts';
import { fred, tableObservations, tableOf } from './source.ts';

let server: RecordedServer | undefined;
afterEach(async () => {
  await server?.close();
});

test('ten years of yields: of 16:00 in New York, known at 17:00 of the next working day', () => {
  const file = recordedFile('daily/us10y.csv');
  if (file === undefined) return;
  const yields = tableObservations(tableOf('us10y'), file.body);
  expect(yields.length).toBeGreaterThan(2_900);
  expect(yields.at(-1)).toEqual({
    ...{ series: 'us10y', value: 4.36, observedAt: Date.UTC(2026, 4, 6, 20) },
    ...{ publishedAt: Date.UTC(2026, 4, 7, 21), availableAt: Date.UTC(2026, 4, 7, 21) },
  });
  expect(yields.every(({ value }) => value > 0 && value < 10)).toBe(true);
});

test('no value is older than six days when the next comes, holidays included', () => {
  const file = recordedFile('daily/us10y.csv');
  if (file === undefined) return;
  const yields = tableObservations(tableOf('us10y'), file.body).slice(-1_000);
  const holes = yields.slice(1).map(({ availableAt }, i) => availableAt! - yields[i]!.availableAt!);
  expect(Math.max(...holes)).toBeLessThanOrEqual(tableOf('us10y').validFor);
});

test.each([
  // Friday to Monday; before Columbus Day; before Independence Day as observed.
  ['2026-11-20', '2026-11-23'],
  ['2026-10-09', '2026-10-13'],
  ['2026-07-02', '2026-07-06'],
])('a value of %s comes on %s', (day, published) => {
  expect(nextWorkday(parseDay(day))).toBe(newYorkTime(parseDay(published), 17));
});

test.each([
  ['2026-11-16', '2026-11-23'],
  ['2026-11-20', '2026-11-23'],
  // Memorial Day is a Monday.
  ['2026-05-22', '2026-05-26'],
])('the dollar of %s comes on %s', (day, published) => {
  expect(nextMonday(parseDay(day))).toBe(newYorkTime(parseDay(published), 17));
});

test('both headers, both signs of a missing value, a last line without its end', () => {
  const csv = 'DATE,VIXCLS\n2026-11-16,18.5\n2026-11-17,.\n2026-11-18,\n2026-11-19,19.25\n2026-11-20,2';
  expect(tableObservations(tableOf('vix'), csv).map(({ value }) => value)).toEqual([18.5, 19.25]);
  expect(() => tableObservations(tableOf('vix'), 'observation_date,DGS10\n2026-11-16,4.1\n')).toThrow(
    expect.objectContaining({ code: 'TRB_HTTP_SHAPE' }),
  );
});

test('a poll gives the days that may still serve; history none before its publication', async () => {
  server = await serveRecorded({
    '/fredgraph.csv': ({ query }) =>
      text(`observation_date,${query.get('id')}\n2026-11-06,1.5\n2026-11-18,2.5\n2026-11-19,3.5\n`),
  });
  const now = Date.UTC(2026, 10, 20, 22);
  const { observations } = await observe(fred, server, { now });
  const days = (series: string): readonly number[] =>
    observations.filter((each) => each.series === series).map(({ value }) => value);
  expect([days('us10y'), days('sp500')]).toEqual([
    [2.5, 3.5],
    [2.5, 3.5],
  ]);
  const range = { from: Date.UTC(2026, 10, 19), to: Date.UTC(2026, 10, 20, 22) };
  const { observations: past } = await observeHistory(fred, server, range, { now });
  expect(past.filter(({ series }) => series === 'us10y').map(({ value }) => value)).toEqual([2.5]);
});
