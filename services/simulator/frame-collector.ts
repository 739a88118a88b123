/** For tests: a client that keeps every frame it gets. */
import { once } from 'node:events';
import { WebSocket, type RawData } from 'ws';

export type Frame = Readonly<Record<string, unknown>>;

export class FrameCollector {
  readonly socket: WebSocket;
  readonly texts: string[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: RawData) => this.texts.push((data as Buffer).toString()));
  }

  static async connect(url: string): Promise<FrameCollector> {
    const socket = new WebSocket(url);
    const collector = new FrameCollector(socket);
    await once(socket, 'open');
    return collector;
  }

  /** Sends text as it is, anything else as JSON, and waits until the server has answered what it answers at once. */
  async send(...messages: readonly unknown[]): Promise<void> {
    for (const message of messages) this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    await this.settle();
  }

  /** Everything the server sent before this call has arrived: a ping's answer comes behind it on the same connection. */
  async settle(): Promise<void> {
    const answered = once(this.socket, 'pong');
    this.socket.ping();
    await answered;
  }

  /** All frames so far that are JSON. */
  get frames(): Frame[] {
    return this.texts.flatMap((text) => {
      try {
        return [JSON.parse(text) as Frame];
      } catch {
        return [];
      }
    });
  }

  /** Frames whose given fields have the given values. */
  where(fields: Frame): Frame[] {
    return this.frames.filter((frame) => Object.entries(fields).every(([key, value]) => frame[key] === value));
  }

  close(): void {
    this.socket.terminate();
  }
}

/** What a frame looks like: keys, JSON types, and the kind of each string; lists by their first element. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (value === null || typeof value !== 'object') return typeof value === 'string' ? kindOf(value) : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, shapeOf(inner)]),
  );
}

function kindOf(text: string): string {
  if (/^-?\d+(\.\d+)?$/.test(text)) return 'decimal';
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text)) return 'time in µs';
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(text)) return 'time in ns';
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return 'uuid';
  return 'text';
}
