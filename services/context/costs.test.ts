import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { costsText, sourceCosts } from './costs.ts';
import { contextFindings, statesOf } from './doctor.ts';
import { ContextMetrics } from './metrics.ts';
import { SOURCES } from './sources/registry.ts';
import { example } from './testing/example.ts';

test('every source has a line, with what it costs and allows', () => {
  const lines = costsText(sourceCosts(['BTC', 'ETH']))
    .trim()
    .split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(SOURCES.map(({ id }) => id));
  const [costs] = sourceCosts(['BTC'], () => true, [example]);
  // Twelve an hour, and two: of 31 days.
  expect(costs).toMatchObject({ callsPerDay: 288 + 48, callsPerMonth: 336 * 31, limitPerMonth: 10_000, key: 'EXAMPLE_KEY' });
});

describe('what the doctor says', () => {
  const optIn = { ...example, id: 'opt', isDefault: false };
  const ask = (environment: Record<string, string>, states = statesOf('')): string[] =>
    contextFindings({ chosen: ['default'], symbols: ['BTC-USD'], environment, states, registry: [example, optIn] }).map(
      ({ state, detail }) => `${state} ${detail}`,
    );

  test('on, off for want of a key, opt-in; calls, plan and terms', () => {
    const [on, opt] = ask({ EXAMPLE_KEY: 'k3y' });
    expect(on).toBe('ok on; 10416 calls this month of 10000 (Free); With attribution.');
    expect(opt).toMatch(/^off opt-in: name it with --context-sources; /);
    expect(ask({})[0]).toMatch(/^missing off: needs EXAMPLE_KEY; /);
    expect(ask({ EXAMPLE_KEY_FILE: '/nowhere/key' })[0]).toMatch(/^missing EXAMPLE_KEY_FILE cannot be read/);
  });

  test('what a running instance has learned', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ source: 'live' });
    const gauged = { provider: 'example', state: 'blocked', calls: 7, projected: 8, newest: new Map<string, number>() } as const;
    new ContextMetrics(
      registry,
      () => 0,
      () => [gauged],
    );
    const states = statesOf(await registry.metrics());
    expect(states.get('example')).toEqual({ state: 'blocked', calls: 7, projected: 8 });
    expect(ask({ EXAMPLE_KEY: 'k3y' }, states)[0]).toMatch(/^off blocked: .*; 8 calls this month of 10000 \(Free\), 7 made; /);
  });
});
