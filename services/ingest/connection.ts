/**
 * One WebSocket kept open: connects, subscribes, notices silence, and comes back after a cut with jittered, doubling pauses. It ends with
 * `TRB_VENUE_BLOCKED` where the venue does not serve this address: 451, or 403 before it ever let us in.
 */
import WebSocket from 'ws';
import { type WallClock } from '#libs/clock/clock.ts';
import { type Logger } from '#libs/telemetry/logger.ts';
import { venueBlocked } from './venues/blocked.ts';
import { type KeepAlive } from './venues/venue.ts';

export interface ConnectionOptions {
  readonly url: string;
  readonly clock: WallClock;
  readonly logger: Logger;
  /** Uniform in [0, 1). Default Math.random. */
  readonly random?: () => number;
  /** Milliseconds without a frame after which the connection counts as dead. Default 5,000. */
  readonly silenceMs?: number;
  /** First pause before connecting again, milliseconds. Default 500. */
  readonly firstPauseMs?: number;
  /** Default none. */
  readonly keepAlive?: KeepAlive | undefined;
}

export interface ConnectionHandler {
  /** Sent at once on connecting: venues close what does not subscribe within five seconds. */
  subscription(): readonly string[];
  connected(): void;
  /** `receiveTime`: our clock in microseconds as the frame left the socket. Undefined text: a binary frame. */
  frame(text: string | undefined, receiveTime: number): void;
  /** The other end is there, though it said nothing: a WebSocket pong. */
  alive(receiveTime: number): void;
  disconnected(reason: string, isSilence: boolean): void;
}

const LONGEST_PAUSE_MS = 30_000;
/** A connection that lived this long was good: the next pause is the first one again. */
const HEALTHY_MS = 60_000;
const HANDSHAKE_MS = 10_000;
/** A full Coinbase BTC-USD book is more than 1 MB; what is beyond this is no market data. */
const LARGEST_FRAME = 32 * 1024 * 1024;

export class Connection {
  readonly #options: Required<ConnectionOptions>;
  readonly #handler: ConnectionHandler;
  #socket: WebSocket | undefined;
  #hasOpened = false;

  constructor(options: ConnectionOptions, handler: ConnectionHandler) {
    this.#options = { random: Math.random, silenceMs: 5_000, firstPauseMs: 500, keepAlive: undefined, ...options };
    this.#handler = handler;
  }

  /** Does nothing while there is no open connection. */
  send(text: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Closes the present connection; `run` opens the next. */
  reset(): void {
    this.#socket?.terminate();
  }

  /** Keeps a connection until `signal` aborts. Rejects with `TRB_VENUE_BLOCKED`. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, firstPauseMs, logger, url } = this.#options;
    const isOver = () => signal.aborted;
    let pause = firstPauseMs;
    while (!isOver()) {
      const startedAt = clock.now();
      const { reason, status } = await this.#live(signal);
      if (isOver()) return;
      if (status === 451 || (status === 403 && !this.#hasOpened)) throw venueBlocked(url, status);
      if (clock.now() - startedAt >= HEALTHY_MS) pause = firstPauseMs;
      const wait = pause * (0.5 + random() / 2);
      logger.warn({ url, reason, waitMs: Math.round(wait) }, `connection lost (${reason}); the next attempt follows`);
      await clock.sleep(wait, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  /** One connection, from opening to its end. `status`: the HTTP status that refused the upgrade. */
  #live(signal: AbortSignal): Promise<{ readonly reason: string; readonly status: number | undefined }> {
    const { url, clock, silenceMs, keepAlive } = this.#options;
    return new Promise((resolve) => {
      const socket = new WebSocket(url, {
        maxPayload: LARGEST_FRAME,
        perMessageDeflate: false,
        handshakeTimeout: HANDSHAKE_MS,
        followRedirects: false,
      });
      this.#socket = socket;
      let isOpen = false;
      let reason: string | undefined;
      let isSilence = false;
      let lastFrameAt = 0;
      let status: number | undefined;
      const ask = (): void => {
        if (socket.readyState !== WebSocket.OPEN) return;
        if (keepAlive?.text === undefined) socket.ping();
        else socket.send(keepAlive.text);
      };
      const asking = keepAlive === undefined ? undefined : setInterval(ask, keepAlive.everyMs);
      const watch = setInterval(
        () => {
          if (!isOpen || clock.now() - lastFrameAt < silenceMs) return;
          isSilence = true;
          reason = `no frame for ${silenceMs / 1000} s`;
          socket.terminate();
        },
        Math.max(10, silenceMs / 10),
      );
      const stop = () => socket.terminate();
      signal.addEventListener('abort', stop, { once: true });
      socket.on('open', () => {
        isOpen = this.#hasOpened = true;
        lastFrameAt = clock.now();
        for (const text of this.#handler.subscription()) socket.send(text);
        this.#handler.connected();
      });
      socket.on('message', (data, isBinary) => {
        const receiveTime = clock.nowMicros();
        if (signal.aborted) return;
        lastFrameAt = receiveTime / 1000;
        this.#handler.frame(isBinary ? undefined : textOf(data), receiveTime);
      });
      socket.on('pong', () => {
        const receiveTime = clock.nowMicros();
        lastFrameAt = receiveTime / 1000;
        if (!signal.aborted) this.#handler.alive(receiveTime);
      });
      socket.on('unexpected-response', (_request, response) => {
        status = response.statusCode;
        reason = `the venue refused with HTTP ${status}`;
        response.destroy();
        socket.terminate();
      });
      socket.on('error', (error) => (reason ??= error.message));
      socket.on('close', (code) => {
        clearInterval(watch);
        clearInterval(asking);
        signal.removeEventListener('abort', stop);
        this.#socket = undefined;
        const why = reason ?? `closed with code ${code}`;
        // Stopping is no fault: the next start says what was not watched.
        if (isOpen && !signal.aborted) this.#handler.disconnected(why, isSilence);
        resolve({ reason: why, status });
      });
      if (signal.aborted) stop();
    });
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  return Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]).toString('utf8');
}
