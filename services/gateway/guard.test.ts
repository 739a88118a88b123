/** What a request has to pass before the page answers it, on real sockets. `POST /change` stands for whatever changes something. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { fastify } from 'fastify';
import { request } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Access } from '#libs/access/access.ts';
import { Tokens } from '#libs/access/tokens.ts';
import { Secret } from '#libs/secrets/secret.ts';
import { guard } from './guard.ts';

const READ = 'reader-0123456789abcdef';
const OPERATE = 'operator-0123456789abcdef';
const tokens = new Tokens(new Secret(`read ${READ}\noperate ${OPERATE}`));
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(access: Access): Promise<number> {
  const server = fastify();
  guard(server, { access, hostNames: ['tributary.example'], now: () => 0 });
  server.get('/', () => 'read');
  server.post('/change', () => 'changed');
  await server.listen({ port: 0, host: '127.0.0.1' });
  closing.push(() => server.close());
  return (server.server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function send(port: number, method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers: { host: `localhost:${port}`, ...headers } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => (body += text));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a call that changes something', () => {
  test.each([
    ['from no browser', {}, 200],
    ['from the page itself', { origin: 'http://localhost:PORT', 'sec-fetch-site': 'same-origin' }, 200],
    ['from another site', { origin: 'https://evil.example' }, 403],
    ['from another port of this machine', { origin: 'http://localhost:1' }, 403],
    ['from a page without an origin', { origin: 'null' }, 403],
    ['from another site that hides its origin', { 'sec-fetch-site': 'cross-site' }, 403],
    ['from a neighbour', { 'sec-fetch-site': 'same-site' }, 403],
    ['by a stranger’s name for this address', { host: 'evil.example', origin: 'http://evil.example' }, 421],
    ['by a name of ours', { host: 'tributary.example', origin: 'http://tributary.example' }, 200],
  ])('%s', async (_name, headers, status) => {
    const port = await serve({});
    const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', String(port))]));
    const answer = await send(port, 'POST', '/change', given);
    expect(answer.status).toBe(status);
    expect(answer.body === 'changed').toBe(status === 200);
  });

  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is one, whether there is such a path or not', async (method) => {
    const port = await serve({});
    expect(await send(port, method, '/nowhere', { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  });

  test('takes the role operate', async () => {
    const port = await serve({ tokens });
    expect(await send(port, 'POST', '/change', bearer(READ))).toMatchObject({
      status: 403,
      body: expect.stringContaining('TRB_FORBIDDEN'),
    });
    expect(await send(port, 'POST', '/change', bearer(OPERATE))).toMatchObject({ status: 200 });
    expect(await send(port, 'POST', '/change', { ...bearer(OPERATE), origin: 'https://evil.example' })).toMatchObject({
      status: 403,
    });
  });
});

describe('a call that reads', () => {
  test('takes a token where tokens are asked for; a browser is told to ask for it', async () => {
    const port = await serve({ tokens });
    const refused = await send(port, 'GET', '/');
    expect(refused).toMatchObject({ status: 401, body: expect.stringContaining('TRB_UNAUTHENTICATED') });
    expect(refused.headers['www-authenticate']).toMatch(/^Basic realm=/);
    expect(await send(port, 'GET', '/nowhere')).toMatchObject({ status: 401 });
    expect(await send(port, 'GET', '/', bearer(`${READ}x`))).toMatchObject({ status: 401 });
    expect(await send(port, 'GET', '/', bearer(READ))).toMatchObject({ status: 200, body: 'read' });
    const basic = { authorization: `Basic ${Buffer.from(`me:${READ}`).toString('base64')}` };
    expect(await send(port, 'GET', '/', basic)).toMatchObject({ status: 200 });
  });

  test('is refused when its caller has had its share', async () => {
    const port = await serve({ callsPerSecond: 1 });
    const answers = [await send(port, 'GET', '/'), await send(port, 'GET', '/'), await send(port, 'GET', '/')];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]!.headers['retry-after']).toBe('1');
  });

  test('bears the policy of the page, a refusal too', async () => {
    const port = await serve({});
    for (const headers of [{}, { host: 'evil.example' }]) {
      const answer = await send(port, 'GET', '/', headers);
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none'/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    }
  });
});
