/** The slots through the API of a running instance: seen by everybody, changed by the operator only. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type EventLog } from '#libs/log/port.ts';
import { sealBundle } from '#libs/models/bundle.ts';
import { signBundle } from '#libs/models/signature.ts';
import { type Order } from '#libs/registry/order.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { Outcome, OutcomeStatus, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { openSlots } from '#services/cli/model-slots.ts';
import { modelsCommand } from '#services/cli/models.ts';
import { MAX_BODY_BYTES, MAX_ORDER_BYTES, runGateway } from './service.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pemOf = (key: typeof privateKey): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const bundleOf = (seed: number) =>
  sealBundle({ target: 'entry', lane: 'slow', seed, trained: { from: 0, to: 1 }, inputs: [], heads: [] });
const [first, second] = [bundleOf(1), bundleOf(2)];
const publish = (seed: number, slot: 'champion' | 'challenger'): Order => ({
  ...{ action: 'publish', slot, actor: 'ann', reason: `bundle ${seed}` },
  bundle: Buffer.from(signBundle(bundleOf(seed), privateKey)).toString('base64'),
});

let directory: string;
let log: EventLog;
let url: string;
let running: Promise<void>;
const stop = new AbortController();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-models-'));
  log = await openEmbeddedLog({ path: directory, partitions: 2 });
  const logger = createLogger({ level: 'silent' });
  const context = { log, clock: systemClock, logger, metrics: new Registry(), health: new Health(), source: 'sim' as const };
  url = await new Promise<string>((resolve, reject) => {
    running = runGateway(context, { port: 0, startedAt: 0, trust: () => [publicKey], listening: resolve }, stop.signal);
    running.catch(reject);
  });
});
afterAll(async () => {
  stop.abort();
  await running;
  await log.close();
  await rm(directory, { recursive: true });
});

const slots = (key = pemOf(privateKey)) =>
  openSlots(
    {
      url,
      key,
      topicPrefix: '',
      kafkaSecurity: 'PLAINTEXT',
      kafkaSaslMechanism: 'SCRAM-SHA-512',
      kafkaCompression: 'none',
      trust: '',
    },
    systemClock,
  );

async function held(expected: readonly string[]): Promise<void> {
  const instance = await slots();
  for (;;) {
    const rows = (await instance.view()).slots.map(({ slot, bundle_id }) => `${slot} ${bundle_id}`);
    if (rows.join() === expected.join()) return;
    await systemClock.sleep(10);
  }
}

test('the operator changes the slots, each change with who and why', async () => {
  const instance = await slots();
  await instance.change(publish(1, 'champion'));
  await held([`champion ${first.id}`]);
  await instance.change(publish(2, 'challenger'));
  await held([`champion ${first.id}`, `challenger ${second.id}`]);
  const promoted = await instance.change({ action: 'promote', actor: 'ann', reason: 'better in the shadow' });
  expect(promoted).toMatchObject({ slot: 'champion', bundle_id: second.id });
  await held([`champion ${second.id}`, `previous ${first.id}`]);
  expect((await instance.view()).slots[0]).toMatchObject({ actor: 'ann', reason: 'better in the shadow', pinned: false });
  await instance.change({ action: 'rollback', actor: 'bob', reason: 'worse in the open' });
  await held([`champion ${first.id}`, `challenger ${second.id}`]);
});

test('nobody else does', async () => {
  const stranger = await slots(pemOf(generateKeyPairSync('ed25519').privateKey));
  const order: Order = { action: 'rollback', actor: 'eve', reason: 'for fun' };
  await expect(stranger.change(order)).rejects.toMatchObject({ code: 'TRB_CHANGE_SIGNER' });
  for (const [type, status] of [
    ['application/json', 409],
    ['application/octet-stream', 409],
  ] as const) {
    const answer = await fetch(new URL('/api/models', url), {
      method: 'POST',
      headers: { 'content-type': type },
      body: JSON.stringify(order),
    });
    expect([type, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      type,
      status,
      'TRB_CHANGE_UNSIGNED',
    ]);
  }
  await held([`champion ${first.id}`, `challenger ${second.id}`]);
});

test.each([
  // Blanks are no JSON, and nobody signed them.
  ['application/json', MAX_BODY_BYTES, 400],
  ['application/octet-stream', MAX_ORDER_BYTES, 409],
])('a body of %s is read up to %d bytes', async (type, most, status) => {
  const post = (bytes: number): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': type, 'content-length': bytes };
      const sent = request(new URL('/api/models', url), { method: 'POST', headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      sent.on('error', reject);
      // Of one that is too large the announcement is enough.
      if (bytes > most) sent.flushHeaders();
      else sent.end(Buffer.alloc(bytes, ' '));
    });
  expect(await post(most)).toBe(status);
  expect(await post(most + 1)).toBe(413);
});

test('what is trained while a challenger is judged is published nowhere, which is said and is no failure', async () => {
  const file = join(directory, 'third.json');
  await writeFile(file, signBundle(bundleOf(3), privateKey));
  const said: string[] = [];
  const spoken = jest.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  try {
    const args = ['publish', file, '--slot', 'next', '--url', url, '--key', pemOf(privateKey), '--by', 'cron'];
    await modelsCommand().parseAsync(args, { from: 'user' });
  } finally {
    spoken.mockRestore();
  }
  expect(said.join('')).toMatch(
    /^nothing published: A challenger is being judged\. Publish when it is promoted or has left.*--slot challenger\.\n$/,
  );
  expect(process.exitCode).toBeUndefined();
  await held([`champion ${first.id}`, `challenger ${second.id}`]);
});

test('a shadow is shown beside what was published on the same prices', async () => {
  const at = { venue: 'kraken', instrument: 'BTC-USD', horizon: '1m' };
  const records = [0, 1, 2, 3].flatMap((t) => {
    const signal = Signal.fromPartial({ ...at, t, probabilityUp: 0.8, confidence: 0.8, slot: 'champion', bundleId: first.id });
    const shadow = { ...signal, probabilityUp: t === 0 ? 0.8 : 0.2, slot: 'challenger', bundleId: second.id, shadow: true };
    const status = OutcomeStatus.OUTCOME_STATUS_UP;
    return [
      { topic: 'outcomes' as const, key: 'BTC', value: Outcome.encode(Outcome.fromPartial({ signal, status })).finish() },
      {
        topic: 'shadow-outcomes' as const,
        key: 'BTC',
        value: Outcome.encode(Outcome.fromPartial({ signal: shadow, status, published: signal })).finish(),
      },
    ];
  });
  await log.append(records);
  const instance = await slots();
  let rows = (await instance.view()).accuracy;
  while (rows.length < 2 || rows.some(({ moves }) => moves < 4)) {
    await systemClock.sleep(10);
    rows = (await instance.view()).accuracy;
  }
  expect(rows).toMatchObject([
    { slot: 'challenger', moves: 4, accuracy: 0.25, pairedMoves: 4, pairedAccuracy: 0.25, publishedAccuracy: 1 },
    { slot: 'champion', moves: 4, accuracy: 1, pairedMoves: 0, publishedAccuracy: null },
  ]);
});
