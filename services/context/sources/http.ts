/** What a source may ask of its host. Answers are checked by a schema; nothing is believed. */
import { type z } from 'zod';
import { createHttpClient, type HttpClientOptions, type Query } from '#libs/http/client.ts';
import { type HostSettings } from './source.ts';

export interface SourceHttp {
  /** GETs `path` and gives what `schema` makes of the JSON answer. Errors as libs/http/client.ts. */
  getJson<T>(path: string, query: Query, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** POSTs `body` as JSON (Hyperliquid, GraphQL): reading only, so that a repeat is harmless. */
  postJson<T>(path: string, body: unknown, schema: z.ZodType<T>, signal: AbortSignal): Promise<T>;
  /** GETs a text, for instance CSV; an HTML page in its place is an error. */
  getText(path: string, query: Query, signal: AbortSignal): Promise<string>;
}

export interface SourceHttpOptions extends Pick<
  HttpClientOptions,
  'clock' | 'logger' | 'random' | 'rateLimit' | 'breaker' | 'onAttempt' | 'headers'
> {
  /** Counts instead of those that requests come with: history is stopped as a whole. */
  readonly signal?: AbortSignal | undefined;
}

/** Polls come again by themselves: few retries. A server may ask for a pause of up to two minutes before the poll is given up. */
const PATIENCE = { timeoutMs: 15_000, maxRetries: 2, maxWaitMs: 120_000 };

export function createSourceHttp({ baseUrl, ratePerSecond, burst }: HostSettings, options: SourceHttpOptions): SourceHttp {
  const { signal: own, ...rest } = options;
  const client = createHttpClient({ baseUrl, ratePerSecond, burst, ...PATIENCE, isConditional: true, ...rest });
  return {
    getJson: (path, query, schema, signal) => client.getJson(path, query, schema, { signal: own ?? signal }),
    postJson: (path, body, schema, signal) => client.postJson(path, body, schema, { signal: own ?? signal }),
    getText: (path, query, signal) => client.getText(path, query, { signal: own ?? signal }),
  };
}
