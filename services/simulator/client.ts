/** A venue's WebSocket clients: frames leave in order, late where a fault says so, and a client that does not read is cut off. */
import { type RawData, type WebSocket } from 'ws';
import { type Faults } from './faults.ts';
import { TokenBucket } from './token-bucket.ts';

export class Client {
  readonly socket: WebSocket;
  /** ms. */
  readonly connectedAt: number;
  /** When anything was last sent, ms. */
  lastSent: number;
  lastHeard: number;
  /** Frames kept back by a fault, and their size. */
  readonly held: { readonly frame: string; readonly at: number }[] = [];
  heldBytes = 0;

  constructor(socket: WebSocket, now: number) {
    this.socket = socket;
    this.connectedAt = this.lastSent = this.lastHeard = now;
  }
}

export interface Conduct {
  /** A whole text message came. */
  onMessage(client: Client, text: string): void;
  onLeave(client: Client): void;
  /** The client sends faster than the venue takes. */
  onFlood(client: Client): void;
  /** The venue's last word to a client that does not read, if any. */
  readonly slowConsumerFrame: string | undefined;
  readonly maxMessagesPerSecond: number;
}

export interface AudienceLimits {
  /** A client with more than this unread is cut off. */
  readonly maxBufferedBytes: number;
  /** A connection of this age is closed, ms; undefined = never. */
  readonly maxConnectionMs?: number | undefined;
}

export class Audience {
  readonly clients = new Set<Client>();
  readonly #faults: Faults;
  readonly #now: () => number;
  readonly #limits: AudienceLimits;

  constructor(faults: Faults, now: () => number, limits: AudienceLimits) {
    this.#faults = faults;
    this.#now = now;
    this.#limits = limits;
  }

  join(socket: WebSocket, conduct: Conduct): Client {
    const client = new Client(socket, this.#now());
    const messages = new TokenBucket(conduct.maxMessagesPerSecond, conduct.maxMessagesPerSecond, this.#now);
    this.clients.add(client);
    socket.on('message', (data: RawData) => {
      client.lastHeard = this.#now();
      if (messages.take()) conduct.onMessage(client, text(data));
      else conduct.onFlood(client);
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      this.clients.delete(client);
      conduct.onLeave(client);
    });
    return client;
  }

  send(client: Client, frame: string, lastWord?: string): void {
    const now = this.#now();
    const at = this.#faults.releaseAt(now);
    if (at <= now && client.held.length === 0) this.#write(client, frame, now);
    else {
      client.held.push({ frame, at });
      client.heldBytes += frame.length;
    }
    if (client.socket.bufferedAmount + client.heldBytes <= this.#limits.maxBufferedBytes) return;
    if (lastWord !== undefined) client.socket.send(lastWord);
    client.socket.terminate();
  }

  /** Lets go what a fault kept back and is due. A stall holds everything, what a slow line already held included. */
  release(): void {
    if (this.#faults.active('stall') !== undefined) return;
    const now = this.#now();
    for (const client of this.clients) {
      while (client.held.length > 0 && client.held[0]!.at <= now) {
        const { frame } = client.held.shift()!;
        client.heldBytes -= frame.length;
        this.#write(client, frame, now);
      }
    }
  }

  /** Closes what is too old. */
  retire(): void {
    const oldest = this.#now() - (this.#limits.maxConnectionMs ?? Infinity);
    for (const client of this.clients) if (client.connectedAt <= oldest) client.socket.close(1001);
  }

  broadcast(frame: string): void {
    for (const client of this.clients) this.send(client, frame);
  }

  cut(): void {
    for (const client of this.clients) client.socket.terminate();
  }

  #write(client: Client, frame: string, now: number): void {
    if (client.socket.readyState !== client.socket.OPEN) return;
    client.socket.send(frame);
    client.lastSent = now;
  }
}

function text(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return data instanceof ArrayBuffer ? Buffer.from(data).toString() : data.toString();
}
