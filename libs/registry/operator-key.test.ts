/** Who may sign a bundle, and that nothing else loads: signatures, keys and what a bundle may name. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeBundle, sealBundle } from '../models/bundle.ts';
import { keyId, openBundle, openModel, signBundle, signContent } from '../models/signature.ts';
import { operatorKey, publicKeyFile, trustIn } from './operator-key.ts';

const metrics = { trained: 0, outOfFold: 0, accuracy: null, brier: null, emittedCoverage: null, emittedAccuracy: null };
const head = {
  ...{ venue: 'kraken', instrument: 'BTC-USD', horizon: '1m', inputs: [], members: [], silenced: 'no history', metrics },
  ...{ calibration: { kind: 'identity' as const }, threshold: 2 },
};
const content = {
  target: 'entry' as const,
  lane: 'slow' as const,
  seed: 1,
  trained: { from: 0, to: 1 },
  inputs: [],
  heads: [head],
};
const bundle = sealBundle(content);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-key-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the key', () => {
  test('is made on first use, for its owner only, and is the same for two first uses at once', async () => {
    const file = join(folder, 'new', 'operator.pem');
    const [one, other] = await Promise.all([operatorKey(file), operatorKey(file)]);
    expect(keyId(one)).toBe(keyId(other));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(join(folder, 'new'))).sort()).toEqual(['operator.pem', 'operator.pem.pub']);
    expect(trustIn(publicKeyFile(file))().map(keyId)).toEqual([keyId(one)]);
    expect(await readFile(publicKeyFile(file), 'utf8')).not.toContain('PRIVATE');
  });

  test('may be given as PEM; its public half follows from it', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(trustIn(pem)().map(keyId)).toEqual([keyId(await operatorKey(pem))]);
  });

  test('several may be trusted; a file that is not there trusts nobody', async () => {
    const keys = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')].map(({ publicKey }) => publicKey);
    await writeFile(join(folder, 'two.pub'), keys.map((key) => key.export({ type: 'spki', format: 'pem' })).join(''));
    expect(trustIn(join(folder, 'two.pub'))().map(keyId)).toEqual(keys.map(keyId));
    expect(trustIn(join(folder, 'none.pub'))()).toEqual([]);
  });

  test('of another kind, or none at all, is refused', async () => {
    const wrong = join(folder, 'wrong.pem');
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const text of [pem.toString(), 'no key']) {
      await writeFile(wrong, text);
      await expect(operatorKey(wrong)).rejects.toMatchObject({ code: 'TRB_BUNDLE_KEY' });
    }
    await expect(operatorKey(join(wrong, 'operator.pem'))).rejects.toMatchObject({ code: 'TRB_BUNDLE_KEY' });
  });
});

describe('a signed bundle', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const signed = signBundle(bundle, privateKey);
  const packed = gzipSync(encodeBundle(bundle));

  test('loads where its signer is trusted', () => {
    expect(openBundle(signed, [other.publicKey, publicKey])).toEqual(bundle);
    expect(openModel(signed, [publicKey])).toEqual(bundle);
  });

  test('is compressed; one of before, which is not, loads as well', () => {
    const many = sealBundle({ ...content, heads: new Array<typeof head>(100).fill(head) });
    expect(signBundle(many, privateKey).length).toBeLessThan(encodeBundle(many).length / 3);
    expect(openBundle(signBundle(many, privateKey), [publicKey])).toEqual(many);
    expect(openBundle(signContent('bundle', encodeBundle(many), privateKey), [publicKey])).toEqual(many);
  });

  test.each([
    ['not signed', 'TRB_BUNDLE_UNSIGNED', (): Uint8Array => encodeBundle(bundle)],
    ['empty', 'TRB_BUNDLE_UNSIGNED', (): Uint8Array => new Uint8Array()],
    ['signed by someone else', 'TRB_BUNDLE_SIGNER', (): Uint8Array => signBundle(bundle, other.privateKey)],
    ['changed', 'TRB_BUNDLE_SIGNATURE', (): Uint8Array => signed.with(-1, signed.at(-1)! ^ 1)],
    ['cut short', 'TRB_BUNDLE_SIGNATURE', (): Uint8Array => signed.subarray(0, -1)],
    [
      'cut before it was signed',
      'TRB_BUNDLE_UNREADABLE',
      (): Uint8Array => signContent('bundle', packed.subarray(0, -9), privateKey),
    ],
    [
      'endless once unpacked',
      'TRB_BUNDLE_UNREADABLE',
      (): Uint8Array => signContent('bundle', gzipSync(Buffer.alloc(257 * 1024 * 1024), { level: 1 }), privateKey),
    ],
    [
      "in another key's name",
      'TRB_BUNDLE_SIGNATURE',
      (): Uint8Array =>
        Buffer.from(
          Buffer.from(signBundle(bundle, other.privateKey)).toString('latin1').replace(keyId(other.publicKey), keyId(publicKey)),
          'latin1',
        ),
    ],
  ])('that is %s is refused with %s', (_name, code, bytes) => {
    expect(() => openBundle(bytes(), [publicKey])).toThrow(expect.objectContaining({ code }));
  });

  test.each(['../../etc/passwd', 'a/b', 'a\\b', '..', ''])('naming a venue %j is no bundle', (venue) => {
    expect(() => sealBundle({ ...content, heads: [{ ...head, venue }] })).toThrow();
  });
});
