/** What an HTTP answer means: a body, a reason to try again, or an error for good. */
import { type z } from 'zod';
import { type WallClock } from '../clock/clock.ts';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { type RawAnswer } from './fetch-text.ts';

export type Form = 'json' | 'text';

export type Answer =
  | { readonly kind: 'body'; readonly body: unknown }
  /** `waitMs`: what the server asked for; it holds for every request to it. */
  | { readonly kind: 'retry'; readonly error: TributaryError; readonly waitMs: number | undefined }
  | { readonly kind: 'failure'; readonly error: TributaryError };

export interface Circumstances {
  /** Taken out of whatever the server says before it stands in an error. */
  readonly secrets: readonly string[];
  readonly isThrottled: ((body: unknown) => boolean) | undefined;
  readonly clock: WallClock;
}

/** When a server says 429 without saying for how long. */
const THROTTLED_MS = 2_000;
const FORBIDDEN = [401, 403, 451];

export function interpret(raw: RawAnswer, form: Form, circumstances: Circumstances): Answer {
  const { url, status, headers } = raw;
  const { secrets, isThrottled, clock } = circumstances;
  const retryAfter = headers.get('retry-after');
  const said = excerpt(raw.text, secrets);
  if (status === 429 || isSpent(raw)) return throttled(url, retryAfterMs(raw, clock));
  if (status >= 500) {
    const wait = retryAfter === null ? undefined : retryAfterMs(raw, clock);
    return { kind: 'retry', error: unavailable(url, `HTTP ${status} ${said}`, undefined), waitMs: wait };
  }
  if (FORBIDDEN.includes(status)) return failure(forbidden(url, status, said));
  if (status === 404) return failure(new TributaryError('TRB_HTTP_NOT_FOUND', `${url.href} does not exist: ${said}`));
  if (status >= 300) {
    return failure(new TributaryError('TRB_HTTP_REFUSED', `${url.href} refused with HTTP ${status}: ${said}`));
  }
  if (form === 'text') return isWebPage(raw.text) ? retry('TRB_HTTP_NOT_TEXT', 'a web page', url, said) : body(raw.text);
  try {
    const parsed: unknown = JSON.parse(raw.text);
    return isThrottled?.(parsed) === true ? throttled(url, THROTTLED_MS) : body(parsed);
  } catch {
    // The parser's own message quotes the text, keys and all.
    return retry('TRB_HTTP_NOT_JSON', isWebPage(raw.text) ? 'a web page' : 'broken JSON', url, said);
  }
}

/** Some (GitHub) answer 403 where others say 429. */
function isSpent({ status, headers }: RawAnswer): boolean {
  return status === 403 && (headers.get('retry-after') !== null || headers.get('x-ratelimit-remaining') === '0');
}

function isWebPage(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(text);
}

function body(content: unknown): Answer {
  return { kind: 'body', body: content };
}

function failure(error: TributaryError): Answer {
  return { kind: 'failure', error };
}

function retry(code: 'TRB_HTTP_NOT_JSON' | 'TRB_HTTP_NOT_TEXT', what: string, url: URL, said: string): Answer {
  const error = new TributaryError(code, `${url.href} answered with ${what}: ${said}`, {
    canRetry: true,
    hint: 'A proxy or a block in between answers like that; try the address in a browser.',
  });
  return { kind: 'retry', error, waitMs: undefined };
}

function throttled(url: URL, waitMs: number): Answer {
  const error = new TributaryError('TRB_HTTP_RATE_LIMITED', `${url.host} asks to be left alone for ${waitMs} ms.`, {
    canRetry: true,
    hint: 'Other programs on this address share its limit; stop them or wait.',
  });
  return { kind: 'retry', error, waitMs };
}

function forbidden(url: URL, status: number, said: string): TributaryError {
  const hint =
    status === 451
      ? 'The service may not be offered in this country.'
      : 'It wants a key, another key, or does not serve this address or country.';
  return new TributaryError('TRB_HTTP_FORBIDDEN', `${url.host} refuses with HTTP ${status}: ${said}`, { hint });
}

/** Retry-After: seconds, or a date (RFC 9110, 10.2.3); else x-ratelimit-reset: Unix seconds. */
function retryAfterMs({ headers }: RawAnswer, clock: WallClock): number {
  const after = headers.get('retry-after');
  const reset = headers.get('x-ratelimit-reset');
  if (after === null) {
    const at = Number(reset) * 1000;
    return at > clock.now() ? at - clock.now() : THROTTLED_MS;
  }
  const seconds = Number(after);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - clock.now();
  return Number.isNaN(wait) ? THROTTLED_MS : Math.max(0, wait);
}

export function check<T>(content: unknown, schema: z.ZodType<T>, url: URL): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const where = first === undefined ? '' : ` At ${first.path.join('.') || 'the top'}: ${first.message}`;
  throw new TributaryError('TRB_HTTP_SHAPE', `${url.href} answered in a form that is not known.${where}`, {
    cause: parsed.error,
    hint: 'The venue may have changed its API, or the address is another service.',
  });
}

/** No answer at all. fetch's own "fetch failed" says nothing, its cause does; it quotes a header that it cannot send. */
export function unreachable(url: URL, thrown: unknown, secrets: readonly string[]): TributaryError {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return unavailable(url, excerpt(messageOf(cause ?? thrown), secrets), secrets.length > 0 ? undefined : thrown);
}

function unavailable(url: URL, reason: string, cause: unknown): TributaryError {
  return new TributaryError('TRB_HTTP_UNAVAILABLE', `${url.host} does not answer: ${reason}`, {
    canRetry: true,
    cause,
    hint: 'Check the network and the address.',
  });
}

export function aborted(url: URL): TributaryError {
  return new TributaryError('TRB_HTTP_ABORTED', `The request to ${url.host} was stopped.`);
}

/** The beginning of what a server said; some repeat the key they were given. */
function excerpt(text: string, secrets: readonly string[]): string {
  let said = text.slice(0, 2_000);
  for (const secret of secrets) if (secret !== '') said = said.replaceAll(secret, '(key)');
  return said.replaceAll(/\s+/g, ' ').trim().slice(0, 200);
}
