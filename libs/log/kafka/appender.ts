/**
 * Plain writing's producer: idempotent, so that a request whose answer was lost with its broker is written once however often kafkajs
 * sends it. After a send that failed for good kafkajs' sequence numbers may no longer be the broker's, so a new producer takes its place.
 */
import { type Message, type Producer } from 'kafkajs';
import { checkWritten, type Connection } from './connection.ts';
import { type LogObserver } from './observer.ts';

interface Generation {
  readonly producer: Producer;
  readonly connected: Promise<void>;
  underWay: number;
  isSpent: boolean;
}

export class Appender {
  readonly #connection: Connection;
  readonly #observer: LogObserver;
  #current: Generation | undefined;
  readonly #closing = new Set<Promise<void>>();

  constructor(connection: Connection, observer: LogObserver) {
    this.#connection = connection;
    this.#observer = observer;
  }

  /** `send` does it too, where it has to. */
  connect(): Promise<void> {
    this.#current ??= this.#begin();
    return this.#current.connected;
  }

  /** Writes to one partition; resolves when all in-sync replicas have it. */
  async send(topic: string, partition: number, messages: Message[]): Promise<void> {
    const generation = (this.#current ??= this.#begin());
    generation.underWay++;
    try {
      await generation.connected;
      const { compression } = this.#connection;
      checkWritten(await generation.producer.send({ topic, acks: -1, compression, messages }), topic, partition);
    } catch (error) {
      generation.isSpent = true;
      if (this.#current === generation) {
        this.#current = undefined;
        this.#observer.retried?.('append', error);
      }
      throw error;
    } finally {
      generation.underWay--;
      if (generation.isSpent && generation.underWay === 0) this.#end(generation);
    }
  }

  async close(): Promise<void> {
    if (this.#current !== undefined) this.#end(this.#current);
    await Promise.all(this.#closing);
  }

  #begin(): Generation {
    const producer = this.#connection.producer();
    const connected = producer.connect();
    connected.catch(() => undefined); // whoever waits for it hears of it
    return { producer, connected, underWay: 0, isSpent: false };
  }

  #end({ producer }: Generation): void {
    const closed = producer.disconnect().catch(() => undefined);
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}
