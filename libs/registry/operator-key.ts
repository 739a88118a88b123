/**
 * The operator's Ed25519 key: bundles are signed with it, and load only where its public half is trusted. Both are PEM, in files or in the
 * settings themselves. Made on first use, the private half readable by its owner only.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, TributaryError } from '../errors/errors.ts';

/** Public keys whose bundles load; asked at each load, so that a key made later counts. Throws `TRB_BUNDLE_KEY`. */
export type Trust = () => readonly KeyObject[];

export const DEFAULT_KEY = '.tributary/operator.pem';

/** The public half stands beside the private one. */
export function publicKeyFile(keyFile: string): string {
  return `${keyFile}.pub`;
}

/** `setting`: a file, made where there is none, or the PEM itself. Throws `TRB_BUNDLE_KEY`. */
export async function operatorKey(setting: string): Promise<KeyObject> {
  if (isPem(setting)) return parse(setting, 'the setting', createPrivateKey);
  try {
    return parse(await readFile(setting, 'utf8'), setting, createPrivateKey);
  } catch (thrown) {
    if (thrown instanceof TributaryError || codeOf(thrown) !== 'ENOENT') throw keyError(setting, thrown);
  }
  try {
    await makeKey(setting);
  } catch (thrown) {
    throw keyError(setting, thrown);
  }
  return operatorKey(setting);
}

/** `setting`: a file with one or more public keys, or those keys themselves. A file that is not there yet trusts nobody. */
export function trustIn(setting: string): Trust {
  return () => {
    let text = setting;
    if (!isPem(setting)) {
      try {
        text = readFileSync(setting, 'utf8');
      } catch (thrown) {
        if (codeOf(thrown) === 'ENOENT') return [];
        throw keyError(setting, thrown);
      }
    }
    const keys = text.match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [];
    return keys.map((key) => parse(key, isPem(setting) ? 'the setting' : setting, createPublicKey));
  };
}

/** Whole or not at all, and never over another one: two first uses at once end with one key. */
async function makeKey(file: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const part = `${file}.${randomUUID()}.part`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(part, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  try {
    await link(part, file);
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
    return;
  } finally {
    await rm(part);
  }
  await writeFile(publicKeyFile(file), publicKey.export({ type: 'spki', format: 'pem' }));
}

function parse(pem: string, where: string, read: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(pem);
  } catch (thrown) {
    throw keyError(where, thrown);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw keyError(where, new Error(`it is of type ${key.asymmetricKeyType ?? 'unknown'}, not ed25519`));
}

function keyError(where: string, cause: unknown): TributaryError {
  if (cause instanceof TributaryError) return cause;
  return new TributaryError('TRB_BUNDLE_KEY', `The key in ${where} cannot be used: ${messageOf(cause)}.`, {
    hint: 'Give an Ed25519 key as PEM, or remove the file and let `tributary train` make one.',
    cause,
  });
}

function isPem(setting: string): boolean {
  return setting.startsWith('-----BEGIN ');
}

function codeOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
}
