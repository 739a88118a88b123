/**
 * A polite client for public REST APIs: it keeps to a rate, waits as long as the server asks, tries again where that can help, leaves a
 * host alone that fails again and again, asks only for what has changed, and says plainly what went wrong. Only requests that read, so
 * that a repeat is harmless. Keys go into `headers`; they stand in no URL, log line or error text.
 *
 * Errors (TributaryError)
 * - `TRB_HTTP_UNAVAILABLE` (canRetry): no connection, cut, time-out, or 5xx after every retry.
 * - `TRB_HTTP_RATE_LIMITED` (canRetry): 429 (or `isThrottled`) after every retry, or told to wait longer than `maxWaitMs`.
 * - `TRB_HTTP_CIRCUIT_OPEN` (canRetry): the host failed too often in a row and is left alone for a while (circuit-breaker.ts).
 * - `TRB_HTTP_FORBIDDEN`: 401, 403 or 451. `TRB_HTTP_NOT_FOUND`: 404. `TRB_HTTP_REFUSED`: any other 4xx, or a redirect.
 * - `TRB_HTTP_NOT_JSON`, `TRB_HTTP_NOT_TEXT` (canRetry): a web page, or JSON that ends in the middle, after every retry.
 * - `TRB_HTTP_SHAPE`: JSON, but not what the schema says. `TRB_HTTP_TOO_LARGE`: more than `maxBodyBytes`.
 * - `TRB_HTTP_ABORTED`: the caller's signal.
 */
import { z } from 'zod';
import { type WallClock } from '../clock/clock.ts';
import { TributaryError } from '../errors/errors.ts';
import { type Logger } from '../telemetry/logger.ts';
import { aborted, type Answer, check, type Form, interpret, unreachable } from './answer.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { createConditionalCache } from './conditional.ts';
import { fetchText, type HttpRequest } from './fetch-text.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';

const Settings = z.object({
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Scheme, host and path prefix; request paths are appended to it.'),
  userAgent: z.string().min(1).default('tributary/0.1').describe('Some venues refuse requests without one.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Sent with every request; values are taken for secrets.'),
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
  isConditional: z
    .boolean()
    .default(false)
    .describe('Keep answers that have an ETag or a date, and ask whether they have changed.'),
});

export interface HttpClientOptions extends z.input<typeof Settings> {
  readonly clock: WallClock;
  /** Uniform in [0, 1): the jitter of the back-off. Default Math.random. */
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Whether an answer with status 200 means 429 all the same (Kraken says so in its body). */
  readonly isThrottled?: (body: unknown) => boolean;
  /** Shared by clients of the same host. Default: one of its own, by ratePerSecond and burst. */
  readonly rateLimit?: RateLimit;
  /** Shared by clients of the same host. Default: one of its own. */
  readonly breaker?: CircuitBreaker;
  /** Hears of every attempt once it is over; `code` undefined = answered as wanted. Plans count failures too. */
  readonly onAttempt?: (code: string | undefined) => void;
}

/** Values are written into the query as they are; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface HttpClient {
  /** GETs `path` and gives what `schema` makes of the JSON answer. */
  getJson<T>(path: string, query: Query, schema: z.ZodType<T>, options?: CallOptions): Promise<T>;
  /** POSTs `body` as JSON, for APIs that are asked like that, and gives what `schema` makes of the answer. */
  postJson<T>(path: string, body: unknown, schema: z.ZodType<T>, options?: CallOptions): Promise<T>;
  /** GETs a text, for instance CSV. */
  getText(path: string, query: Query, options?: CallOptions): Promise<string>;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { clock, logger, isThrottled, onAttempt, random = Math.random, rateLimit, breaker, ...given } = options;
  const settings = Settings.parse(given);
  const limit = rateLimit ?? createRateLimit(settings, clock);
  const circuit = breaker ?? createCircuitBreaker(clock);
  const cache = settings.isConditional ? createConditionalCache() : undefined;
  const secrets = Object.values(settings.headers).flatMap(secretsOf);

  async function attempt(request: HttpRequest, form: Form, signal: AbortSignal | undefined): Promise<Answer> {
    const { url } = request;
    try {
      const raw = await fetchText(cache?.ask(request) ?? request, settings, signal);
      const unchanged = cache?.unchanged(url, raw);
      if (unchanged !== undefined) return { kind: 'body', body: unchanged };
      const answer = interpret(raw, form, { secrets, isThrottled, clock });
      if (answer.kind === 'body') cache?.keep(request, raw, answer.body);
      return answer;
    } catch (thrown) {
      if (thrown instanceof TributaryError) return { kind: 'failure', error: thrown };
      if (signal?.aborted === true) return { kind: 'failure', error: aborted(url) };
      return { kind: 'retry', error: unreachable(url, thrown, secrets), waitMs: undefined };
    }
  }

  /** One attempt, its outcome told to breaker and meter. */
  async function tell(request: HttpRequest, form: Form, signal: AbortSignal | undefined): Promise<Answer> {
    const pass = circuit.enter(request.url.host);
    const answer = await attempt(request, form, signal);
    const code = answer.kind === 'body' ? undefined : answer.error.code;
    // Whoever answers, be it a refusal, a 429 or a web page, is there.
    if (code === 'TRB_HTTP_UNAVAILABLE') pass.failed();
    else pass.succeeded();
    onAttempt?.(code);
    return answer;
  }

  async function call(request: HttpRequest, form: Form, signal: AbortSignal | undefined): Promise<unknown> {
    for (let tries = 0; ; tries++) {
      await limit.take(signal);
      if (signal?.aborted === true) throw aborted(request.url);
      const answer = await tell(request, form, signal);
      if (answer.kind === 'body') return answer.body;
      if (answer.kind === 'failure') throw answer.error;
      const wait = answer.waitMs ?? backoffMs(tries, random);
      if (tries >= settings.maxRetries || wait > settings.maxWaitMs) {
        if (answer.waitMs !== undefined) limit.pause(Math.min(answer.waitMs, LONGEST_PAUSE_MS));
        throw answer.error;
      }
      logger?.warn({ url: request.url.href, waitMs: Math.round(wait), code: answer.error.code }, answer.error.message);
      if (answer.waitMs !== undefined) limit.pause(answer.waitMs);
      else await clock.sleep(wait, signal);
    }
  }

  return {
    async getJson(path, query, schema, { signal } = {}) {
      const url = urlOf(settings.baseUrl, path, query);
      return check(await call({ url }, 'json', signal), schema, url);
    },
    async postJson(path, body, schema, { signal } = {}) {
      const url = urlOf(settings.baseUrl, path, {});
      return check(await call({ url, body: JSON.stringify(body) }, 'json', signal), schema, url);
    },
    async getText(path, query, { signal } = {}) {
      return String(await call({ url: urlOf(settings.baseUrl, path, query) }, 'text', signal));
    },
  };
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** However long a server asks to be left alone, it is asked again after this. */
const LONGEST_PAUSE_MS = 3_600_000;

/** Full jitter between half and whole of a doubling wait. */
function backoffMs(tries: number, random: () => number): number {
  return Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries) * (0.5 + random() / 2);
}

/** A server may repeat the key without the word before it (`Bearer`, `Apikey`). */
function secretsOf(header: string): readonly string[] {
  return [header, ...header.split(/[\s()]+/).filter((word) => word.length >= 8)];
}

function urlOf(baseUrl: string, path: string, query: Query): URL {
  const url = new URL(baseUrl.replace(/\/$/, '') + (path.startsWith('/') ? path : `/${path}`));
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}
