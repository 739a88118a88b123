/** The tables on a cluster, as text; ClickHouse's own parser says whether it is SQL. There is no cluster to run it on here. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { onCluster } from './cluster.ts';
import { statementsOf } from './migrate.ts';
import { openStore } from './open.ts';
import { type Store } from './port.ts';

const FOLDER = join(import.meta.dirname, 'migrations');
const statements = readdirSync(FOLDER).flatMap((name) => statementsOf(readFileSync(join(FOLDER, name), 'utf8')));
const path = mkdtempSync(join(tmpdir(), 'tributary-cluster-'));
let store: Store;
beforeAll(async () => {
  store = await openStore({ path });
});
afterAll(async () => {
  await store.close();
  rmSync(path, { recursive: true });
});

test('every statement of the migrations goes to every server, into replicated tables', async () => {
  expect(statements.length).toBeGreaterThan(20);
  for (const statement of statements) {
    const given = onCluster(statement, '{cluster}');
    expect(given.match(/ON CLUSTER '\{cluster\}'/g)).toHaveLength(1);
    expect(given).not.toMatch(/ENGINE = (?!Replicated)|non_replicated/);
    const [parsed] = await store.query('SELECT formatQuerySingleLine({sql:String}) AS sql', z.object({ sql: z.string() }), {
      sql: given,
    });
    expect(parsed!.sql).toMatch(
      /^(?:CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS|ALTER TABLE) \w+ ON CLUSTER `?\{cluster\}`?/,
    );
  }
});

test.each([
  ['CREATE DATABASE IF NOT EXISTS `tributary`', "CREATE DATABASE IF NOT EXISTS `tributary` ON CLUSTER 'c'"],
  [
    'CREATE TABLE IF NOT EXISTS t (k Int64)\nENGINE = ReplacingMergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100',
    "CREATE TABLE IF NOT EXISTS t ON CLUSTER 'c' (k Int64)\nENGINE = ReplicatedReplacingMergeTree ORDER BY k SETTINGS replicated_deduplication_window = 100",
  ],
  ['ALTER TABLE ticks ADD COLUMN IF NOT EXISTS seq Int64', "ALTER TABLE ticks ON CLUSTER 'c' ADD COLUMN IF NOT EXISTS seq Int64"],
  ['SELECT 1', 'SELECT 1'],
])('%s', (statement, expected) => expect(onCluster(statement, 'c')).toBe(expected));
