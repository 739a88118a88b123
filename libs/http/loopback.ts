/** Servers that ask nobody who they are stay on this machine, unless somebody says in so many words that the network keeps strangers out. */
import { TributaryError } from '../errors/errors.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** Of a host name or address, IPv6 with or without its brackets. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host.replace(/^\[|\]$/g, ''));
}

/** Returns `host`; throws `TRB_NOT_LOOPBACK` when others could reach it and that was not allowed. `what` = who would be open, for the message. */
export function checkListenHost(what: string, host: string, dangerouslyWithoutAuthentication: boolean): string {
  if (isLoopback(host) || dangerouslyWithoutAuthentication) return host;
  throw new TributaryError('TRB_NOT_LOOPBACK', `${what} would be open to everyone who can reach ${host}.`, {
    hint: 'Listen on 127.0.0.1 and put a proxy with authentication in front of it; or, where the network lets nobody else in, add --dangerously-without-authentication.',
  });
}
