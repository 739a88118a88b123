import { describe, expect, test } from '@jest/globals';
import { Gauge, Registry } from 'prom-client';
import { Health } from './health.ts';
import { createMetrics, serviceMetrics } from './metrics.ts';
import { namingProblems } from './naming.ts';
import { serveWhile, startTelemetryServer } from './server.ts';

describe('metrics', () => {
  test("the process's own and a service's metrics pass Prometheus' naming rules", async () => {
    const registry = createMetrics({ source: 'sim' });
    const metrics = serviceMetrics(registry, 'inference');
    metrics.counter('signals_total', 'Signals.', ['venue']).inc({ venue: 'kraken' });
    metrics.histogram('score_seconds', 'Time to score.', [0.001, 0.01]).observe(0.002);
    const text = await registry.metrics();
    expect(namingProblems(text)).toEqual([]);
    expect(text).toContain('tributary_inference_signals_total{venue="kraken",source="sim"} 1');
    expect(text).toContain('process_resident_memory_bytes');
  });

  test('the rules find what promtool finds', async () => {
    const registry = new Registry();
    for (const name of ['things_total', 'lagMs', 'wait_milliseconds', 'a:b', 'rows_count', 'queue_gauge', 'size_kb']) {
      new Gauge({ name, help: 'x', registers: [registry] });
    }
    new Gauge({ name: 'unexplained', help: ' ', registers: [registry] });
    const found = namingProblems(await registry.metrics()).map((problem) => problem.split(':')[0]);
    expect(new Set(found)).toEqual(
      new Set(['things_total', 'lagMs', 'wait_milliseconds', 'a', 'rows_count', 'queue_gauge', 'size_kb', 'unexplained']),
    );
  });

  test('a service that starts twice in one process keeps its metrics', () => {
    const registry = new Registry();
    const first = serviceMetrics(registry, 'x').counter('events_total', 'Events.');
    expect(serviceMetrics(registry, 'x').counter('events_total', 'Events.')).toBe(first);
  });
});

describe('server', () => {
  test('answers metrics, health and readiness, and closes with its signal', async () => {
    const metrics = createMetrics();
    const health = new Health();
    const stop = new AbortController();
    const server = await startTelemetryServer({ port: 0, metrics, health }, stop.signal);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return { status: response.status, body: await response.text() };
    };
    expect((await get('/readyz')).status).toBe(503);
    health.set('log', { ready: true });
    health.set('model', { ready: false, detail: 'no bundle yet' });
    expect((await get('/healthz')).status).toBe(200);
    const ready = await get('/readyz');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.body)).toMatchObject({ ok: false, parts: { model: { detail: 'no bundle yet' } } });
    health.set('model', { ready: true });
    expect((await get('/readyz')).status).toBe(200);
    health.set('log', { ready: false, live: false });
    expect((await get('/healthz')).status).toBe(503);
    expect((await get('/metrics')).body).toContain('process_cpu_seconds_total');
    expect((await get('/other')).status).toBe(404);
    await expect(startTelemetryServer({ port: server.port, metrics, health }, stop.signal)).rejects.toMatchObject({
      code: 'TRB_PORT_IN_USE',
    });
    stop.abort();
    await server.closed;
  });

  test('says that it is not ready before the work hears that it is to stop, and answers until the work has drained', async () => {
    const health = new Health();
    const stop = new AbortController();
    let url = '';
    const status = async (path: string): Promise<number> => (await fetch(`${url}${path}`)).status;
    const seen: unknown[] = [];
    await serveWhile({ port: 0, metrics: createMetrics(), health, listening: (at) => (url = at) }, stop.signal, async () => {
      health.set('work', { ready: true });
      seen.push(health.ready, await status('/readyz'));
      const told = new Promise<void>((resolve) =>
        stop.signal.addEventListener('abort', () => {
          seen.push(health.ready);
          resolve();
        }),
      );
      stop.abort();
      await told;
      health.set('work', { ready: true });
      seen.push(await status('/readyz'), await status('/healthz'), await status('/metrics'));
    });
    expect(seen).toEqual([true, 200, false, 503, 200, 200]);
    await expect(status('/readyz')).rejects.toThrow();
  });
});
