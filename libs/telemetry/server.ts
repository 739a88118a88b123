/**
 * What a service that runs alone shows to its operator: /metrics (Prometheus), /healthz and /readyz (JSON of the parts; 503 when a
 * part is dead or not ready).
 */
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Registry } from 'prom-client';
import { TributaryError } from '../errors/errors.ts';
import { type Health } from './health.ts';

export interface TelemetryServerOptions {
  /** 0 = any free one. */
  readonly port: number;
  /** Default 127.0.0.1: nothing outside the machine sees it. */
  readonly host?: string;
  readonly metrics: Registry;
  readonly health: Health;
  /** Hears the server's address. */
  readonly listening?: (url: string) => void;
}

export interface TelemetryServer {
  readonly port: number;
  /** Resolves when the server is closed, after `signal` aborted. */
  readonly closed: Promise<void>;
}

/**
 * Listens while `run` works. Once `signal` aborts it answers that the process is not ready, before `run` hears of it and until all that `run`
 * had in hand is done. Throws `TRB_PORT_IN_USE`, and what `run` throws.
 */
export async function serveWhile(options: TelemetryServerOptions, signal: AbortSignal, run: () => Promise<void>): Promise<void> {
  const drain = (): void => options.health.drain();
  if (signal.aborted) drain();
  else signal.addEventListener('abort', drain, { once: true });
  const ended = new AbortController();
  const { closed } = await startTelemetryServer(options, ended.signal);
  try {
    await run();
  } finally {
    ended.abort();
    await closed;
  }
}

/** Listens until `signal` aborts. Throws `TRB_PORT_IN_USE`. */
export async function startTelemetryServer(options: TelemetryServerOptions, signal: AbortSignal): Promise<TelemetryServer> {
  const { port, host = '127.0.0.1' } = options;
  const server = createServer((request, response) => {
    void answer(options, new URL(request.url ?? '/', 'http://localhost').pathname, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cause.code === 'EADDRINUSE' ? portInUse(port, cause) : cause));
    server.listen(port, host, resolve);
  });
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) close();
  else signal.addEventListener('abort', close, { once: true });
  const bound = (server.address() as AddressInfo).port;
  options.listening?.(`http://${host}:${bound}`);
  return { port: bound, closed };
}

async function answer(options: TelemetryServerOptions, path: string, response: ServerResponse): Promise<void> {
  const { metrics, health } = options;
  if (path === '/metrics') {
    const text = await metrics.metrics().catch(() => undefined);
    response.writeHead(text === undefined ? 500 : 200, { 'content-type': metrics.contentType }).end(text);
  } else if (path === '/healthz') {
    sendParts(response, health.live, health);
  } else if (path === '/readyz') {
    sendParts(response, health.ready, health);
  } else {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('There are /metrics, /healthz and /readyz.\n');
  }
}

function sendParts(response: ServerResponse, isWell: boolean, health: Health): void {
  response
    .writeHead(isWell ? 200 : 503, { 'content-type': 'application/json' })
    .end(`${JSON.stringify({ ok: isWell, parts: health.parts() })}\n`);
}

function portInUse(port: number, cause: Error): TributaryError {
  return new TributaryError('TRB_PORT_IN_USE', `Port ${port} is in use.`, {
    hint: 'Stop what listens there, or choose another port (0 = any free one).',
    cause,
  });
}
