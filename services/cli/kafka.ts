/** How commands find Kafka and how they are let in. */
import { readFileSync } from 'node:fs';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type KafkaLogOptions } from '#libs/log/kafka.ts';
import { type Environment, readSecret, readSecretFile } from '#libs/secrets/secret.ts';

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
}

/** Reads the files and the password. Throws `TRB_USAGE`, `TRB_SECRET`. */
export function toKafkaOptions(choice: KafkaChoice, environment: Environment = process.env): KafkaLogOptions {
  const { brokers, topicPrefix, kafkaSecurity } = choice;
  return {
    brokers,
    topicPrefix,
    ...(kafkaSecurity.endsWith('SSL') && { tls: tlsOf(choice) }),
    ...(kafkaSecurity.startsWith('SASL') && { sasl: saslOf(choice, environment) }),
  };
}

function tlsOf({ kafkaCa, kafkaCert, kafkaKey }: KafkaChoice): NonNullable<KafkaLogOptions['tls']> {
  if ((kafkaCert === undefined) !== (kafkaKey === undefined)) {
    throw new TributaryError('TRB_USAGE', 'A certificate for Kafka goes with its key.', {
      hint: 'Give both --kafka-cert and --kafka-key, or neither.',
    });
  }
  return {
    ...(kafkaCa !== undefined && { ca: readPem(kafkaCa, '--kafka-ca') }),
    ...(kafkaCert !== undefined && { cert: readPem(kafkaCert, '--kafka-cert') }),
    ...(kafkaKey !== undefined && { key: readSecretFile(kafkaKey, '--kafka-key') }),
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

function readPem(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TributaryError('TRB_USAGE', `${option}: ${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}
