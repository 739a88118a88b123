/** Conditional requests (RFC 9110, 13): the last answers that have a validator; a 304 stands for the one that is kept. */
import { type HttpRequest, type RawAnswer } from './fetch-text.ts';

export interface ConditionalCache {
  /** The request with If-None-Match or If-Modified-Since, where an answer to it is kept. */
  ask(request: HttpRequest): HttpRequest;
  /** The kept body, where `raw` says that it stands. */
  unchanged(url: URL, raw: RawAnswer): unknown;
  keep(request: HttpRequest, raw: RawAnswer, body: unknown): void;
}

interface Kept {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A source asks the same few addresses again and again; of addresses with a date in them only the newest matter. */
const MOST_KEPT = 32;
/** Characters; a larger answer is fetched anew. */
const LARGEST_KEPT = 4 * 1024 * 1024;

export function createConditionalCache(): ConditionalCache {
  const kept = new Map<string, Kept>();
  return {
    ask(request) {
      const known = request.body === undefined ? kept.get(request.url.href) : undefined;
      return known === undefined ? request : { ...request, headers: { ...request.headers, ...known.headers } };
    },
    unchanged: (url, { status }) => (status === 304 ? kept.get(url.href)?.body : undefined),
    keep({ url, body: posted }, { status, headers, text }, body) {
      const etag = headers.get('etag');
      const modified = headers.get('last-modified');
      kept.delete(url.href);
      if (posted !== undefined || status !== 200 || text.length > LARGEST_KEPT || (etag === null && modified === null)) return;
      const validators = {
        ...(etag !== null && { 'if-none-match': etag }),
        ...(modified !== null && { 'if-modified-since': modified }),
      };
      kept.set(url.href, { headers: validators, body });
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
    },
  };
}
