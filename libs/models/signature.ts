/**
 * A bundle travels signed: one line that names the signer and carries an Ed25519 signature (RFC 8032), then the bundle as encodeBundle made
 * it. The signature is checked over those bytes before anything in them is read.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { TributaryError } from '../errors/errors.ts';
import { type Bundle, encodeBundle, loadBundle } from './bundle.ts';

/** Signed along with the content, so that a signature made for anything else is none. */
const PREFIX = 'tributary-bundle-1 ed25519';
/** Longer than any heading. */
const MAX_HEADING = 256;

export function signBundle(bundle: Bundle, key: KeyObject): Uint8Array {
  const content = encodeBundle(bundle);
  const signature = sign(null, signedPart(content), key).toString('base64');
  return Buffer.concat([Buffer.from(`${PREFIX} ${keyId(key)} ${signature}\n`), content]);
}

/**
 * Reads a bundle that one of the trusted keys signed. Throws `TRB_BUNDLE_UNSIGNED`, `TRB_BUNDLE_SIGNER` (signed by another key),
 * `TRB_BUNDLE_SIGNATURE` (changed since it was signed), and what `loadBundle` throws.
 */
export function openBundle(bytes: Uint8Array, trusted: readonly KeyObject[]): Bundle {
  const end = bytes.subarray(0, MAX_HEADING).indexOf(0x0a);
  const heading = Buffer.from(bytes.subarray(0, Math.max(end, 0))).toString('latin1');
  const [signer, signature] = heading.startsWith(`${PREFIX} `) ? heading.slice(PREFIX.length + 1).split(' ') : [];
  if (signer === undefined || signature === undefined) {
    throw new TributaryError('TRB_BUNDLE_UNSIGNED', 'The bundle is not signed.', {
      hint: 'Train a new one with `tributary train`.',
    });
  }
  const key = trusted.find((each) => keyId(each) === signer);
  if (key === undefined) {
    const known = trusted.map(keyId).join(', ') || 'none';
    throw new TributaryError(
      'TRB_BUNDLE_SIGNER',
      `The bundle is signed by key ${signer}, which is not trusted; trusted: ${known}.`,
      {
        hint: "Give the signer's public key with --trust or TRIBUTARY_BUNDLE_TRUST.",
      },
    );
  }
  const content = bytes.subarray(end + 1);
  if (!verify(null, signedPart(content), key, Buffer.from(signature, 'base64'))) {
    throw new TributaryError('TRB_BUNDLE_SIGNATURE', `The bundle is not what key ${signer} signed.`, {
      hint: 'It was changed or cut short after training: copy it again or train anew.',
    });
  }
  return loadBundle(content);
}

/** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). Takes the private key as well. */
export function keyId(key: KeyObject): string {
  const open = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(open.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

function signedPart(content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${PREFIX}\n`), content]);
}
