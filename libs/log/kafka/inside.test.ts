/** What is mended of kafkajs, each alone; what it is for is shown by the contract and by the delivery suite. */
import { expect, test } from '@jest/globals';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import KafkaRunner from 'kafkajs/src/consumer/runner.js';
import ConnectionPool, { type Pool } from 'kafkajs/src/network/connectionPool.js';
import { mendKafkajs } from './inside.ts';

mendKafkajs();

test('an answer to a fetch that was asked before a seek is not handed out, of other partitions it is', async () => {
  type Runner = (typeof KafkaRunner)['prototype'];
  type Group = (typeof ConsumerGroup)['prototype'];
  let answer: (batches: readonly object[]) => void = () => undefined;
  const group = Object.assign(Object.create(ConsumerGroup.prototype) as Group, {
    seekOffset: new Map(),
    fetch: () => new Promise<readonly object[]>((resolve) => (answer = resolve)),
  });
  const runner = Object.assign(Object.create(KafkaRunner.prototype) as Runner, {
    running: true,
    consumerGroup: group,
    instrumentationEmitter: { emit: () => undefined },
  });
  const [sought, other] = [
    { topic: 'ticks', partition: 0 },
    { topic: 'ticks', partition: 1 },
  ];
  const early = runner.fetch('1');
  group.seek({ ...sought, offset: '7' });
  answer([sought, other]);
  expect(await early).toEqual([other]);
  const late = runner.fetch('1');
  answer([sought, other]);
  expect(await late).toEqual([sought, other]);
});

test('two requests that find a connection closed open it once', async () => {
  let [isOpen, opened] = [false, 0];
  const connection = {
    isConnected: () => isOpen,
    connect: async (): Promise<void> => {
      opened++;
      await Promise.resolve();
      isOpen = true;
    },
  };
  const pool = Object.assign(Object.create(ConnectionPool.prototype) as Pool, { pool: [connection] });
  const given = await Promise.all([pool.getConnection(), pool.getConnection()]);
  expect(given).toEqual([connection, connection]);
  expect(opened).toBe(1);
});
