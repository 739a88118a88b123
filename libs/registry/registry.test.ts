import { expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../log/embedded.ts';
import { Signal } from '../wire/tributary/v1/signals.ts';
import { ModelRegistry } from './registry.ts';

const MINUTE = 60_000;
const now = Date.UTC(2026, 0, 5, 12) + 20_000;
const request = { slot: 'champion' as const, actor: 'test', reason: 'because', now };

test('a bundle takes effect after anything emitted; until then and after a restart the one before it serves', async () => {
  const path = await mkdtemp(join(tmpdir(), 'tributary-registry-'));
  const log = await openEmbeddedLog({ path, partitions: 2 });
  const stop = new AbortController();
  const fail = (error: unknown): never => {
    throw error;
  };
  try {
    await log.append(
      [2, 5, 3].map((t) => ({
        topic: 'signals',
        key: `A${t}`,
        value: Signal.encode(Signal.fromPartial({ t: t * MINUTE })).finish(),
      })),
    );
    const writer = await ModelRegistry.open(log, stop.signal, fail);
    const reader = await ModelRegistry.open(log, stop.signal, fail);
    const changed = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const check = (): void => {
          if (writer.slots().length >= count && reader.slots().length >= count) resolve();
        };
        writer.onChange(check);
        reader.onChange(check);
        check();
      });
    expect(reader.candidatesAt(Infinity)).toEqual([]);

    const first = await writer.publish({ ...request, bundleId: 'first', bundle: Uint8Array.of(1) });
    expect(first.effectiveT).toBe(5 * MINUTE + 1);
    await changed(1);
    const second = await writer.publish({ ...request, bundleId: 'second', bundle: Uint8Array.of(2) });
    expect(second.effectiveT).toBe(Date.UTC(2026, 0, 5, 12, 1));
    await changed(2);

    const restarted = await ModelRegistry.open(log, stop.signal, fail);
    for (const registry of [reader, restarted]) {
      const serving = (t: number): string | undefined => registry.candidatesAt(t)[0]?.bundleId;
      expect(serving(5 * MINUTE)).toBeUndefined();
      expect(serving(second.effectiveT - 1)).toBe('first');
      expect(serving(second.effectiveT)).toBe('second');
      expect(registry.candidatesAt(second.effectiveT).map(({ bundleId }) => bundleId)).toEqual(['second', 'first']);
      expect([...registry.slot('champion')!.bundle]).toEqual([2]);
    }
    await expect(
      writer.publish({ ...request, bundleId: 'late', bundle: Uint8Array.of(), effectiveT: now }),
    ).rejects.toMatchObject({
      code: 'TRB_MODEL_TOO_EARLY',
    });
  } finally {
    stop.abort();
    await log.close();
    await rm(path, { recursive: true });
  }
});
