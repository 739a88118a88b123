/** kafkajs as we use it, and its errors as `TRB_LOG_…`. kafkajs 2.2.4 needs care in several places; each place says which. */
import {
  Kafka,
  logLevel,
  type Admin,
  type CompressionTypes,
  type KafkaConfig,
  type Message,
  type Producer,
  type RecordMetadata,
  type SASLOptions,
} from 'kafkajs';
import { z } from 'zod';
import { Secret } from '../../secrets/secret.ts';
import { TlsSettings } from '../../secrets/tls.ts';
import { TOPICS, type Topic } from '../topics.ts';
import { COMPRESSIONS, compressionType } from './compression.ts';
import { Fetcher } from './fetch.ts';
import { clusterOf, mendKafkajs } from './inside.ts';
import { Inquiry } from './inquiry.ts';

export const KafkaOptions = z.object({
  brokers: z.array(z.string().min(1)).min(1).readonly().describe('Addresses host:port to find the cluster by'),
  clientId: z.string().min(1).default('tributary').describe('Name in the broker’s logs. Default tributary'),
  topicPrefix: z
    .string()
    .regex(/^[\w.-]*$/)
    .default('')
    .describe(
      'Put before the names of topics, groups and transactional ids, so that several systems share a cluster. Default none',
    ),
  sessionTimeoutMs: z
    .int()
    .min(1000)
    .default(10_000)
    .describe('Silence after which a member loses its partitions, ms. Default 10,000'),
  tls: TlsSettings.optional().describe('Encrypts, and checks who the broker is. Default: neither'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['scram-sha-256', 'scram-sha-512']).describe('How the password is proven; it is never sent'),
      username: z.string().min(1),
      password: z.instanceof(Secret),
    })
    .optional()
    .describe('Who we are. Default: nobody in particular'),
  compression: z.enum(COMPRESSIONS).default('none').describe('Of what we write. Default none'),
});
export type KafkaSettings = z.output<typeof KafkaOptions>;

/** Longest wait of a group member's fetch, unless its group can wait (membership.ts); kafkajs also waits so long when it disconnects or rebalances, and its default is 5 s. */
const MAX_WAIT_MS = 100;
/** A transaction that its owner leaves open is aborted after this. */
const TRANSACTION_TIMEOUT_MS = 30_000;

export class Connection {
  readonly settings: KafkaSettings;
  /** What a `send` says of its batch. */
  readonly compression: CompressionTypes;
  readonly #kafka: Kafka;

  constructor(settings: KafkaSettings) {
    this.settings = settings;
    this.compression = compressionType(settings.compression);
    mendKafkajs();
    this.#kafka = new Kafka({
      brokers: [...settings.brokers],
      clientId: settings.clientId,
      logLevel: logLevel.NOTHING,
      ...access(settings),
      connectionTimeout: 3000,
      requestTimeout: 10_000,
      // About three seconds in all; then TRB_LOG_UNAVAILABLE.
      retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 7 },
    });
  }

  topicName(topic: Topic): string {
    return this.settings.topicPrefix + topic;
  }

  topicOf(name: string): Topic | undefined {
    return TOPICS.find((topic) => this.topicName(topic) === name);
  }

  groupName(group: string): string {
    return this.settings.topicPrefix + group;
  }

  admin(): Admin {
    return this.#kafka.admin();
  }

  producer(): Producer {
    return this.#kafka.producer({ createPartitioner: givenPartition, allowAutoTopicCreation: false, idempotent: true });
  }

  /** `initialRetryTime` 5: a transaction waits for the markers of the one before, and kafkajs' default makes that 235 ms instead of 27. */
  transactionalProducer(transactionalId: string): Producer {
    return this.#kafka.producer({
      createPartitioner: givenPartition,
      allowAutoTopicCreation: false,
      transactionalId: this.settings.topicPrefix + transactionalId,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 5, maxRetryTime: 500, retries: 14 },
    });
  }

  inquiry(): Inquiry {
    return new Inquiry(clusterOf(this.#kafka));
  }

  /** Reads one partition without a group. */
  fetcher(topic: Topic, partition: number): Promise<Fetcher> {
    return Fetcher.open(this.#kafka, this.topicName(topic), partition);
  }

  consumer(groupId: string, config: Omit<Parameters<Kafka['consumer']>[0] & object, 'groupId'>): ReturnType<Kafka['consumer']> {
    return this.#kafka.consumer({
      groupId,
      sessionTimeout: this.settings.sessionTimeoutMs,
      heartbeatInterval: Math.min(500, Math.floor(this.settings.sessionTimeoutMs / 4)),
      rebalanceTimeout: 60_000,
      maxWaitTimeInMs: MAX_WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 5, restartOnFailure: () => Promise.resolve(false) },
      ...config,
    });
  }
}

function access({ tls, sasl }: KafkaSettings): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(tls !== undefined && { ssl: { ...tls, key: tls.key?.reveal() } }),
    ...(sasl !== undefined && { sasl: { ...sasl, password: sasl.password.reveal() } as SASLOptions }),
  };
}

/**
 * kafkajs takes a send for done when every broker that it asked has answered, and it asks none for a partition that its metadata leaves
 * out: only an answer for the partition itself says that the records are written.
 */
export function checkWritten(answers: readonly RecordMetadata[], topic: string, partition: number): void {
  if (answers.some((answer) => answer.topicName === topic && answer.partition === partition && answer.errorCode === 0)) return;
  throw new Error(`no broker has acknowledged ${topic}/${partition}`);
}

function givenPartition(): (args: { readonly message: Message }) => number {
  return ({ message }) => message.partition ?? 0;
}
