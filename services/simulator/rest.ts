/** An HTTP answer before it is written; both venues' REST are functions from a request to one. */

export interface RestRequest {
  /** Below the venue's base path, for instance `/products/BTC-USD/candles`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly userAgent: string | undefined;
}

export interface RestAnswer {
  readonly status: number;
  /** JSON text. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(body: unknown, status = 200): RestAnswer {
  return { status, body: JSON.stringify(body) };
}
