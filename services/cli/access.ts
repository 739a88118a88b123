/** Who gets in where a service listens, as the options and the environment say it. */
import { type Access } from '#libs/access/access.ts';
import { Tokens } from '#libs/access/tokens.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type Environment, readSecret } from '#libs/secrets/secret.ts';
import { readPair, readPem } from './tls.ts';

/** What `accessOptions` (options.ts) parse to. */
export interface AccessChoice {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly callsPerSecond: number;
  readonly dangerouslyWithoutAuthentication: boolean;
  readonly dangerouslyWithoutTls: boolean;
}

/** Reads the files and the tokens. Throws `TRB_USAGE`, `TRB_SECRET`, `TRB_TOKENS`. */
export function toAccess(choice: AccessChoice, environment: Environment = process.env): Access {
  const { tlsCert, tlsKey, tlsClientCa, callsPerSecond, dangerouslyWithoutAuthentication, dangerouslyWithoutTls } = choice;
  const pair = readPair(['--tls-cert', tlsCert], ['--tls-key', tlsKey]);
  if (pair === undefined && tlsClientCa !== undefined) {
    throw new TributaryError('TRB_USAGE', 'Client certificates can be asked for over TLS only.', {
      hint: 'Give --tls-cert and --tls-key too.',
    });
  }
  const tokens = readSecret('TRIBUTARY_TOKENS', environment);
  return {
    callsPerSecond,
    dangerouslyWithoutAuthentication,
    dangerouslyWithoutTls,
    ...(pair !== undefined && {
      tls: { ...pair, ...(tlsClientCa !== undefined && { clientCa: readPem('--tls-client-ca', tlsClientCa) }) },
    }),
    ...(tokens !== undefined && { tokens: new Tokens(tokens) }),
  };
}

export const TOKEN_HINT = 'Set TRIBUTARY_TOKEN, or TRIBUTARY_TOKEN_FILE to a file that holds it.';

/** What lets a command in at a running instance that asks for tokens. */
export function bearer(environment: Environment = process.env): Readonly<Record<string, string>> {
  const token = readSecret('TRIBUTARY_TOKEN', environment);
  return token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
}
