/** Where SignalService listens and whom it lets in: real sockets, real certificates. */
import { type Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import { type Access } from '#libs/access/access.ts';
import { Tokens } from '#libs/access/tokens.ts';
import { Secret } from '#libs/secrets/secret.ts';
import { SignalServiceClient } from '#libs/wire/tributary/v1/signal_service.ts';
import { type Certificates, describeWithCertificates } from '#tests/tls/certificates.ts';
import { type BareServer, startBareServer } from './testing/signal-server.ts';

const TOKEN = 'reader-0123456789abcdef';
const tokens = new Tokens(new Secret(`read ${TOKEN}`));
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(access: Access, host = '127.0.0.1'): Promise<BareServer> {
  const server = await startBareServer({ host, access });
  closing.push(() => server.close());
  return server;
}

/** What a question to an empty server is answered with: NOT_FOUND = it was let in. */
function ask(
  address: string,
  { token, channel = credentials.createInsecure() }: { token?: string; channel?: ReturnType<typeof credentials.createSsl> } = {},
): Promise<status | undefined> {
  const client = new SignalServiceClient(address, channel);
  closing.push(() => (client as Client).close());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve) => {
    client.getSignal({ instrument: 'BTC-USD', venue: '', horizon: '' }, metadata, (error: ServiceError | null) =>
      resolve(error?.code),
    );
  });
}

test('stays on loopback unless it is told who gets in, or that the network sees to it', async () => {
  await expect(start({}, '0.0.0.0')).rejects.toMatchObject({ code: 'TRB_NOT_LOOPBACK' });
  await expect(start({ tokens }, '0.0.0.0')).rejects.toMatchObject({ code: 'TRB_NOT_ENCRYPTED' });
  const { address } = await start({ dangerouslyWithoutAuthentication: true }, '0.0.0.0');
  expect(address).toMatch(/^0\.0\.0\.0:\d+$/);
  expect(await ask(address.replace('0.0.0.0', '127.0.0.1'))).toBe(status.NOT_FOUND);
});

test('lets in who has a token, and nobody else; who calls too often waits', async () => {
  const { address } = await start({ tokens, callsPerSecond: 1 });
  expect(await ask(address)).toBe(status.UNAUTHENTICATED);
  expect(await ask(address, { token: `${TOKEN}x` })).toBe(status.UNAUTHENTICATED);
  expect(await ask(address, { token: TOKEN })).toBe(status.NOT_FOUND);
  const codes = [];
  for (let call = 0; call < 4; call++) codes.push(await ask(address, { token: TOKEN }));
  expect(codes.at(-1)).toBe(status.RESOURCE_EXHAUSTED);
});

describeWithCertificates('SignalService over TLS', ({ read }: Certificates) => {
  const ca = (): Buffer => Buffer.from(read('ca.pem'));
  const ours = () => ({ cert: read('server.pem'), key: new Secret(read('server.key')) });

  test('is spoken to by who believes its authority', async () => {
    const { address } = await start({ tls: ours(), tokens }, '0.0.0.0');
    const loopback = address.replace('0.0.0.0', '127.0.0.1');
    expect(await ask(loopback, { token: TOKEN, channel: credentials.createSsl(ca()) })).toBe(status.NOT_FOUND);
    expect(await ask(loopback, { channel: credentials.createSsl(ca()) })).toBe(status.UNAUTHENTICATED);
    expect(await ask(loopback, { token: TOKEN, channel: credentials.createSsl(Buffer.from(read('stranger-ca.pem'))) })).toBe(
      status.UNAVAILABLE,
    );
    expect(await ask(loopback, { token: TOKEN })).toBe(status.UNAVAILABLE);
  });

  test('asks for a certificate of its clients’ authority, where it has one', async () => {
    const { address } = await start({ tls: { ...ours(), clientCa: read('ca.pem') } }, '0.0.0.0');
    const loopback = address.replace('0.0.0.0', '127.0.0.1');
    const showing = (name: 'client' | 'stranger') =>
      credentials.createSsl(ca(), Buffer.from(read(`${name}.key`)), Buffer.from(read(`${name}.pem`)));
    expect(await ask(loopback, { channel: showing('client') })).toBe(status.NOT_FOUND);
    expect(await ask(loopback, { channel: showing('stranger') })).toBe(status.UNAVAILABLE);
    expect(await ask(loopback, { channel: credentials.createSsl(ca()) })).toBe(status.UNAVAILABLE);
  });
});
