import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';

const choice: KafkaChoice = {
  brokers: ['kafka:9092'],
  topicPrefix: '',
  kafkaSecurity: 'PLAINTEXT',
  kafkaSaslMechanism: 'SCRAM-SHA-512',
  kafkaCompression: 'none',
};

test('asks for no password and no certificate where the listener wants none', () => {
  expect(toKafkaOptions(choice, { KAFKA_PASSWORD: 'x' })).toEqual({
    brokers: ['kafka:9092'],
    topicPrefix: '',
    compression: 'none',
  });
});

test('reads certificates, key and password from files, and shows neither key nor password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-kafka-options-'));
  try {
    const file = (name: string): string => {
      writeFileSync(join(folder, name), `text of ${name}\n`);
      return join(folder, name);
    };
    const options = toKafkaOptions(
      {
        ...choice,
        kafkaSecurity: 'SASL_SSL',
        kafkaSaslMechanism: 'SCRAM-SHA-256',
        kafkaUsername: 'tributary-ingest',
        kafkaCa: file('ca.pem'),
        kafkaCert: file('cert.pem'),
        kafkaKey: file('key.pem'),
      },
      { KAFKA_PASSWORD_FILE: file('password') },
    );
    expect(options).toMatchObject({
      tls: { ca: 'text of ca.pem\n', cert: 'text of cert.pem\n' },
      sasl: { mechanism: 'scram-sha-256', username: 'tributary-ingest' },
    });
    expect(options.tls?.key?.reveal()).toBe('text of key.pem\n');
    expect(options.sasl?.password.reveal()).toBe('text of password');
    const shown = JSON.stringify(options) + inspect(options, { depth: 9 });
    expect(shown).not.toContain('text of password');
    expect(shown).not.toContain('text of key.pem');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each<[string, Partial<KafkaChoice>, Readonly<Record<string, string>>, string]>([
  ['SASL without a password', { kafkaSecurity: 'SASL_SSL', kafkaUsername: 'a' }, {}, 'TRB_USAGE'],
  ['SASL without a user', { kafkaSecurity: 'SASL_PLAINTEXT' }, { KAFKA_PASSWORD: 'x' }, 'TRB_USAGE'],
  ['a certificate without its key', { kafkaSecurity: 'SSL', kafkaCert: '/a' }, {}, 'TRB_USAGE'],
  ['an authority that is not there', { kafkaSecurity: 'SSL', kafkaCa: '/nowhere/ca.pem' }, {}, 'TRB_USAGE'],
  [
    'a password file that is not there',
    { kafkaSecurity: 'SASL_SSL', kafkaUsername: 'a' },
    { KAFKA_PASSWORD_FILE: '/nowhere' },
    'TRB_SECRET',
  ],
])('%s is an error that says what to give', (_name, given, environment, code) => {
  expect(() => toKafkaOptions({ ...choice, ...given }, environment)).toThrow(expect.objectContaining({ code }));
});
