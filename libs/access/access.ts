/**
 * Who gets in where we listen. On loopback everyone of this machine may do everything, unless tokens are asked for; an address that others
 * can reach is listened on only with an answer to who they are (tokens, client certificates) and under TLS, or when somebody says in so
 * many words that the network takes care of it.
 */
import { TributaryError } from '../errors/errors.ts';
import { type Secret } from '../secrets/secret.ts';
import { createCallerLimit } from './caller-limit.ts';
import { type Holder, mayAct, type Role, tokenIn, type Tokens } from './tokens.ts';

export interface Access {
  readonly tls?: {
    /** Ours, with those between it and the authority, PEM. */
    readonly cert: string;
    readonly key: Secret;
    /** Every client has to show a certificate that this authority signed, PEM. Default: none has to. */
    readonly clientCa?: string;
  };
  /** Every call has to bear one. Default: none has to. */
  readonly tokens?: Tokens;
  /** Calls of one caller a second, sustained; it may save up twice as many. Default 500. */
  readonly callsPerSecond?: number;
  /** The network keeps strangers out (a container's, a cluster's with policies). Default false. */
  readonly dangerouslyWithoutAuthentication?: boolean;
  /** Something in front of us has ended TLS. Default false. */
  readonly dangerouslyWithoutTls?: boolean;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** Of a host name or address, IPv6 with or without its brackets. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host.replace(/^\[|\]$/g, ''));
}

/** Returns `host`. `what`: who would be open, for the message. Throws `TRB_NOT_LOOPBACK` (nobody is asked who they are), `TRB_NOT_ENCRYPTED`. */
export function checkListenHost(what: string, host: string, access: Access): string {
  const { tls, tokens, dangerouslyWithoutAuthentication = false, dangerouslyWithoutTls = false } = access;
  if (isLoopback(host) || dangerouslyWithoutAuthentication) return host;
  if (tokens === undefined && tls?.clientCa === undefined) {
    throw new TributaryError('TRB_NOT_LOOPBACK', `${what} would be open to everyone who can reach ${host}.`, {
      hint: 'Ask for tokens (TRIBUTARY_TOKENS_FILE) or client certificates (--tls-client-ca); or, where the network lets nobody else in, add --dangerously-without-authentication.',
    });
  }
  if (tls !== undefined || dangerouslyWithoutTls) return host;
  throw new TributaryError('TRB_NOT_ENCRYPTED', `${what} would take tokens at ${host} where everyone on the way can read them.`, {
    hint: 'Give --tls-cert and --tls-key; or, where something in front of it ends TLS, add --dangerously-without-tls.',
  });
}

export interface Call {
  /** The header of that name. */
  readonly authorization: string | undefined;
  readonly address: string;
}
export type Verdict = 'admitted' | 'unauthenticated' | 'forbidden' | 'too_many';

export interface Gate {
  /** `now` in milliseconds. */
  judge(call: Call, needed: Role, now: number): Verdict;
}

const CALLS_PER_SECOND = 500;

/** A client certificate alone lets its owner read; to change anything takes a token. */
export function createGate({ tls, tokens, callsPerSecond = CALLS_PER_SECOND }: Access): Gate {
  const limit = createCallerLimit({ ratePerSecond: callsPerSecond, burst: 2 * callsPerSecond });
  const holderOf = (token: string | undefined): Partial<Holder> | undefined => {
    if (tokens === undefined) return { role: tls?.clientCa === undefined ? 'operate' : 'read' };
    return token === undefined ? undefined : tokens.holderOf(token);
  };
  return {
    judge({ authorization, address }, needed, now) {
      const holder = holderOf(tokenIn(authorization));
      // Who has a token is told apart by it: behind a proxy all come from one address.
      if (!limit.admits(holder?.name ?? address, now)) return 'too_many';
      if (holder?.role === undefined) return 'unauthenticated';
      return mayAct(holder.role, needed) ? 'admitted' : 'forbidden';
    },
  };
}
