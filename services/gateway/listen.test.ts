/** Where the page listens and by which names it may be asked for: a container's address only on purpose, a stranger's name never. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestSecurely, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { Tokens } from '#libs/access/tokens.ts';
import { systemClock } from '#libs/clock/clock.ts';
import { openEmbeddedLog } from '#libs/log/embedded.ts';
import { Secret } from '#libs/secrets/secret.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { Health } from '#libs/telemetry/health.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { describeWithCertificates } from '#tests/tls/certificates.ts';
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
      const options = { host: '0.0.0.0', access: { dangerouslyWithoutAuthentication: true }, hostNames: ['tributary.example'] };
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

  describeWithCertificates('over TLS', ({ read }) => {
    const tls = () => ({ cert: read('server.pem'), key: new Secret(read('server.key')) });
    const TOKEN = 'reader-0123456789abcdef';

    test('answers who bears a token, or a client certificate where it asks for one, and keeps its stream to the policy', async () => {
      const tokens = new Tokens(new Secret(`read ${TOKEN}`));
      for (const { access, given } of [
        { access: { tls: tls(), tokens }, given: { headers: { authorization: `Bearer ${TOKEN}` } } },
        { access: { tls: { ...tls(), clientCa: read('ca.pem') } }, given: { cert: read('client.pem'), key: read('client.key') } },
      ]) {
        const stop = new AbortController();
        let running: Promise<void> = Promise.resolve();
        const url = await new Promise<string>((resolve, reject) => {
          running = runGateway(context, { host: '0.0.0.0', access, port: 0, startedAt: 0, listening: resolve }, stop.signal);
          running.catch(reject);
        });
        const { protocol, port } = new URL(url);
        expect(protocol).toBe('https:');
        const ca = read('ca.pem');
        const page = await get(port, '/', { ca, ...given });
        expect(page).toMatchObject({ status: 200, headers: { 'strict-transport-security': expect.stringMatching(/^max-age=/) } });
        const stream = await get(port, '/api/stream', { ca, ...given });
        expect(stream.headers['content-security-policy']).toBe(page.headers['content-security-policy']);
        const stranger = await get(port, '/', { ca }).catch((error: unknown) => error as NodeJS.ErrnoException);
        // The alert says so, unless the connection is gone before it is read.
        const refusals = 'tokens' in access ? [401] : ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ECONNRESET'];
        expect(refusals).toContain('status' in stranger ? stranger.status : stranger.code);
        stop.abort();
        await running;
      }
    });
  });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Does not wait for the body: a stream's has no end. */
function get(port: string, path: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    requestSecurely({ host: '127.0.0.1', port, path, agent: false, ...options }, (answer) => {
      answer.destroy();
      resolve({ status: answer.statusCode, headers: answer.headers });
    })
      .on('error', reject)
      .end();
  });
}

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
