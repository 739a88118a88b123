/**
 * Commits of one (group, topic, partition): a transactional producer of its own, so that whoever takes the partition over fences the
 * one before by opening the same transactional id.
 */
import { type Producer, type Transaction } from 'kafkajs';
import { type TributaryError } from '../../errors/errors.ts';
import { fencedError } from '../limits.ts';
import { type Topic } from '../topics.ts';
import { checkWritten, type Connection } from './connection.ts';
import { whileBusy } from './coordinator.ts';
import { isFenced, toLogError } from './errors.ts';
import { namingAll } from './inside.ts';
import { fitting, toMessage, type Routed } from './lanes.ts';

export class Transactions {
  readonly #connection: Connection;
  readonly #place: { readonly group: string; readonly topic: Topic; readonly partition: number };
  readonly #producer: Producer;
  /** One transaction at a time. */
  #last: Promise<unknown> = Promise.resolve();
  /** Set for good: after an error whose outcome is unknown, only a new producer (which ends what was left open) may go on. */
  #broken: TributaryError | undefined;

  private constructor(
    connection: Connection,
    place: { readonly group: string; readonly topic: Topic; readonly partition: number },
  ) {
    this.#connection = connection;
    this.#place = place;
    this.#producer = connection.transactionalProducer(`${place.group}/${place.topic}/${place.partition}`);
  }

  /** Fences every earlier owner; when it resolves, what they left open is aborted and the committed offset is final. */
  static async open(
    connection: Connection,
    place: { readonly group: string; readonly topic: Topic; readonly partition: number },
  ): Promise<Transactions> {
    const transactions = new Transactions(connection, place);
    try {
      await transactions.#producer.connect();
      const probe = await transactions.#producer.transaction();
      await probe.abort();
      return transactions;
    } catch (error) {
      await transactions.close();
      throw toLogError(error);
    }
  }

  get broken(): TributaryError | undefined {
    return this.#broken;
  }

  /** Writes the outputs and the group's offset in one transaction. `guard` throws when it is no longer allowed. */
  commit(offset: number, parts: readonly Routed[], timestamp: number, guard: () => void): Promise<void> {
    const turn = this.#last.then(async () => {
      guard();
      if (this.#broken !== undefined) throw this.#broken;
      await this.#transact(offset, parts, String(timestamp));
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#producer.disconnect().catch(() => undefined);
  }

  #sendOffset(transaction: Transaction, offset: number): Promise<void> {
    const { group, topic, partition } = this.#place;
    const offsets = {
      consumerGroupId: this.#connection.groupName(group),
      topics: [{ topic: this.#connection.topicName(topic), partitions: [{ partition, offset: String(offset) }] }],
    };
    return whileBusy(() => transaction.sendOffsets(offsets));
  }

  async #send(transaction: Transaction, { name, partition, records }: Routed, timestamp: string): Promise<void> {
    const { compression } = this.#connection;
    const waiting = records.map((record) => ({ record }));
    while (waiting.length > 0) {
      const taken = waiting.splice(0, fitting(waiting));
      const messages = taken.map(({ record }) => toMessage(record, partition, timestamp));
      checkWritten(await transaction.send({ topic: name, acks: -1, compression, messages }), name, partition);
    }
  }

  async #transact(offset: number, parts: readonly Routed[], timestamp: string): Promise<void> {
    const { group, topic, partition } = this.#place;
    let transaction: Transaction | undefined;
    try {
      transaction = await this.#producer.transaction();
      const open = transaction;
      // Side by side: none has to wait for another's copies. All settle before an abort: kafkajs must not have a send under way then.
      const said = await Promise.allSettled([
        ...namingAll(parts, () => parts.map((part) => this.#send(open, part, timestamp))),
        this.#sendOffset(open, offset),
      ]);
      for (const result of said) if (result.status === 'rejected') throw result.reason;
      await transaction.commit();
    } catch (error) {
      const failure = isFenced(error) ? fencedError(group, topic, partition, error) : toLogError(error);
      const isUndone = failure.code === 'TRB_LOG_TOO_LARGE' && (await abort(transaction));
      if (!isUndone) this.#broken = failure;
      throw failure;
    }
  }
}

async function abort(transaction: Transaction | undefined): Promise<boolean> {
  if (transaction === undefined) return false;
  return transaction.abort().then(
    () => true,
    () => false,
  );
}
