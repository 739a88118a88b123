import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fastify } from 'fastify';
import { servePage } from './files.ts';

describe('servePage', () => {
  const server = fastify();
  servePage(server);
  beforeAll(() => server.listen({ port: 0, host: '127.0.0.1' }).then(() => undefined));
  afterAll(() => server.close().then(() => undefined));

  /** The path as it stands: `fetch` would tidy it up. */
  async function ask(path: string) {
    const { port } = server.server.address() as AddressInfo;
    const [answer] = (await once(get({ host: '127.0.0.1', port, path }), 'response')) as [IncomingMessage];
    return { status: answer.statusCode, type: answer.headers['content-type'], body: await text(answer) };
  }

  it('serves the page and all that it loads', async () => {
    const page = await ask('/');
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    const parts = [...page.body.matchAll(/(?:href|src)="([^"#:]+\.\w+)"/g)].map(([, path]) => `/${path}`);
    expect(parts).toEqual(['/icon.svg', '/vendor/uplot.css', '/page.css', '/page.js']);
    const types = [];
    for (const path of [...parts, '/vendor/uplot.js']) {
      const { status, type, body } = await ask(path);
      expect([path, status, body.length > 100]).toEqual([path, 200, true]);
      types.push(type);
    }
    const [css, javascript] = ['text/css; charset=utf-8', 'text/javascript; charset=utf-8'];
    expect(types).toEqual(['image/svg+xml', css, css, javascript, javascript]);
  });

  it.each([
    '/files.ts',
    '/../service.ts',
    '/%2e%2e/service.ts',
    '/vendor/../files.ts',
    '/vendor/%2e%2e%2ffiles.ts',
    '/page.css%00',
    '/PAGE.CSS',
    '//page.css',
  ])('has nothing under %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });
});
