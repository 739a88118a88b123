/** PEM files that options name. */
import { readFileSync } from 'node:fs';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { readSecretFile, type Secret } from '#libs/secrets/secret.ts';

/** A file to read, and the option that names it. */
export type Named = readonly [option: string, file: string | undefined];

/** Both or neither; whoever has a certificate has its key. Throws `TRB_USAGE`, `TRB_SECRET`. */
export function readPair(
  [certOption, cert]: Named,
  [keyOption, key]: Named,
): { readonly cert: string; readonly key: Secret } | undefined {
  if (cert !== undefined && key !== undefined) return { cert: readPem(certOption, cert), key: readSecretFile(key, keyOption) };
  if (cert === undefined && key === undefined) return undefined;
  throw new TributaryError('TRB_USAGE', 'A certificate goes with its key.', {
    hint: `Give both ${certOption} and ${keyOption}, or neither.`,
  });
}

export function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TributaryError('TRB_USAGE', `${option}: ${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}
