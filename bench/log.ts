/** The embedded log: durable appends in batches, and reading them back; against lmdb itself with the same batches. */
import { open } from 'lmdb';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type Figure, paired, rate } from './measure.ts';

const BATCH = 1_000;
const RECORDS = 100_000;

export async function benchLog(): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const value = Buffer.alloc(200, 7);
  const log = await openEmbeddedLog({ path: join(directory, 'log'), partitions: 1 });
  const bare = open({ path: join(directory, 'bare'), keyEncoding: 'uint32', encoding: 'binary' });
  try {
    let key = 0;
    const put = await rate('lmdb: put, 1000 a batch, flushed', 'records/s', RECORDS, async () => {
      for (let done = 0; done < RECORDS; done += BATCH) {
        await bare.batch(() => {
          for (let i = 0; i < BATCH; i += 1) void bare.put((key += 1), value);
        });
        await bare.flushed;
      }
    });
    const batch = Array.from({ length: BATCH }, () => ({ topic: 'ticks' as const, key: 'BTC', value }));
    const append = await rate('log: append, 1000 a batch, durable', 'records/s', RECORDS, async () => {
      for (let done = 0; done < RECORDS; done += BATCH) await log.append(batch);
    });
    const read = await rate('log: read', 'records/s', RECORDS, async () => {
      const { end } = await log.bounds('ticks', 0);
      let records = 0;
      for await (const { records: some } of log.read('ticks', 0, { from: end - RECORDS })) records += some.length;
      if (records !== RECORDS) throw new Error(`the bench read ${records} records`);
    });
    return [put, paired(append, put), paired(read, append)];
  } finally {
    await log.close();
    await bare.close();
    await rm(directory, { recursive: true });
  }
}
