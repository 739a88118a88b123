/** What every source declares, and that all features find what they read. */
import { describe, expect, test } from '@jest/globals';
import { COLUMNS } from '#libs/features/catalogue.ts';
import { planOf } from '../plan.ts';
import { SOURCES } from './registry.ts';

const ASSETS = ['BTC', 'ETH'];

describe('declarations', () => {
  test('ids are there once, and are names that a metric and a file can bear', () => {
    const ids = SOURCES.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z][a-z0-9-]*$/.test(id))).toEqual([]);
  });

  test('every series that a feature reads is declared by a source', () => {
    // Some read one coin's for every asset: `dvol.BTC`.
    const declared = new Set(
      SOURCES.flatMap(({ id, series }) =>
        series.flatMap(({ name }) => [`${id}:${name}`, `${id}:${name.replace('{asset}', 'BTC')}`]),
      ),
    );
    const read = new Set(COLUMNS.flatMap(({ feature }) => feature.reads ?? []));
    expect([...read].filter((key) => !declared.has(key))).toEqual([]);
  });

  test('each says what it gives, costs and allows', () => {
    for (const source of SOURCES) {
      const { title, terms, series, hosts, key } = source;
      expect(title).not.toBe('');
      expect(terms.plan).not.toBe('');
      expect(terms.redistribution.length).toBeGreaterThan(10);
      expect(series.length).toBeGreaterThan(0);
      expect(new Set(series.map(({ name }) => name)).size).toBe(series.length);
      for (const { name, meaning, validFor } of series) {
        expect(name).toMatch(/^[a-z0-9_]+(\.(\{asset\}|[A-Za-z0-9_-]+))?$/);
        expect(meaning).not.toBe('');
        expect(validFor).toBeGreaterThan(0);
      }
      for (const { baseUrl, ratePerSecond, burst } of Object.values(hosts)) {
        expect(new URL(baseUrl).protocol).toBe('https:');
        expect(Math.min(ratePerSecond, burst)).toBeGreaterThan(0);
      }
      if (key !== undefined) {
        expect(key.env).toMatch(/^[A-Z][A-Z_]*$/);
        expect(JSON.stringify(Object.values(hosts))).not.toContain(key.env);
        expect(Object.values(key.headers('k3y')).join()).toContain('k3y');
      }
    }
  });

  test('each stays within its plan', () => {
    for (const source of SOURCES)
      for (const hasKey of [true, false]) {
        if (!hasKey && source.key?.isRequired === true) continue;
        const { polls, callsPerMonth } = planOf(source, { assets: ASSETS, hasKey });
        expect(new Set(polls.map(({ name }) => name)).size).toBe(polls.length);
        expect({ id: source.id, isWithin: callsPerMonth <= (source.terms.callsPerMonth ?? Infinity) }).toEqual({
          id: source.id,
          isWithin: true,
        });
      }
  });
});
