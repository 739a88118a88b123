/** TLS, SCRAM and the rights of each service, on a real broker that lets nobody in unasked. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs';
import { OPERATOR, passwordOf, type SecureBroker, startSecureBroker } from '#tests/kafka/secure.ts';
import { describeWithKafka } from '#tests/kafka/shared.ts';
import { type Certificates, makeCertificates } from '#tests/tls/certificates.ts';
import { Secret } from '#libs/secrets/secret.ts';
import { applyTopics, openKafkaLog } from '#libs/log/kafka.ts';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic, TOPICS } from '#libs/log/topics.ts';
import { ACCESS } from '#libs/log/kafka/access.ts';

const SERVICES = Object.keys(ACCESS);
const aclPrincipal = 'User:tributary-{service}';

describeWithKafka('a broker that lets nobody in unasked', () => {
  const certificates: Certificates = makeCertificates();
  let broker: SecureBroker;
  let operator: EventLog;
  const logs: EventLog[] = [];
  const openAs = async (service: string): Promise<EventLog> => {
    const log = await openKafkaLog({ ...broker.access(`tributary-${service}`), clientId: `tributary-${service}` });
    logs.push(log);
    return log;
  };
  const apply = (dryRun = false): Promise<readonly string[]> =>
    applyTopics({ ...broker.access(OPERATOR), partitions: 1, replicationFactor: 1, aclPrincipal, dryRun });

  beforeAll(async () => {
    broker = await startSecureBroker(
      certificates,
      SERVICES.map((service) => `tributary-${service}`),
    );
  }, 240_000);
  afterAll(async () => {
    await Promise.all(logs.map((log) => log.close()));
    await broker.stop();
    certificates.remove();
  }, 60_000);

  test('the rights are printed, then given, then there is nothing to give', async () => {
    const planned = await apply(true);
    expect(planned.filter((line) => line.startsWith('access: User:tributary-bots '))).toEqual([
      'access: User:tributary-bots may read topic signals',
      'access: User:tributary-bots may read topic signals-json',
      'access: User:tributary-bots may read group bots',
      'access: User:tributary-bots may idempotent write cluster kafka-cluster',
    ]);
    expect(await apply()).toEqual(planned);
    expect(await apply()).toEqual([]);
    operator = await openKafkaLog(broker.access(OPERATOR, 'scram-sha-256'));
    logs.push(operator);
    await operator.append(TOPICS.map((topic) => ({ topic, key: 'BTC', value: Buffer.from(topic) })));
  });

  test('a bot reads signals and nothing else, and writes nowhere', async () => {
    const bot = await openAs('bots');
    expect(await readAll(bot, 'signals')).toEqual(['signals']);
    expect(await readAll(bot, 'signals-json')).toEqual(['signals-json']);
    for (const topic of TOPICS.filter((each) => each !== 'signals' && each !== 'signals-json')) {
      await expect(readAll(bot, topic)).rejects.toMatchObject({ code: 'TRB_LOG_FORBIDDEN', canRetry: false });
    }
    await expect(bot.append([{ topic: 'signals', key: 'BTC', value: Buffer.from('buy!') }])).rejects.toMatchObject({
      code: 'TRB_LOG_FORBIDDEN',
    });
    expect(await readAll(operator, 'signals')).toEqual(['signals']);
  });

  test('a bot with a client of its own consumes signals in a group that is its own', async () => {
    const { brokers, tls, sasl } = broker.access('tributary-bots');
    const consumer = new Kafka({
      brokers: [...brokers],
      logLevel: logLevel.NOTHING,
      ssl: { ca: tls.ca!, cert: tls.cert!, key: tls.key!.reveal() },
      sasl: { mechanism: 'scram-sha-512', username: sasl.username, password: sasl.password.reveal() },
    }).consumer({ groupId: 'bots', maxWaitTimeInMs: 100 });
    await consumer.connect();
    try {
      await consumer.subscribe({ topics: ['signals'], fromBeginning: true });
      const seen = new Promise<string>((resolve) => {
        const eachMessage = ({ message }: EachMessagePayload): Promise<void> => {
          resolve(message.value!.toString());
          return Promise.resolve();
        };
        void consumer.run({ eachMessage });
      });
      expect(await seen).toBe('signals');
    } finally {
      await consumer.disconnect();
    }
  });

  test.each(SERVICES.filter((service) => service !== 'bots'))(
    '%s may do what its work needs, and no more',
    async (service) => {
      const { reads = [], writes = [], groups = [] } = ACCESS[service]!;
      const log = await openAs(service);
      for (const topic of reads) expect((await readAll(log, topic)).length).toBeGreaterThan(0);
      const outputs = writes.map((topic) => ({ topic, key: 'BTC', value: Buffer.from('out') }));
      if (outputs.length > 0) await log.append(outputs);
      for (const group of groups) {
        await log.commit({ group, topic: reads[0]!, partition: 0, offset: 1, outputs });
        while ((await log.committed(group, reads[0]!, 0)) !== 1) await delay(20); // until the broker has marked the transaction's end
      }
      for (const topic of TOPICS.filter((each) => !writes.includes(each))) {
        const append = log.append([{ topic, key: 'BTC', value: Buffer.from('x') }]);
        await expect(append).rejects.toMatchObject({ code: 'TRB_LOG_FORBIDDEN' });
      }
      const other = groups.includes('features') ? 'archive' : 'features';
      // kafkajs does not pass on why it finds no coordinator: the code says that it was not done, the operator sees that it was not.
      await expect(log.commit({ group: other, topic: 'ticks', partition: 0, offset: 9, outputs: [] })).rejects.toMatchObject({
        code: expect.stringMatching(/^TRB_LOG_(FORBIDDEN|UNAVAILABLE)$/),
      });
      expect(await operator.committed(other, 'ticks', 0)).not.toBe(9);
    },
    60_000,
  );

  describe('a wrong', () => {
    test('password is said to be one, and is told to nobody', async () => {
      const access = broker.access('tributary-bots');
      const password = new Secret('a-wrong-password');
      const refused = await openKafkaLog({ ...access, sasl: { ...access.sasl, password } }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'TRB_LOG_AUTHENTICATION', canRetry: false });
      const said = inspect(refused, { depth: 20, showHidden: true }) + JSON.stringify(refused);
      for (const secret of ['a-wrong-password', passwordOf('tributary-bots'), 'PRIVATE KEY']) expect(said).not.toContain(secret);
    });

    test('authority, a client without its certificate, and one of a stranger are refused', async () => {
      const access = broker.access(OPERATOR);
      const stranger = certificates.read('stranger-ca.pem');
      for (const tls of [
        { ...access.tls, ca: stranger },
        { ca: access.tls.ca! },
        { ca: access.tls.ca!, cert: certificates.read('stranger.pem'), key: new Secret(certificates.read('stranger.key')) },
      ]) {
        await expect(openKafkaLog({ ...access, tls })).rejects.toMatchObject({ code: 'TRB_LOG_TLS', canRetry: false });
      }
    });
  });
});

async function readAll(log: EventLog, topic: Topic): Promise<string[]> {
  const values: string[] = [];
  for await (const { records } of log.read(topic, 0)) values.push(...records.map(({ value }) => Buffer.from(value).toString()));
  return values;
}
