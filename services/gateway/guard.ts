/**
 * What every request of the page passes before it is answered: asked for by a name of ours (a stranger's page that had its own name point
 * here, DNS rebinding, is turned away), let in by the gate, and, where it changes something, not sent by another site's page (CSRF).
 */
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Access, createGate, isLoopback, type Verdict } from '#libs/access/access.ts';

export interface GuardOptions {
  readonly access: Access;
  /** Names by which a browser may ask, beside localhost. */
  readonly hostNames: readonly string[];
  /** Milliseconds. */
  readonly now: () => number;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const REFUSALS: Readonly<Record<Exclude<Verdict, 'admitted'>, Refusal>> = {
  unauthenticated: {
    status: 401,
    code: 'TRB_UNAUTHENTICATED',
    message: 'Send a token: Authorization: Bearer TOKEN, or as the password where a browser asks for one.',
    headers: { 'www-authenticate': 'Basic realm="Tributary, token as password", charset="UTF-8"' },
  },
  forbidden: { status: 403, code: 'TRB_FORBIDDEN', message: 'To change anything takes a token with the role operate.' },
  too_many: { status: 429, code: 'TRB_TOO_MANY_CALLS', message: 'Ask less often.', headers: { 'retry-after': '1' } },
};
const HOST: Refusal = {
  status: 421,
  code: 'TRB_HOST',
  message: 'Ask for this page by 127.0.0.1, localhost or a name of --host-names.',
};
const ORIGIN: Refusal = { status: 403, code: 'TRB_ORIGIN', message: 'Another site may not change anything here.' };

export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const;

export function guard(server: FastifyInstance, { access, hostNames, now }: GuardOptions): void {
  const gate = createGate(access);
  const encrypted = access.tls === undefined ? {} : { 'strict-transport-security': 'max-age=31536000' };

  const refusalOf = (request: FastifyRequest): Refusal | undefined => {
    const { hostname, ip, method, headers } = request;
    if (!isLoopback(hostname) && !hostNames.includes(hostname)) return HOST;
    const reads = READING.has(method);
    const verdict = gate.judge({ authorization: headers.authorization, address: ip }, reads ? 'read' : 'operate', now());
    if (verdict !== 'admitted') return REFUSALS[verdict];
    return reads || isOurOwn(request) ? undefined : ORIGIN;
  };

  server.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...SECURITY_HEADERS, ...encrypted });
    const refusal = refusalOf(request);
    if (refusal === undefined) return;
    const { status, code, message, headers } = refusal;
    await reply
      .code(status)
      .headers(headers ?? {})
      .send({ code, message });
  });
}

/** Browsers say from where a page sends what changes something; what is no browser says nothing. */
function isOurOwn({ headers }: FastifyRequest): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none';
  return URL.canParse(origin) && new URL(origin).host === host;
}
