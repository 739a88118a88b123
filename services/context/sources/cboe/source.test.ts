import { expect, test } from '@jest/globals';
import { cboeSample } from './sample.ts';
import { vixObservations } from './source.ts';

test('closes of American dates, known at noon of the next day', () => {
  const answer = cboeSample.answers['/VIX_History.csv']!;
  if (typeof answer === 'function') throw new Error('The sample is one answer.');
  const closes = vixObservations(answer.body);
  expect(closes.map(({ value }) => value)).toEqual([18.45, 17.31, 17.94, 19.66]);
  const published = Date.UTC(2026, 10, 14, 12);
  expect(closes[0]).toEqual({
    ...{ series: 'vix', value: 18.45, observedAt: Date.UTC(2026, 10, 13, 21) },
    ...{ publishedAt: published, availableAt: published },
  });
});

test('another header is an error', () => {
  expect(() => vixObservations('TIME,VALUE\n11/13/2026,18\n')).toThrow(expect.objectContaining({ code: 'TRB_HTTP_SHAPE' }));
});
