import { describe, expect, jest, test } from '@jest/globals';
import crypto from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Secret } from '../secrets/secret.ts';
import { type Access, checkListenHost, createGate, isLoopback } from './access.ts';
import { tokenIn, Tokens } from './tokens.ts';

const READ = 'reader-0123456789abcdef';
const OPERATE = 'operator-0123456789abcdef';
const tokens = new Tokens(new Secret(`# who may do what\nread ${READ}\n\n  operate\t${OPERATE}  \n`));
const tls = { cert: 'cert', key: new Secret('key') };

describe('where we listen', () => {
  test.each(['127.0.0.1', 'localhost', '::1', '[::1]'])('%s is this machine', (host) => {
    expect(isLoopback(host)).toBe(true);
    expect(checkListenHost('the page', host, {})).toBe(host);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'tributary.example.com', '', '127.0.0.1.example.com', 'localhost.'])(
    '"%s" is not, and takes an answer to who calls',
    (host) => {
      const refusal = (access: Access): unknown => {
        try {
          return checkListenHost('the page', host, access) === host ? 'listens' : 'elsewhere';
        } catch (thrown) {
          return (thrown as { code: string }).code;
        }
      };
      expect(refusal({})).toBe('TRB_NOT_LOOPBACK');
      expect(refusal({ tls })).toBe('TRB_NOT_LOOPBACK');
      expect(refusal({ dangerouslyWithoutTls: true })).toBe('TRB_NOT_LOOPBACK');
      expect(refusal({ tokens })).toBe('TRB_NOT_ENCRYPTED');
      expect(refusal({ tokens, dangerouslyWithoutTls: true })).toBe('listens');
      expect(refusal({ tokens, tls })).toBe('listens');
      expect(refusal({ tls: { ...tls, clientCa: 'ca' } })).toBe('listens');
      expect(refusal({ dangerouslyWithoutAuthentication: true })).toBe('listens');
    },
  );
});

describe('tokens', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    [`Bearer ${READ}`, READ],
    [`bearer   ${READ} `, READ],
    [`Basic ${Buffer.from(`anyone:${READ}`).toString('base64')}`, READ],
    [`Basic ${Buffer.from('no colon').toString('base64')}`, undefined],
    [READ, undefined],
    [`Digest ${READ}`, undefined],
    [`Bearer ${READ} ${READ}`, undefined],
  ])('in the header %j: %j', (header, token) => expect(tokenIn(header)).toBe(token));

  test.each([['write abc'], ['read short'], ['# nobody'], [''], [`read ${READ} ${READ}`], ['operate']])(
    'the list %j is refused, and not quoted',
    (list) => {
      const refused = (() => {
        try {
          return new Tokens(new Secret(list));
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(refused).toMatchObject({ code: 'TRB_TOKENS' });
      expect(inspect(refused)).not.toMatch(/reader-|short|abc'/);
    },
  );

  test('of which each is compared in constant time, the one that fits and those after it too', () => {
    const compared = jest.spyOn(crypto, 'timingSafeEqual');
    try {
      for (const [token, role] of [
        [READ, 'read'],
        [OPERATE, 'operate'],
        [`${READ}x`, undefined],
      ] as const) {
        compared.mockClear();
        expect(tokens.holderOf(token)?.role).toBe(role);
        const asked = crypto.createHash('sha256').update(token).digest();
        expect(compared.mock.calls.map(([, given]) => Buffer.from(given as Uint8Array).equals(asked))).toEqual([true, true]);
        expect(compared.mock.results.map(({ value }) => value)).toEqual([role === 'read', role === 'operate']);
      }
    } finally {
      compared.mockRestore();
    }
  });

  test('are looked at nowhere else', () => {
    const users = (what: RegExp): string[] =>
      ['libs', 'services']
        .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, String(file))))
        .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|\/testing\//.test(file))
        .filter((file) => what.test(readFileSync(file, 'utf8')))
        .sort();
    expect(users(/timingSafeEqual/)).toEqual(['libs/access/tokens.ts']);
    expect(users(/\btokenIn\(/)).toEqual(['libs/access/access.ts', 'libs/access/tokens.ts']);
    // The list of tokens, and a caller's header: whoever has both could compare for himself.
    expect(users(/readSecret\('TRIBUTARY_TOKENS'/)).toEqual(['services/cli/access.ts']);
    expect(users(/headers\.authorization|get\('authorization'\)/)).toEqual([
      'services/gateway/guard.ts',
      'services/inference/grpc.ts',
    ]);
  });

  test('are not kept', () => {
    expect(inspect(tokens, { depth: 9, showHidden: true })).not.toContain(READ);
  });
});

describe('the gate', () => {
  const judge = (access: Access, authorization: string | undefined, needed: 'read' | 'operate') =>
    createGate(access).judge({ authorization, address: '10.0.0.9' }, needed, 0);

  test.each([
    ['nobody is asked', {}, undefined, 'admitted', 'admitted'],
    ['no token', { tokens }, undefined, 'unauthenticated', 'unauthenticated'],
    ['a wrong token', { tokens }, `Bearer ${READ}x`, 'unauthenticated', 'unauthenticated'],
    ['a reader', { tokens }, `Bearer ${READ}`, 'admitted', 'forbidden'],
    ['an operator', { tokens }, `Bearer ${OPERATE}`, 'admitted', 'admitted'],
    ['a client certificate alone', { tls: { ...tls, clientCa: 'ca' } }, undefined, 'admitted', 'forbidden'],
    [
      'a client certificate without the token',
      { tokens, tls: { ...tls, clientCa: 'ca' } },
      undefined,
      'unauthenticated',
      'unauthenticated',
    ],
    [
      'a client certificate and a token',
      { tokens, tls: { ...tls, clientCa: 'ca' } },
      `Bearer ${OPERATE}`,
      'admitted',
      'admitted',
    ],
  ] as const)('%s', (_name, access, authorization, reading, changing) => {
    expect([judge(access, authorization, 'read'), judge(access, authorization, 'operate')]).toEqual([reading, changing]);
  });

  test('lets a caller in as often as it may be, and others meanwhile', () => {
    const gate = createGate({ tokens, callsPerSecond: 2 });
    const guess = { authorization: 'Bearer guess', address: '10.0.0.1' };
    const verdicts = (call: typeof guess, now: number, count: number) =>
      Array.from({ length: count }, () => gate.judge(call, 'read', now));
    expect(verdicts(guess, 0, 5)).toEqual([...Array<string>(4).fill('unauthenticated'), 'too_many']);
    expect(verdicts({ ...guess, authorization: `Bearer ${READ}` }, 0, 5)).toEqual([
      ...Array<string>(4).fill('admitted'),
      'too_many',
    ]);
    expect(verdicts({ ...guess, address: '10.0.0.2' }, 0, 1)).toEqual(['unauthenticated']);
    expect(verdicts(guess, 500, 2)).toEqual(['unauthenticated', 'too_many']);
  });

  test('remembers the newest callers only: strangers cannot fill the memory', () => {
    const gate = createGate({ callsPerSecond: 1 });
    const judge = (address: string) => gate.judge({ authorization: undefined, address }, 'read', 0);
    expect([judge('first'), judge('first'), judge('first')]).toEqual(['admitted', 'admitted', 'too_many']);
    for (let i = 0; i < 10_000; i++) judge(`10.${i}`);
    expect(judge('first')).toBe('admitted');
  });
});
