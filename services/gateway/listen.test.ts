/** Where the page listens and by which names it may be asked for: a container's address only on purpose, a stranger's name never. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { runGateway } from './service.ts';

describe('the gateway', () => {
  let directory: string;
  let context: ServiceContext;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tributary-listen-'));
    context = {
      log: await openEmbeddedLog({ path: join(directory, 'log'), partitions: 1 }),
      clock: systemClock,
      logger: createLogger({ level: 'silent' }),
      metrics: new Registry(),
      health: new Health(),
      source: 'sim',
    };
  });

  afterAll(async () => {
    await context.log.close();
    await rm(directory, { recursive: true });
  });

  test('refuses an address that others can reach', async () => {
    await expect(
      runGateway(context, { host: '0.0.0.0', port: 0, startedAt: 0 }, new AbortController().signal),
    ).rejects.toMatchObject({
      code: 'TRB_NOT_LOOPBACK',
    });
  });

  test('listens there when it is told that the network keeps strangers out, and answers to its names only', async () => {
    const stop = new AbortController();
    let running: Promise<void> = Promise.resolve();
    const url = await new Promise<string>((resolve, reject) => {
      const options = { host: '0.0.0.0', dangerouslyWithoutAuthentication: true, hostNames: ['tributary.example'] };
      running = runGateway(context, { ...options, port: 0, startedAt: 0, listening: resolve }, stop.signal);
      running.catch(reject);
    });
    const { port } = new URL(url);
    expect(await statusFor(port, 'tributary.example')).toBe(200);
    expect(await statusFor(port, `localhost:${port}`)).toBe(200);
    expect(await statusFor(port, 'evil.example')).toBe(421);
    stop.abort();
    await running;
  });
});

function statusFor(port: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/api/status', headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
