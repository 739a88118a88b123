import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { Secret } from '#libs/secrets/secret.ts';
import { bindSource, migrate } from '#libs/store/migrate.ts';
import { coveredMinutes, insertCandles, missingRanges, streamCandles } from '#libs/store/candles.ts';
import { featureView, registerFeatureSchema } from '#libs/store/feature-schemas.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { startHttpFront, type HttpFront } from '#libs/store/testing/http-front.ts';
import { describeWithCertificates } from '#tests/tls/certificates.ts';

const Count = z.object({ n: z.number() });
const count = async (store: Store, from: string) => (await store.query(`SELECT count() AS n FROM ${from}`, Count))[0]!.n;
const MINUTE = 60_000;

/** The same contract for both ways to a ClickHouse. */
function contract(open: () => Promise<Store>): void {
  let store: Store;
  beforeAll(async () => {
    store = await open();
    await migrate(store);
    await store.execute(`CREATE TABLE IF NOT EXISTS probe (k Int64, name LowCardinality(String), raw String, f Array(Float32), d Float64, ok Bool,
      at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY k SETTINGS non_replicated_deduplication_window = 100`);
  });
  afterAll(async () => store.close());

  test('gives back exactly what was inserted: bytes, NaN, large and negative integers, quotes', async () => {
    const raw = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const rows = [
      [-9_007_199_254_740_991, "it's \\ ünï", raw, new Float32Array([1.5, Number.NaN]), 0.1 + 0.2, true, 1_700_000_000_123],
      [9_007_199_254_740_991, '', '', [], Number.POSITIVE_INFINITY, false, 0],
    ];
    await store.insert('probe', ['k', 'name', 'raw', 'f', 'd', 'ok', 'at'], rows, 'exact');
    const Row = z.object({
      k: z.number(),
      name: z.string(),
      hex: z.string(),
      nan: z.number(),
      inf: z.number(),
      ok: z.boolean(),
      at: z.number(),
    });
    const sql = `SELECT k, name, hex(raw) AS hex, length(arrayFilter(isNaN, f)) AS nan, isInfinite(d) AS inf, ok, toUnixTimestamp64Milli(at) AS at
      FROM probe ORDER BY k`;
    expect(await store.query(sql, Row)).toEqual([
      {
        k: -9_007_199_254_740_991,
        name: "it's \\ ünï",
        hex: Buffer.from(raw).toString('hex').toUpperCase(),
        nan: 1,
        inf: 0,
        ok: true,
        at: 1_700_000_000_123,
      },
      { k: 9_007_199_254_740_991, name: '', hex: '', nan: 0, inf: 1, ok: false, at: 0 },
    ]);
    const [sum] = await store.query('SELECT d AS n FROM probe WHERE name = {name:String}', Count, { name: "it's \\ ünï" });
    expect(sum!.n).toBe(0.1 + 0.2);
  });

  test('a token inserts once, and never hides another insert', async () => {
    const before = await count(store, 'probe');
    const batch = (base: number) => Array.from({ length: 3000 }, (_, index) => [base + index]);
    for (const [base, token] of [
      [0, 'a'],
      [0, 'a'],
      [10_000, 'b'],
      [0, 'a'],
      [20_000, 'c'],
      [10_000, 'b'],
    ] as const) {
      await store.insert('probe', ['k'], batch(base), token);
    }
    expect((await count(store, 'probe')) - before).toBe(9000);
  });

  test('streams a large answer in order, with parameters', async () => {
    await store.insert(
      'probe',
      ['k', 'name'],
      Array.from({ length: 30_000 }, (_, index) => [index, 'stream']),
      'stream',
    );
    const seen: number[] = [];
    let blocks = 0;
    const rows = store.stream(
      'SELECT k AS n FROM probe WHERE name IN {names:Array(String)} AND k >= {from:Int64} ORDER BY k',
      Count,
      {
        names: ['stream', "o'x"],
        from: 10,
      },
    );
    for await (const block of rows) {
      blocks++;
      for (const { n } of block) seen.push(n);
    }
    expect(seen.length).toBe(29_990);
    expect(seen.every((value, index) => value === index + 10)).toBe(true);
    expect(blocks).toBeGreaterThan(1);
  });

  test('says what went wrong', async () => {
    await expect(store.query('SELECT * FROM nowhere', Count)).rejects.toMatchObject({ code: 'TRB_STORE_QUERY', canRetry: false });
    await expect(store.query("SELECT 'x' AS n", Count)).rejects.toMatchObject({ code: 'TRB_STORE_QUERY' });
    await expect(store.insert('probe', ['gone'], [[1]], 't')).rejects.toMatchObject({ code: 'TRB_STORE_QUERY' });
    await expect(store.insert('probe', ['k'], [['1']], 't')).rejects.toMatchObject({ code: 'TRB_STORE_QUERY' });
    await expect(store.insert('probe; DROP', ['k'], [[1]], 't')).rejects.toMatchObject({ code: 'TRB_STORE_QUERY' });
    await expect(store.query('SELECT throwIf(1) AS n', Count)).rejects.toMatchObject({ code: 'TRB_STORE_QUERY' });
  });

  test('migrations run once; one source a store', async () => {
    expect(await migrate(store)).toEqual([]);
    await bindSource(store, 'sim');
    await bindSource(store, 'sim');
    await expect(bindSource(store, 'live')).rejects.toMatchObject({ code: 'TRB_STORE_SOURCE' });
  });

  test('candles: each minute once, holes known, read in order of time', async () => {
    const candle = (venue: string, minute: number) => ({
      ...{ venue, instrument: 'BTC-USD', start: minute * MINUTE, open: 1, high: 2, low: 0.5, close: 1.5, volume: 3, trades: -1 },
    });
    for (const venue of ['kraken', 'coinbase', 'coinbase']) {
      const asked = { from: 100 * MINUTE, to: 110 * MINUTE };
      await insertCandles(store, venue, 'BTC-USD', asked, [candle(venue, 100), candle(venue, 105)], 'rest');
    }
    await insertCandles(store, 'coinbase', 'BTC-USD', { from: 110 * MINUTE, to: 112 * MINUTE }, [], 'rest');
    const covered = await coveredMinutes(store, 'coinbase', 'BTC-USD');
    expect(covered).toEqual([{ from: 100 * MINUTE, to: 112 * MINUTE }]);
    expect(missingRanges({ from: 90 * MINUTE, to: 120 * MINUTE }, covered)).toEqual([
      { from: 90 * MINUTE, to: 100 * MINUTE },
      { from: 112 * MINUTE, to: 120 * MINUTE },
    ]);
    const rows = [];
    for await (const block of streamCandles(store, { instruments: ['BTC-USD'], from: 100 * MINUTE, to: 106 * MINUTE }))
      rows.push(...block);
    expect(rows).toEqual([candle('coinbase', 100), candle('kraken', 100), candle('coinbase', 105), candle('kraken', 105)]);
  });

  test('a schema gets a wide view of its vectors', async () => {
    const schema = { id: 'abc123', columns: ['ret_1m@1', 'vol_5m@2'] };
    await registerFeatureSchema(store, schema);
    await registerFeatureSchema(store, schema);
    const columns = ['log_time', 'instrument', 'schema_id', 'values'];
    await store.insert('features', columns, [[Date.now(), 'BTC-USD', 'abc123', new Float32Array([0.25, -1])]], 'v');
    const sql = `SELECT \`vol_5m@2\` AS n FROM ${featureView(schema.id)}`;
    expect(await store.query(sql, Count)).toEqual([{ n: -1 }]);
    await expect(registerFeatureSchema(store, { id: 'abc123', columns: ['other@1'] })).rejects.toMatchObject({
      code: 'TRB_STORE_QUERY',
    });
  });
}

const folders: string[] = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'tributary-store-'));
  folders.push(path);
  return path;
};
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

describe('embedded', () => contract(() => openStore({ path: folder() })));

describe('a data directory', () => {
  test('has one owner, keeps its data, and is free again when the owner is gone', async () => {
    const path = folder();
    const store = await openStore({ path });
    await migrate(store);
    await bindSource(store, 'sim');
    const other = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', CLAIM], {
      env: { ...process.env, STORE: path },
      encoding: 'utf8',
    });
    expect(other.stdout.trim()).toBe('TRB_STORE_IN_USE');
    await expect(openStore({ path: folder() })).rejects.toMatchObject({ code: 'TRB_STORE_IN_USE' });
    await store.close();
    const again = await openStore({ path });
    await expect(bindSource(again, 'live')).rejects.toMatchObject({ code: 'TRB_STORE_SOURCE' });
    await again.close();
  });

  test('that cannot be made is a clear error', async () => {
    await expect(openStore({ path: join(import.meta.filename, 'store') })).rejects.toMatchObject({
      code: 'TRB_STORE_UNAVAILABLE',
    });
  });
});

const CLAIM = `import { openStore } from '#libs/store/open.ts';
try { await openStore({ path: process.env.STORE }); console.log('opened'); } catch (error) { console.log(error.code); }`;

describe('a server', () => {
  let front: HttpFront;
  beforeAll(async () => {
    front = await startHttpFront(folder());
  });
  afterAll(async () => front.stop());

  contract(() => openStore({ url: front.url, database: 'tributary_test' }));

  test('that is away is unavailable, and is used again when it is back', async () => {
    const store = await openStore({ url: front.url, database: 'tributary_test' });
    await front.down();
    await expect(store.query('SELECT 1 AS n', Count)).rejects.toMatchObject({ code: 'TRB_STORE_UNAVAILABLE', canRetry: true });
    await expect(openStore({ url: front.url })).rejects.toMatchObject({ code: 'TRB_STORE_UNAVAILABLE' });
    await front.up();
    expect(await store.query('SELECT 1 AS n', Count)).toEqual([{ n: 1 }]);
    await store.close();
  });
});

describeWithCertificates('a server over TLS, with a password', (certificates) => {
  const { read } = certificates;
  let front: HttpFront;
  const tls = () => ({ ca: read('ca.pem'), cert: read('client.pem'), key: new Secret(read('client.key')) });
  const open = (change: object = {}) =>
    openStore({ url: front.url, username: 'archive', password: new Secret('s3cret-word'), tls: tls(), ...change });
  beforeAll(async () => {
    front = await startHttpFront(folder(), {
      tls: { cert: read('server.pem'), key: read('server.key'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: true },
      login: 'archive:s3cret-word',
    });
  });
  afterAll(async () => front.stop());

  test('is migrated and written to', async () => {
    const store = await open();
    expect((await migrate(store)).length).toBeGreaterThan(0);
    await bindSource(store, 'sim');
    await store.close();
  });

  test('says which of them is wrong, and not what it was', async () => {
    const wrong = await open({ password: new Secret('an0ther-word') }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({ code: 'TRB_STORE_QUERY', message: expect.stringContaining('does not let us in') });
    expect(inspect(wrong, { depth: 20, showHidden: true })).not.toMatch(/an0ther-word|YXJjaGl2ZT|PRIVATE KEY/);
    await expect(open({ tls: { ...tls(), ca: read('stranger-ca.pem') } })).rejects.toMatchObject({ code: 'TRB_STORE_TLS' });
    await expect(open({ tls: { ca: read('ca.pem') } })).rejects.toMatchObject({
      code: expect.stringMatching(/^TRB_STORE_(TLS|UNAVAILABLE)$/),
    });
    await expect(open({ url: front.url.replace('//', '//archive:s3cret-word@') })).rejects.toMatchObject({
      code: 'TRB_STORE_OPTIONS',
    });
  });
});
