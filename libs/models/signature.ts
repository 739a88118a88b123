/**
 * What an operator answers for travels signed: one line that names the signer and carries an Ed25519 signature (RFC 8032), then the content.
 * The signature is checked over those bytes before anything in them is read. Bundles are signed so, and changes of the slots.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { type Bundle, encodeBundle, loadBundle, parseBundleJson } from './bundle.ts';
import { encodeExternal, type External, parseExternal } from './external/external.ts';

/** Signed along with the content, so that a signature made for one kind is none for another. */
const KINDS = {
  bundle: { prefix: 'tributary-bundle-1 ed25519', code: 'TRB_BUNDLE', hint: 'Train a new one with `tributary train`.' },
  change: { prefix: 'tributary-change-1 ed25519', code: 'TRB_CHANGE', hint: 'Send it with `tributary models`.' },
} as const;
export type SignedKind = keyof typeof KINDS;
/** Longer than any heading. */
const MAX_HEADING = 256;
/** Of an unpacked bundle, bytes: some hundred heads. */
const MAX_UNPACKED = 256 * 1024 * 1024;

export function signContent(kind: SignedKind, content: Uint8Array, key: KeyObject): Uint8Array {
  const { prefix } = KINDS[kind];
  const signature = sign(null, signedPart(prefix, content), key).toString('base64');
  return Buffer.concat([Buffer.from(`${prefix} ${keyId(key)} ${signature}\n`), content]);
}

/** Compressed to a third: a head has a megabyte of trees, and one record of the log holds a bundle. */
export function signBundle(bundle: Bundle, key: KeyObject): Uint8Array {
  return signContent('bundle', gzipSync(encodeBundle(bundle)), key);
}

/** Whether it begins as something signed does; says nothing about by whom. */
export function isSigned(kind: SignedKind, bytes: Uint8Array): boolean {
  const { prefix } = KINDS[kind];
  return Buffer.from(bytes.subarray(0, prefix.length + 1)).toString('latin1') === `${prefix} `;
}

/**
 * The content, where one of the trusted keys signed it. Throws, with the kind's code (`TRB_BUNDLE`, `TRB_CHANGE`) before it: `_UNSIGNED`, `_SIGNER`
 * (signed by another key), `_SIGNATURE` (changed since it was signed).
 */
export function openSigned(kind: SignedKind, bytes: Uint8Array, trusted: readonly KeyObject[]): Uint8Array {
  const { prefix, code, hint } = KINDS[kind];
  const end = bytes.subarray(0, MAX_HEADING).indexOf(0x0a);
  const heading = Buffer.from(bytes.subarray(0, Math.max(end, 0))).toString('latin1');
  const [signer, signature] = heading.startsWith(`${prefix} `) ? heading.slice(prefix.length + 1).split(' ') : [];
  if (signer === undefined || signature === undefined) {
    throw new TributaryError(`${code}_UNSIGNED`, `The ${kind} is not signed.`, { hint });
  }
  const key = trusted.find((each) => keyId(each) === signer);
  if (key === undefined) {
    const known = trusted.map(keyId).join(', ') || 'none';
    throw new TributaryError(
      `${code}_SIGNER`,
      `The ${kind} is signed by key ${signer}, which is not trusted; trusted: ${known}.`,
      { hint: "Give the signer's public key with --trust or TRIBUTARY_BUNDLE_TRUST." },
    );
  }
  const content = bytes.subarray(end + 1);
  if (!verify(null, signedPart(prefix, content), key, Buffer.from(signature, 'base64'))) {
    throw new TributaryError(`${code}_SIGNATURE`, `The ${kind} is not what key ${signer} signed.`, {
      hint: `It was changed or cut short since. ${hint}`,
    });
  }
  return content;
}

/** Reads a bundle that one of the trusted keys signed. Throws what `openSigned` and `loadBundle` throw. */
export function openBundle(bytes: Uint8Array, trusted: readonly KeyObject[]): Bundle {
  return loadBundle(unpacked(openSigned('bundle', bytes, trusted)));
}

/** Whatever a slot may hold: a bundle, or a predictor from outside. Throws what `openSigned`, `loadBundle` and `parseExternal` throw. */
export function openModel(bytes: Uint8Array, trusted: readonly KeyObject[]): Bundle | External {
  const content = unpacked(openSigned('bundle', bytes, trusted));
  const json = parseBundleJson(content);
  return typeof json === 'object' && json !== null && 'kind' in json ? parseExternal(json) : loadBundle(content);
}

/** Bundles of earlier versions, and predictors from outside, are not compressed. Throws `TRB_BUNDLE_UNREADABLE`. */
function unpacked(content: Uint8Array): Uint8Array {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content;
  try {
    return gunzipSync(content, { maxOutputLength: MAX_UNPACKED });
  } catch (cause) {
    throw new TributaryError('TRB_BUNDLE_UNREADABLE', `The bundle cannot be unpacked: ${messageOf(cause)}.`, {
      hint: KINDS.bundle.hint,
      cause,
    });
  }
}

export function signExternal(external: External, key: KeyObject): Uint8Array {
  return signContent('bundle', encodeExternal(external), key);
}

/** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). Takes the private key as well. */
export function keyId(key: KeyObject): string {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(open.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

function signedPart(prefix: string, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${prefix}\n`), content]);
}
