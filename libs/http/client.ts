/**
 * A polite client for public REST APIs that answer JSON: it keeps to a rate, waits as long as the server asks, tries again where
 * that can help, and says plainly what went wrong. GET only, so that a repeat is harmless.
 *
 * Errors (TributaryError)
 * - `TRB_HTTP_UNAVAILABLE` (canRetry): no connection, cut, time-out, or 5xx after every retry.
 * - `TRB_HTTP_RATE_LIMITED` (canRetry): 429 (or `isThrottled`) after every retry, or told to wait longer than `maxWaitMs`.
 * - `TRB_HTTP_FORBIDDEN`: 401, 403 or 451. `TRB_HTTP_NOT_FOUND`: 404. `TRB_HTTP_REFUSED`: any other 4xx, or a redirect.
 * - `TRB_HTTP_NOT_JSON` (canRetry): HTML, or JSON that ends in the middle, after every retry.
 * - `TRB_HTTP_SHAPE`: JSON, but not what the schema says. `TRB_HTTP_TOO_LARGE`: more than `maxBodyBytes`.
 * - `TRB_HTTP_ABORTED`: the caller's signal.
 */
import { z } from 'zod';
import { type WallClock } from '../clock/clock.ts';
import { messageOf, TributaryError } from '../errors/errors.ts';
import { type Logger } from '../telemetry/logger.ts';
import { createRateLimit } from './rate-limit.ts';

const Settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Scheme, host and path prefix; request paths are appended to it.'),
  userAgent: z.string().min(1).default('tributary/0.1').describe('Some venues refuse requests without one.'),
  ratePerSecond: z.number().positive().default(1).describe('Requests a second, sustained.'),
  burst: z.number().int().positive().default(1).describe('Requests that may go at once after a quiet time.'),
  timeoutMs: z.number().int().positive().default(10_000).describe('Milliseconds for one attempt, body included.'),
  maxRetries: z.number().int().nonnegative().default(4).describe('Further attempts after the first.'),
  maxWaitMs: z.number().int().positive().default(60_000).describe('Longest wait, milliseconds, that a server may ask for.'),
  maxBodyBytes: z
    .number()
    .int()
    .positive()
    .default(32 * 1024 * 1024)
    .describe('Longest answer, bytes after decompression.'),
});

export interface HttpClientOptions extends z.input<typeof Settings> {
  readonly clock: WallClock;
  /** Uniform in [0, 1): the jitter of the back-off. Default Math.random. */
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Whether an answer with status 200 means 429 all the same (Kraken says so in its body). */
  readonly isThrottled?: (body: unknown) => boolean;
}

/** Values are written into the query as they are; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface HttpClient {
  /** GETs `path` and gives what `schema` makes of the answer. */
  getJson<T>(path: string, query: Query, schema: z.ZodType<T>, options?: { readonly signal?: AbortSignal }): Promise<T>;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { clock, logger, isThrottled, random = Math.random, ...given } = options;
  const settings = Settings.parse(given);
  const limit = createRateLimit(settings, clock);

  async function attempt(url: URL, signal: AbortSignal | undefined): Promise<Answer> {
    try {
      const answer = await fetchText(url, settings, signal);
      return classify(answer, isThrottled, clock);
    } catch (thrown) {
      if (thrown instanceof TributaryError) throw thrown;
      if (signal?.aborted === true) throw aborted(url);
      return { kind: 'retry', error: unavailable(url, reasonOf(thrown), thrown), waitMs: undefined };
    }
  }

  return {
    async getJson(path, query, schema, { signal } = {}) {
      const url = urlOf(settings.baseUrl, path, query);
      for (let tries = 0; ; tries++) {
        await limit.take(signal);
        if (signal?.aborted === true) throw aborted(url);
        const answer = await attempt(url, signal);
        if (answer.kind === 'json') return check(answer.body, schema, url);
        const wait = answer.waitMs ?? backoffMs(tries, random);
        if (tries >= settings.maxRetries || wait > settings.maxWaitMs) throw answer.error;
        logger?.warn({ url: url.href, waitMs: Math.round(wait), code: answer.error.code }, answer.error.message);
        if (answer.waitMs !== undefined) limit.pause(answer.waitMs);
        else await clock.sleep(wait, signal);
      }
    },
  };
}

type Answer =
  | { readonly kind: 'json'; readonly body: unknown }
  /** `waitMs`: what the server asked for; it holds for every request to it. */
  | { readonly kind: 'retry'; readonly error: TributaryError; readonly waitMs: number | undefined };

interface RawAnswer {
  readonly url: URL;
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** When a server says 429 without saying for how long. */
const THROTTLED_MS = 2_000;

/** Full jitter between half and whole of a doubling wait. */
function backoffMs(tries: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries) * (0.5 + random() / 2);
}

function urlOf(baseUrl: string, path: string, query: Query): URL {
  const url = new URL(baseUrl.replace(/\/$/, '') + (path.startsWith('/') ? path : `/${path}`));
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** The timer and the listener are removed whatever happens: AbortSignal.any would hold on to a long-lived signal. */
async function fetchText(url: URL, settings: z.output<typeof Settings>, signal: AbortSignal | undefined): Promise<RawAnswer> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${settings.timeoutMs} ms`)), settings.timeoutMs);
  try {
    const response = await fetch(url, {
      headers: { 'user-agent': settings.userAgent, accept: 'application/json' },
      redirect: 'manual',
      signal: stop.signal,
    });
    const text = await readBody(response, url, settings.maxBodyBytes);
    return { url, status: response.status, retryAfter: response.headers.get('retry-after'), text };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

async function readBody(response: Response, url: URL, maxBytes: number): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      throw new TributaryError('TRB_HTTP_TOO_LARGE', `${url.href} answered with more than ${maxBytes} bytes.`, {
        hint: 'Ask for fewer rows.',
      });
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function classify(raw: RawAnswer, isThrottled: HttpClientOptions['isThrottled'], clock: WallClock): Answer {
  const { url, status, text } = raw;
  if (status === 429) return throttled(url, retryAfterMs(raw.retryAfter, clock));
  if (status >= 500) {
    const wait = raw.retryAfter === null ? undefined : retryAfterMs(raw.retryAfter, clock);
    return { kind: 'retry', error: unavailable(url, `HTTP ${status} ${excerpt(text)}`, undefined), waitMs: wait };
  }
  if ([401, 403, 451].includes(status)) {
    throw new TributaryError('TRB_HTTP_FORBIDDEN', `${url.host} refuses with HTTP ${status}: ${excerpt(text)}`, {
      hint: 'It does not serve this address or country.',
    });
  }
  if (status === 404) throw new TributaryError('TRB_HTTP_NOT_FOUND', `${url.href} does not exist: ${excerpt(text)}`);
  if (status >= 300) {
    throw new TributaryError('TRB_HTTP_REFUSED', `${url.href} refused with HTTP ${status}: ${excerpt(text)}`);
  }
  try {
    const body: unknown = JSON.parse(text);
    return isThrottled?.(body) === true ? throttled(url, THROTTLED_MS) : { kind: 'json', body };
  } catch (thrown) {
    const what = text.trimStart().startsWith('<') ? 'a web page' : 'broken JSON';
    const error = new TributaryError('TRB_HTTP_NOT_JSON', `${url.href} answered with ${what}: ${excerpt(text)}`, {
      canRetry: true,
      cause: thrown,
      hint: 'A proxy or a block in between answers like that; try the address in a browser.',
    });
    return { kind: 'retry', error, waitMs: undefined };
  }
}

function throttled(url: URL, waitMs: number): Answer {
  const error = new TributaryError('TRB_HTTP_RATE_LIMITED', `${url.host} asks to be left alone for ${waitMs} ms.`, {
    canRetry: true,
    hint: 'Other programs on this address share its limit; stop them or wait.',
  });
  return { kind: 'retry', error, waitMs };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null, clock: WallClock): number {
  if (header === null) return THROTTLED_MS;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - clock.now();
  return Number.isNaN(wait) ? THROTTLED_MS : Math.max(0, wait);
}

function check<T>(body: unknown, schema: z.ZodType<T>, url: URL): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const first = parsed.error.issues[0];
  const where = first === undefined ? '' : ` At ${first.path.join('.') || 'the top'}: ${first.message}`;
  throw new TributaryError('TRB_HTTP_SHAPE', `${url.href} answered in a form that is not known.${where}`, {
    cause: parsed.error,
    hint: 'The venue may have changed its API, or the address is another service.',
  });
}

function unavailable(url: URL, reason: string, cause: unknown): TributaryError {
  return new TributaryError('TRB_HTTP_UNAVAILABLE', `${url.host} does not answer: ${reason}`, {
    canRetry: true,
    cause,
    hint: 'Check the network and the address.',
  });
}

/** fetch's own "fetch failed" says nothing; its cause does. */
function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return messageOf(cause ?? thrown);
}

function aborted(url: URL): TributaryError {
  return new TributaryError('TRB_HTTP_ABORTED', `The request to ${url.host} was stopped.`);
}

function excerpt(text: string): string {
  return text.slice(0, 200).replaceAll(/\s+/g, ' ').trim();
}
