/** Dashboards, alerts and runbooks: what they name is there, and what is there is named. Against a real Prometheus: tests/dashboards. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { createMetrics } from '#libs/telemetry/metrics.ts';
import { archiveMetrics } from '#services/archive/metrics.ts';
import { EvaluationMetrics } from '#services/evaluation/metrics.ts';
import { BundleMetrics } from '#services/inference/bundle-metrics.ts';
import { ParityMetrics } from '#services/gateway/parity.ts';
import { PaperMetrics } from '#services/paper/metrics.ts';
import { trainingMetrics } from '#services/up/training-metrics.ts';
import { rolloutMetrics } from '#services/rollout/metrics.ts';
import { FeatureMetrics } from '#services/features/metrics.ts';
import { inferenceMetrics } from '#services/inference/metrics.ts';
import { createIngestMetrics } from '#services/ingest/metrics.ts';
import { dashboardFiles, DASHBOARDS } from '../../deploy/dashboards/grafana.ts';
import { FLOOR } from '../../deploy/dashboards/live-accuracy.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const Rules = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['page', 'ticket', 'info']) }),
          annotations: z.object({ summary: z.string(), description: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});
const alerts = Rules.parse(parse(read('deploy/prometheus/rules/tributary.yml'))).groups.flatMap(({ rules }) => rules);
const expressions = [
  ...alerts.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
  ...DASHBOARDS.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) => queries.map(({ expr }) => [title, expr] as const)),
  ),
];

/** The names of everything that a service shows: of the registries, and of the clock, which makes its own inside. */
function knownMetrics(): Set<string> {
  const registry = createMetrics();
  createIngestMetrics(registry, 'kraken');
  archiveMetrics(registry);
  inferenceMetrics(registry);
  rolloutMetrics(registry);
  new EvaluationMetrics(registry);
  new FeatureMetrics(registry);
  new BundleMetrics(registry);
  new PaperMetrics(registry);
  new ParityMetrics(registry);
  trainingMetrics(registry);
  const names = registry.getMetricsAsArray().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]);
  const clock = [...read('services/clock/writer.ts').matchAll(/metrics\.(?:counter|gauge)\('(\w+)'/g)];
  return new Set([...names, ...clock.map(([, name]) => `tributary_clock_${name!}`)]);
}

describe('dashboards', () => {
  test.each(Object.entries(dashboardFiles()))(
    '%s is what the code makes, in both places: npm run dashboards',
    (name, content) => {
      expect(read(`deploy/grafana/${name}`)).toBe(content);
      expect(read(`helm/tributary/files/dashboards/${name}`)).toBe(content);
    },
  );

  test('there is no other file', () => {
    const expected = Object.keys(dashboardFiles()).sort();
    expect(
      readdirSync(join(ROOT, 'deploy/grafana'))
        .filter((name) => name.endsWith('.json'))
        .sort(),
    ).toEqual(expected);
    expect(readdirSync(join(ROOT, 'helm/tributary/files/dashboards')).sort()).toEqual(expected);
  });

  test('every panel says what it shows, in which unit, and asks something', () => {
    for (const { panels } of DASHBOARDS) {
      expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
      for (const { description, unit, queries } of panels) {
        expect(description.length).toBeGreaterThan(20);
        expect(unit).not.toBe('');
        expect(queries.length).toBeGreaterThan(0);
        for (const { legend } of queries) expect(legend).not.toBe('');
      }
    }
  });
});

test.each(expressions)('%s asks for metrics that there are', (_where, expr) => {
  const known = knownMetrics();
  const names = [...expr.matchAll(/\b(?:tributary|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => name);
  expect(names.filter((name) => !known.has(name) && name !== 'tributary_service')).toEqual([]);
  expect(names.length > 0 || expr === `vector(${FLOOR})`).toBe(true);
});

test('what an alert waits for begins at 0, or its first event would show no increase', async () => {
  const registry = createMetrics();
  inferenceMetrics(registry);
  rolloutMetrics(registry);
  new EvaluationMetrics(registry);
  new PaperMetrics(registry);
  trainingMetrics(registry);
  const text = await registry.metrics();
  for (const slot of ['champion', 'challenger', 'previous', 'fallback'])
    expect(text).toContain(`tributary_inference_bundles_refused_total{slot="${slot}"} 0`);
  expect(text).toContain('tributary_rollout_steps_total{action="rollback",lane="fast"} 0');
  for (const topic of ['ticks', 'signals'])
    for (const service of ['evaluation', 'paper'])
      expect(text).toContain(`tributary_${service}_unreadable_records_total{topic="${topic}"} 0`);
  for (const result of ['done', 'failed']) expect(text).toContain(`tributary_training_runs_total{result="${result}"} 0`);
});

describe('alerts', () => {
  test('each has a runbook, and each runbook an alert', () => {
    expect(alerts.map(({ annotations }) => annotations.runbook)).toEqual(alerts.map(({ alert }) => `docs/runbooks/${alert}.md`));
    expect(readdirSync(join(ROOT, 'docs/runbooks')).sort()).toEqual(alerts.map(({ alert }) => `${alert}.md`).sort());
    for (const { alert } of alerts)
      expect(read(`docs/runbooks/${alert}.md`)).toMatch(new RegExp(`^# ${alert}\n[^]+\\*\\*Look\\*\\*[^]+\\*\\*Do\\*\\*`));
  });

  test('each has a unit test of its coming and one of its staying away', () => {
    const Tests = z.object({
      tests: z.array(
        z.object({ alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })) }),
      ),
    });
    const cases = Tests.parse(parse(read('deploy/prometheus/tests/tributary.test.yml'))).tests.flatMap(
      (each) => each.alert_rule_test,
    );
    for (const { alert } of alerts) {
      const comes = cases.filter(({ alertname }) => alertname === alert).map((each) => each.exp_alerts.length > 0);
      expect([alert, ...comes.sort()]).toEqual([alert, false, true]);
    }
  });

  test('the floor of the alert is the one on the dashboard', () => {
    expect(alerts.find(({ alert }) => alert === 'AccuracyBelowFloor')!.expr).toMatch(new RegExp(`< ${FLOOR}$`));
  });

  test('the chart has the same rules: npm run dashboards', () => {
    expect(read('helm/tributary/files/rules.yml')).toBe(read('deploy/prometheus/rules/tributary.yml'));
  });
});
