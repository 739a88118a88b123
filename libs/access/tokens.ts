/**
 * Who may call: bearer tokens (RFC 6750), each with a role. A list of them is a secret of lines `role token`; only their SHA-256 digests
 * are kept, and a caller's is compared with every one of them in constant time, so that an answer's time says nothing.
 */
import crypto from 'node:crypto';
import { TributaryError } from '../errors/errors.ts';
import { type Secret } from '../secrets/secret.ts';

/** `operate` may change things, and read as well. */
export const ROLES = ['read', 'operate'] as const;
export type Role = (typeof ROLES)[number];

export interface Holder {
  readonly role: Role;
  /** Tells tokens apart without giving them away. */
  readonly name: string;
}

/** What nobody guesses: 128 bits take 22 characters of base64. */
const SHORTEST = 22;
const LINE = /^(\S+)\s+([\x21-\x7e]+)$/;

export class Tokens {
  readonly #entries: readonly { readonly role: Role; readonly digest: Buffer }[];

  /** Lines `read TOKEN` or `operate TOKEN`; empty ones and `# …` count for nothing. Throws `TRB_TOKENS`, which quotes none of it. */
  constructor(list: Secret) {
    const lines = list
      .reveal()
      .split('\n')
      .map((line) => line.trim());
    this.#entries = lines.flatMap((line, index) => (line === '' || line.startsWith('#') ? [] : [parse(line, index + 1)]));
    if (this.#entries.length === 0) throw tokensError('The list of tokens is empty');
  }

  holderOf(token: string): Holder | undefined {
    const digest = digestOf(token);
    let holder: Holder | undefined;
    for (const each of this.#entries) {
      if (crypto.timingSafeEqual(each.digest, digest)) holder = { role: each.role, name: digest.toString('hex').slice(0, 16) };
    }
    return holder;
  }
}

export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** The token in an `Authorization` header: a bearer's, or the password of Basic, which is how browsers ask for one. */
export function tokenIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', value = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme === '') return undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return password;
}

function parse(line: string, number: number): { role: Role; digest: Buffer } {
  const [, name, token = ''] = LINE.exec(line) ?? [];
  const role = ROLES.find((each) => each === name);
  if (role === undefined) throw tokensError(`Line ${number} of the list of tokens is not "read TOKEN" or "operate TOKEN"`);
  if (token.length < SHORTEST) throw tokensError(`The token in line ${number} has fewer than ${SHORTEST} characters`);
  return { role, digest: digestOf(token) };
}

function digestOf(token: string): Buffer {
  return crypto.createHash('sha256').update(token).digest();
}

function tokensError(what: string): TributaryError {
  return new TributaryError('TRB_TOKENS', `${what}.`, {
    hint: 'Write lines such as "read TOKEN"; make a token with `openssl rand -base64 32`.',
  });
}
