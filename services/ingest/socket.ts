/** One WebSocket from its opening to its end: subscribes, asks a quiet venue whether it is there, and ends what stays silent. */
import WebSocket from 'ws';
import { type WallClock } from '#libs/clock/clock.ts';
import { type KeepAlive } from './venues/venue.ts';

/** Who hears a socket. */
export interface SocketHandler {
  /** Sent at once on connecting: venues close what does not subscribe within five seconds. */
  subscription(): readonly string[];
  connected(): void;
  /** `receiveTime`: our clock in microseconds as the frame left the socket. Undefined text: a binary frame. */
  frame(text: string | undefined, receiveTime: number): void;
  /** The other end is there, though it said nothing: a WebSocket pong. */
  alive(receiveTime: number): void;
}

export interface SocketOptions {
  readonly url: string;
  readonly clock: WallClock;
  /** Milliseconds without a frame after which the socket counts as dead. */
  readonly silenceMs: number;
  readonly keepAlive: KeepAlive | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface SocketEnding {
  readonly reason: string;
  readonly isSilence: boolean;
  readonly hasOpened: boolean;
  /** The HTTP status that refused the upgrade. */
  readonly status: number | undefined;
}

const HANDSHAKE_MS = 10_000;
/** A full Coinbase BTC-USD book is more than 1 MB; what is beyond this is no market data. */
const LARGEST_FRAME = 32 * 1024 * 1024;

export class VenueSocket {
  /** May change while it is open. */
  handler: SocketHandler;
  readonly ended: Promise<SocketEnding>;
  readonly #socket: WebSocket;
  #openedAt: number | undefined;
  #isOver = false;

  constructor({ url, clock, silenceMs, keepAlive, signal }: SocketOptions, handler: SocketHandler) {
    this.handler = handler;
    const socket = new WebSocket(url, {
      maxPayload: LARGEST_FRAME,
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      followRedirects: false,
    });
    this.#socket = socket;
    let reason: string | undefined;
    let isSilence = false;
    let lastFrameAt = 0;
    let status: number | undefined;
    const ask = (): void => {
      if (keepAlive?.text !== undefined) this.send(keepAlive.text);
      else if (socket.readyState === WebSocket.OPEN) socket.ping();
    };
    const asking = keepAlive === undefined ? undefined : setInterval(ask, keepAlive.everyMs);
    const watch = setInterval(
      () => {
        if (this.#openedAt === undefined || clock.now() - lastFrameAt < silenceMs) return;
        isSilence = true;
        reason = `no frame for ${silenceMs / 1000} s`;
        socket.terminate();
      },
      Math.max(10, silenceMs / 10),
    );
    const stop = () => this.end();
    signal.addEventListener('abort', stop, { once: true });
    socket.on('open', () => {
      this.#openedAt = lastFrameAt = clock.now();
      for (const text of this.handler.subscription()) socket.send(text);
      this.handler.connected();
    });
    socket.on('message', (data, isBinary) => {
      const receiveTime = clock.nowMicros();
      if (this.#isOver) return; // read before that
      lastFrameAt = receiveTime / 1000;
      this.handler.frame(isBinary ? undefined : textOf(data), receiveTime);
    });
    socket.on('pong', () => {
      const receiveTime = clock.nowMicros();
      lastFrameAt = receiveTime / 1000;
      if (!this.#isOver) this.handler.alive(receiveTime);
    });
    socket.on('unexpected-response', (_request, response) => {
      status = response.statusCode;
      reason = `the venue refused with HTTP ${status}`;
      response.destroy();
      socket.terminate();
    });
    socket.on('error', (error) => (reason ??= error.message));
    this.ended = new Promise((resolve) => {
      socket.on('close', (code) => {
        clearInterval(watch);
        clearInterval(asking);
        signal.removeEventListener('abort', stop);
        const hasOpened = this.#openedAt !== undefined;
        resolve({ reason: reason ?? `closed with code ${code}`, isSilence, hasOpened, status });
      });
    });
    if (signal.aborted) stop();
  }

  /** Milliseconds; undefined: not open yet. */
  get openedAt(): number | undefined {
    return this.#openedAt;
  }

  /** Does nothing while it is not open. */
  send(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Nothing is heard from now on. */
  end(): void {
    this.#isOver = true;
    this.#socket.terminate();
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Buffer.isBuffer(data)) return data.toString('utf8');
  return Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]).toString('utf8');
}
