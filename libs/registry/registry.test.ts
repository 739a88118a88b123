import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded.ts';
import { type EventLog } from '../log/port.ts';
import { Signal } from '../wire/tributary/v1/signals.ts';
import { sealBundle } from '../models/bundle.ts';
import { signBundle } from '../models/signature.ts';
import { LANES } from '../market/horizon.ts';
import { carryOut, openRegistries, type Order, OrderBook, signOrder } from './order.ts';
import { ModelRegistry, type SlotName, SLOTS } from './registry.ts';

const MINUTE = 60_000;
const now = Date.UTC(2026, 0, 5, 12) + 20_000;
const change = { actor: 'test', reason: 'because', now };
const request = { ...change, slot: 'champion' as const };

let path: string;
let log: EventLog;
let stop: AbortController;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'tributary-registry-'));
  log = await openEmbeddedLog({ path, partitions: 2 });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await log.close();
  await rm(path, { recursive: true });
});

const open = (): Promise<ModelRegistry> =>
  ModelRegistry.open(log, stop.signal, (error: unknown): never => {
    throw error;
  });

const followed = (registry: ModelRegistry, isThere: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const check = (): void => (isThere() ? resolve() : undefined);
    registry.onChange(check);
    check();
  });

test('a bundle takes effect after anything emitted; until then and after a restart the one before it serves', async () => {
  await log.append(
    [2, 5, 3].map((t) => ({
      topic: 'signals',
      key: `A${t}`,
      value: Signal.encode(Signal.fromPartial({ t: t * MINUTE })).finish(),
    })),
  );
  const writer = await open();
  const reader = await open();
  const changed = async (count: number): Promise<void> => {
    for (const registry of [writer, reader]) await followed(registry, () => registry.slots().length >= count);
  };
  expect(reader.heldAt(Infinity)).toEqual([]);

  const first = await writer.publish({ ...request, bundleId: 'first', bundle: Uint8Array.of(1) });
  expect(first.effectiveT).toBe(5 * MINUTE + 1);
  await changed(1);
  const second = await writer.publish({ ...request, bundleId: 'second', bundle: Uint8Array.of(2) });
  expect(second.effectiveT).toBe(now + 2_000);
  await changed(2);

  const restarted = await open();
  for (const registry of [reader, restarted]) {
    const serving = (t: number): string | undefined => registry.heldAt(t)[0]?.bundleId;
    expect(serving(5 * MINUTE)).toBeUndefined();
    expect(serving(second.effectiveT - 1)).toBe('first');
    expect(serving(second.effectiveT)).toBe('second');
    expect(registry.heldAt(second.effectiveT).map(({ bundleId }) => bundleId)).toEqual(['second', 'first']);
    expect([...registry.slot('champion')!.bundle]).toEqual([2]);
  }
  await expect(writer.publish({ ...request, bundleId: 'late', bundle: Uint8Array.of(), effectiveT: now })).rejects.toMatchObject({
    code: 'TRB_MODEL_TOO_EARLY',
  });
});

test('a change comes after the newest decision even where the clock of its author is behind', async () => {
  const registry = await open();
  await registry.publish({ ...request, bundleId: 'first', bundle: Uint8Array.of(1) });
  await followed(registry, () => registry.slots().length === 1);
  const ahead = now + 3 * MINUTE;
  await log.append([{ topic: 'signals', key: 'A', value: Signal.encode(Signal.fromPartial({ t: ahead })).finish() }]);
  const { effectiveT } = await registry.publish({ ...request, slot: 'fallback', bundleId: 'other', bundle: Uint8Array.of(2) });
  expect(effectiveT).toBe(ahead + 1);
});

describe('the slots', () => {
  const held = (registry: ModelRegistry): Partial<Record<SlotName, string>> =>
    Object.fromEntries(
      SLOTS.flatMap((slot) => (registry.slot(slot) === undefined ? [] : [[slot, registry.slot(slot)!.bundleId]])),
    );

  /** Does it and waits until the registry knows. */
  async function done(registry: ModelRegistry, doing: ReturnType<ModelRegistry['publish']>): Promise<number> {
    const { slot, reason, effectiveT } = await doing;
    const name = SLOTS.find((each) => each === slot)!;
    const isThere = (): boolean =>
      registry.slot(name)?.reason === reason ||
      (registry.slot(name) === undefined && registry.heldAt(effectiveT)[0]?.slot !== slot);
    await followed(registry, isThere);
    return effectiveT;
  }

  const put = (registry: ModelRegistry, slot: SlotName, bundleId: string): Promise<number> =>
    done(registry, registry.publish({ ...change, reason: bundleId, slot, bundleId, bundle: Buffer.from(bundleId) }));

  test('a threshold moves by sums of steps, beside what the champion is; the next champion has none, the one that comes back has its own', async () => {
    const registry = await open();
    const head = { venue: 'kraken', instrument: 'BTC-USD', horizon: '1m' };
    await put(registry, 'champion', 'old');
    await done(registry, registry.pin({ ...change, reason: 'it stays' }, true));
    await done(registry, registry.tune({ ...change, reason: 'one' }, head, -0.01));
    await done(registry, registry.tune({ ...change, reason: 'two' }, { ...head, horizon: '5m' }, 0.01));
    const effectiveT = await done(registry, registry.tune({ ...change, reason: 'three' }, head, -0.01));
    const thresholds = [
      { ...head, horizon: '5m', by: 0.01 },
      { ...head, by: -0.02 },
    ];
    expect(registry.slot('champion')).toMatchObject({ bundleId: 'old', reason: 'three', pinned: true, thresholds });
    expect(registry.slot('previous')).toBeUndefined();
    expect(registry.heldAt(effectiveT - 1)[0]).toMatchObject({ bundleId: 'old', reason: 'two' });
    await done(registry, registry.pin({ ...change, reason: 'it may go' }, false));
    await put(registry, 'champion', 'new');
    expect(registry.slot('champion')!.thresholds).toEqual([]);
    await done(registry, registry.rollback({ ...change, reason: 'back' }));
    expect(registry.slot('champion')).toMatchObject({ bundleId: 'old', thresholds });
  });

  test('promotion and rollback move bundles, each with who and why; the last rollback leaves it to the fallback', async () => {
    const registry = await open();
    await put(registry, 'champion', 'old');
    await put(registry, 'fallback', 'incumbent');
    await put(registry, 'challenger', 'new');
    await done(registry, registry.promote({ ...change, actor: 'ann', reason: 'it is better' }));
    expect(held(registry)).toEqual({ champion: 'new', previous: 'old', fallback: 'incumbent' });
    expect(registry.slot('champion')).toMatchObject({ actor: 'ann', reason: 'it is better', time: now });
    expect(Buffer.from(registry.slot('champion')!.bundle).toString()).toBe('new');

    const back = await done(registry, registry.rollback({ ...change, reason: 'it is not' }));
    expect(held(registry)).toEqual({ champion: 'old', challenger: 'new', fallback: 'incumbent' });
    expect(registry.heldAt(back - 1)[0]!.bundleId).toBe('new');
    expect(registry.heldAt(back).map(({ bundleId }) => bundleId)).toEqual(['old', 'incumbent', 'new']);

    const out = await done(registry, registry.rollback({ ...change, reason: 'nor is that' }));
    for (const each of [registry, await open()]) {
      expect(held(each)).toEqual({ challenger: 'new', fallback: 'incumbent' });
      expect(each.heldAt(out)[0]!.slot).toBe('fallback');
    }
    await expect(registry.rollback(change)).rejects.toMatchObject({ code: 'TRB_MODEL_SLOT_EMPTY' });
  });

  test('a pinned champion stays until it is let go or rolled back', async () => {
    const registry = await open();
    await put(registry, 'champion', 'old');
    await put(registry, 'champion', 'new');
    await done(registry, registry.pin({ ...change, reason: 'holidays' }, true));
    expect(registry.slot('champion')).toMatchObject({ bundleId: 'new', pinned: true });
    await expect(put(registry, 'champion', 'newer')).rejects.toMatchObject({ code: 'TRB_MODEL_PINNED' });
    await put(registry, 'challenger', 'newer');
    await expect(registry.promote(change)).rejects.toMatchObject({ code: 'TRB_MODEL_PINNED' });
    await done(registry, registry.pin({ ...change, reason: 'back' }, false));
    await done(registry, registry.promote({ ...change, reason: 'promoted' }));
    await done(registry, registry.pin({ ...change, reason: 'pinned again' }, true));
    await done(registry, registry.rollback({ ...change, reason: 'rolled back' }));
    expect(registry.slot('champion')).toMatchObject({ bundleId: 'new', pinned: false });
  });
});

describe('a challenger', () => {
  const bundle = Uint8Array.of(1);
  const settled = (registry: ModelRegistry, effectiveT: number): Promise<void> =>
    followed(registry, () => registry.since('challenger') >= effectiveT);

  test('takes the place of one that is judged only after a week in the shadow; the first bundle of all decides', async () => {
    const registry = await open();
    const later = now + 7 * 86_400_000 + 1;
    expect(registry.placeOfNext(now)).toBe('champion');
    await registry.publish({ ...request, bundleId: 'first', bundle });
    await followed(registry, () => registry.slot('champion') !== undefined);
    expect(registry.placeOfNext(now)).toBe('challenger');
    const { effectiveT } = await registry.publish({ ...change, slot: 'challenger', bundleId: 'second', bundle });
    await settled(registry, effectiveT);
    expect(registry.placeOfNext(later - 1)).toBeUndefined();
    expect(registry.placeOfNext(later)).toBe('challenger');
    const { effectiveT: served } = await registry.serve({ ...change, now: now + MINUTE }, 0.05);
    await settled(registry, served);
    expect(registry.placeOfNext(later + MINUTE)).toBeUndefined();
  });

  test('serves a share from its effective_t on, none before, and none once its slot is cleared', async () => {
    const registry = await open();
    await registry.publish({ ...change, slot: 'challenger', bundleId: 'new', bundle, effectiveT: now });
    await settled(registry, now);
    const { effectiveT: served } = await registry.serve(change, 0.25);
    await settled(registry, served);
    const { effectiveT: cleared } = await registry.clear({ ...change, now: now + MINUTE }, 'challenger');
    await settled(registry, cleared);
    const shareAt = (t: number): number | undefined => registry.heldAt(t)[0]?.share;
    expect([now, served - 1, served, cleared - 1, cleared].map(shareAt)).toEqual([0, 0, 0.25, 0.25, undefined]);
    expect(registry.slot('challenger')).toBeUndefined();
    await expect(registry.serve(change, 0.25)).rejects.toMatchObject({ code: 'TRB_MODEL_SLOT_EMPTY' });
  });
});

describe('an order', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');
  const order: Order = { action: 'rollback', actor: 'ann', reason: 'it fell below the floor' };
  const signed = signOrder(order, privateKey, now);

  test('is carried out once, soon after it was signed, and for the operator only', () => {
    const book = new OrderBook();
    expect(() => book.open(signOrder(order, stranger.privateKey, now), [publicKey], now)).toThrow(
      expect.objectContaining({ code: 'TRB_CHANGE_SIGNER' }),
    );
    expect(book.open(signed, [publicKey], now + 1_000)).toEqual(order);
    expect(() => book.open(signed, [publicKey], now + 2_000)).toThrow(expect.objectContaining({ code: 'TRB_CHANGE_LATE' }));
    expect(() => new OrderBook().open(signed, [publicKey], now + 61_000)).toThrow(
      expect.objectContaining({ code: 'TRB_CHANGE_LATE' }),
    );
  });

  test('to publish where the next one goes is refused while a challenger is being judged', async () => {
    const registries = { slow: await open(), fast: undefined };
    const next = async (seed: number): Promise<string> => {
      const bundle = sealBundle({ target: 'entry', lane: 'slow', seed, trained: { from: 0, to: 1 }, inputs: [], heads: [] });
      const signedBundle = Buffer.from(signBundle(bundle, privateKey)).toString('base64');
      const publish: Order = { action: 'publish', slot: 'next', bundle: signedBundle, actor: 'ann', reason: 'trained' };
      const { slot } = await carryOut(registries, publish, [publicKey], now);
      await followed(registries.slow, () => registries.slow.slots().some(({ bundleId }) => bundleId === bundle.id));
      return slot;
    };
    expect(await next(1)).toBe('champion');
    expect(await next(2)).toBe('challenger');
    await expect(next(3)).rejects.toMatchObject({ code: 'TRB_MODEL_JUDGED' });
  });

  test('to publish a bundle of a lane that does not run is refused; where it runs, the bundle goes into slots of its own', async () => {
    const slow = await open();
    const fast = sealBundle({ target: 'mid', lane: 'fast', seed: 1, trained: { from: 0, to: 1 }, inputs: [], heads: [] });
    const bundle = Buffer.from(signBundle(fast, privateKey)).toString('base64');
    const publish: Order = { action: 'publish', slot: 'champion', bundle, actor: 'ann', reason: 'by mistake' };
    const refused = carryOut({ slow, fast: undefined }, publish, [publicKey], now);
    await expect(refused).rejects.toMatchObject({ code: 'TRB_BUNDLE_LANE' });
    const registries = await openRegistries(log, LANES, stop.signal, () => undefined);
    await carryOut(registries, publish, [publicKey], now);
    await followed(registries.fast!, () => registries.fast!.slots().length === 1);
    expect(registries.fast!.slot('champion')).toMatchObject({ slot: 'champion', bundleId: fast.id });
    const pin: Order = { action: 'pin', lane: 'fast', actor: 'ann', reason: 'it stays' };
    await carryOut(registries, pin, [publicKey], now);
    await followed(registries.fast!, () => registries.fast!.slot('champion')?.pinned === true);
    await expect(carryOut(registries, publish, [publicKey], now)).rejects.toMatchObject({ code: 'TRB_MODEL_PINNED' });
    expect([...slow.slots(), ...registries.slow!.slots()]).toEqual([]);
  });

  test.each([
    ['not signed', 'TRB_CHANGE_UNSIGNED', (): Uint8Array => Buffer.from(JSON.stringify({ order, signedAt: now }))],
    [
      'changed',
      'TRB_CHANGE_SIGNATURE',
      (): Uint8Array => Buffer.from(Buffer.from(signed).toString('latin1').replace('ann', 'bob'), 'latin1'),
    ],
    [
      'of no known action',
      'TRB_CHANGE_UNREADABLE',
      (): Uint8Array => signOrder({ ...order, action: 'erase' } as unknown as Order, privateKey, now),
    ],
  ])('that is %s is refused with %s', (_name, code, bytes) => {
    expect(() => new OrderBook().open(bytes(), [publicKey], now)).toThrow(expect.objectContaining({ code }));
  });
});
