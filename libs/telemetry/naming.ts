/**
 * Prometheus' naming rules (github.com/prometheus/client_golang, testutil/promlint), as far as they concern us: what
 * `promtool check metrics` would say about an exposition, where promtool is not at hand.
 */

const NOT_BASE_UNITS =
  /(^|_)(milliseconds|microseconds|nanoseconds|minutes|hours|days|kilobytes|megabytes|gigabytes|percent|grams)(_|$)/;
const ABBREVIATED = /(^|_)(s|ms|us|ns|sec|b|kb|mb|gb|tb|pb|m|h|d)(_|$)/;

/** One line per fault, `name: what`; empty = clean. `text`: Prometheus' text format. */
export function namingProblems(text: string): string[] {
  const help = new Map([...text.matchAll(/^# HELP (\S+) ?(.*)$/gm)].map(([, name, words]) => [name!, words!.trim()]));
  const problems: string[] = [];
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    for (const problem of problemsOf(name!, type!)) problems.push(`${name!}: ${problem}`);
    if ((help.get(name!) ?? '') === '') problems.push(`${name!}: no help text`);
  }
  return problems;
}

function* problemsOf(name: string, type: string): Generator<string> {
  const isCounter = type === 'counter';
  if (isCounter && !name.endsWith('_total')) yield 'counter metrics should have "_total" suffix';
  if (!isCounter && name.endsWith('_total')) yield 'non-counter metrics should not have "_total" suffix';
  if (type !== 'histogram' && name.endsWith('_bucket')) yield 'non-histogram metrics should not have "_bucket" suffix';
  if (type !== 'histogram' && type !== 'summary' && /_(count|sum)$/.test(name)) {
    yield 'non-histogram and non-summary metrics should not have "_count" or "_sum" suffix';
  }
  if (/(^|_)(counter|gauge|histogram|summary)(_|$)/.test(name)) yield 'metric name should not include its type';
  if (name.includes(':')) yield 'metric names should not contain ":"';
  if (/[a-z][A-Z]/.test(name)) yield 'metric names should be written in snake_case';
  if (NOT_BASE_UNITS.test(name)) yield 'use base units (seconds, bytes, ratio)';
  if (ABBREVIATED.test(name)) yield 'metric names should not contain abbreviated units';
}
