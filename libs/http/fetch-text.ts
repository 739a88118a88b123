/** One HTTP exchange: a request out, a text back, within a time and a size. */
import { TributaryError } from '../errors/errors.ts';

export interface HttpRequest {
  readonly url: URL;
  /** POSTed as JSON; absent = GET. */
  readonly body?: string;
  /** Of this request alone. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RawAnswer {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface FetchSettings {
  readonly userAgent: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
}

/** The timer and the listener are removed whatever happens: AbortSignal.any would hold on to a long-lived signal. */
export async function fetchText(
  request: HttpRequest,
  settings: FetchSettings,
  signal: AbortSignal | undefined,
): Promise<RawAnswer> {
  const { url, body } = request;
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => stop.abort(new Error(`no answer within ${settings.timeoutMs} ms`)), settings.timeoutMs);
  const posted = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      body: body ?? null,
      headers: {
        'user-agent': settings.userAgent,
        accept: 'application/json, text/csv;q=0.9, */*;q=0.1',
        ...posted,
        ...settings.headers,
        ...request.headers,
      },
      redirect: 'manual',
      signal: stop.signal,
    });
    return {
      url,
      status: response.status,
      headers: response.headers,
      text: await readBody(response, url, settings.maxBodyBytes),
    };
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
