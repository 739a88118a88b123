/** What is mended of kafkajs, each alone; what it is for is shown by the contract and by the delivery suite. */
import { beforeEach, expect, jest, test } from '@jest/globals';
import KafkaBroker from 'kafkajs/src/broker/index.js';
import KafkaCluster from 'kafkajs/src/cluster/index.js';
import ConsumerGroup from 'kafkajs/src/consumer/consumerGroup.js';
import KafkaRunner from 'kafkajs/src/consumer/runner.js';
import ConnectionPool, { type Pool } from 'kafkajs/src/network/connectionPool.js';
import { mendKafkajs, namingAll } from './inside.ts';

type Broker = (typeof KafkaBroker)['prototype'];
const broker = (isConnected: () => boolean): Broker =>
  Object.assign(Object.create(KafkaBroker.prototype) as Broker, { isConnected });
/** What kafkajs would send, in place before it is mended. */
const sent = {
  addPartitionsToTxn: jest.fn<Broker['addPartitionsToTxn']>(),
  endTxn: jest.fn<Broker['endTxn']>(),
  findGroupCoordinator: jest.fn<(typeof KafkaCluster)['prototype']['findGroupCoordinator']>(),
};
const { addPartitionsToTxn, endTxn, findGroupCoordinator } = sent;
Object.assign(KafkaBroker.prototype, { addPartitionsToTxn, endTxn });
Object.assign(KafkaCluster.prototype, { findGroupCoordinator });
mendKafkajs();

beforeEach(() => {
  for (const method of Object.values(sent)) method.mockReset();
});

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

test('all partitions of a transaction are named at once, again after a refusal, and by nobody else', async () => {
  const coordinator = broker(() => true);
  const transactionalId = 'inference/features/1';
  const request = (topic: string, partition: number) => ({ transactionalId, topics: [{ topic, partitions: [partition] }] });
  const parts = [
    { name: 'signals', partition: 1 },
    { name: 'shadow', partition: 1 },
    { name: 'signals', partition: 2 },
  ];
  const all = {
    transactionalId,
    topics: [
      { topic: 'signals', partitions: [1, 2] },
      { topic: 'shadow', partitions: [1] },
    ],
  };
  addPartitionsToTxn.mockRejectedValueOnce(new Error('busy')).mockResolvedValue(undefined);
  await namingAll(parts, async () => {
    const name = ({ name: topic, partition }: (typeof parts)[number]): Promise<unknown> =>
      coordinator.addPartitionsToTxn(request(topic, partition));
    const refused = await Promise.allSettled(parts.map(name));
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await Promise.all(parts.map(name));
  });
  expect(addPartitionsToTxn.mock.calls).toEqual([[all], [all]]);
  await coordinator.addPartitionsToTxn(request('models', 0));
  expect(addPartitionsToTxn).toHaveBeenLastCalledWith(request('models', 0));
});

test('a transaction’s coordinator is asked for again when it is not connected or has refused a step, and not before', async () => {
  let isConnected = true;
  const [first, second] = [broker(() => isConnected), broker(() => true)];
  const cluster = Object.create(KafkaCluster.prototype) as (typeof KafkaCluster)['prototype'];
  const find = (coordinatorType?: number): Promise<object> =>
    cluster.findGroupCoordinator({ groupId: 'features/ticks/0', ...(coordinatorType !== undefined && { coordinatorType }) });
  findGroupCoordinator.mockResolvedValueOnce(first).mockResolvedValue(second);
  expect([await find(1), await find(1)]).toEqual([first, first]);
  expect(findGroupCoordinator).toHaveBeenCalledTimes(1);
  isConnected = false;
  expect([await find(1), await find(1)]).toEqual([second, second]);
  expect(findGroupCoordinator).toHaveBeenCalledTimes(2);
  endTxn.mockRejectedValueOnce(new Error('not the coordinator'));
  await expect(second.endTxn({ transactionalId: 'features/ticks/0' })).rejects.toThrow('not the coordinator');
  await find(1);
  expect(findGroupCoordinator).toHaveBeenCalledTimes(3);
  // Of the group, and a consumer's question, which leaves the type out.
  await Promise.all([find(0), find(), find()]);
  expect(findGroupCoordinator).toHaveBeenCalledTimes(6);
});

test('the end of a transaction is said to whoever coordinates it now, and what is not for want of a coordinator is said as it is', async () => {
  const [before, after] = [broker(() => true), broker(() => true)];
  const cluster = Object.create(KafkaCluster.prototype) as (typeof KafkaCluster)['prototype'];
  const request = { transactionalId: 'features/ticks/0' };
  findGroupCoordinator.mockResolvedValueOnce(before).mockResolvedValue(after);
  await cluster.findGroupCoordinator({ groupId: request.transactionalId, coordinatorType: 1 });
  const refusal = (type: string): Error => Object.assign(new Error(type), { type });
  endTxn
    .mockRejectedValueOnce(refusal('NOT_COORDINATOR_FOR_GROUP'))
    .mockRejectedValueOnce(refusal('GROUP_LOAD_IN_PROGRESS'))
    .mockResolvedValueOnce(undefined)
    .mockRejectedValueOnce(refusal('PRODUCER_FENCED'));
  await before.endTxn(request);
  expect(endTxn.mock.contexts).toEqual([before, after, after]);
  await expect(after.endTxn(request)).rejects.toThrow('PRODUCER_FENCED');
  expect(endTxn).toHaveBeenCalledTimes(4);
});
