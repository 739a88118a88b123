/** How commands find Kafka and how they are let in. */
import { TributaryError } from '#libs/errors/errors.ts';
import { type KafkaLogOptions } from '#libs/log/kafka.ts';
import { type Compression } from '#libs/log/kafka/compression.ts';
import { type Environment, readSecret } from '#libs/secrets/secret.ts';
import { readPair, readPem } from './tls.ts';

/** What `kafkaOptions` (options.ts) parse to. */
export interface KafkaChoice {
  readonly brokers: string[];
  readonly topicPrefix: string;
  readonly kafkaSecurity: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly kafkaCa?: string;
  readonly kafkaCert?: string;
  readonly kafkaKey?: string;
  readonly kafkaSaslMechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly kafkaUsername?: string;
  readonly kafkaCompression: Compression;
}

/** Reads the files and the password. Throws `TRB_USAGE`, `TRB_SECRET`. */
export function toKafkaOptions(choice: KafkaChoice, environment: Environment = process.env): KafkaLogOptions {
  const { brokers, topicPrefix, kafkaSecurity, kafkaCompression: compression } = choice;
  return {
    brokers,
    topicPrefix,
    compression,
    ...(kafkaSecurity.endsWith('SSL') && { tls: tlsOf(choice) }),
    ...(kafkaSecurity.startsWith('SASL') && { sasl: saslOf(choice, environment) }),
  };
}

function tlsOf({ kafkaCa, kafkaCert, kafkaKey }: KafkaChoice): NonNullable<KafkaLogOptions['tls']> {
  return {
    ...(kafkaCa !== undefined && { ca: readPem('--kafka-ca', kafkaCa) }),
    ...readPair(['--kafka-cert', kafkaCert], ['--kafka-key', kafkaKey]),
  };
}

function saslOf(
  { kafkaSaslMechanism, kafkaUsername }: KafkaChoice,
  environment: Environment,
): NonNullable<KafkaLogOptions['sasl']> {
  const password = readSecret('KAFKA_PASSWORD', environment);
  if (kafkaUsername === undefined || password === undefined) {
    throw new TributaryError('TRB_USAGE', 'Kafka is to be asked with a password, and the user or the password is not given.', {
      hint: 'Set KAFKA_USERNAME (--kafka-username), and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE.',
    });
  }
  const mechanism = kafkaSaslMechanism === 'SCRAM-SHA-256' ? 'scram-sha-256' : 'scram-sha-512';
  return { mechanism, username: kafkaUsername, password };
}
