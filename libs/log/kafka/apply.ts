/** Makes the topics and their settings as TOPIC_SETTINGS says. Running it again changes nothing; it never shrinks or deletes. */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Admin, type DescribeConfigResponse, type ResourceConfigQuery } from 'kafkajs';
import { z } from 'zod';
import { TributaryError } from '../../errors/errors.ts';
import { MAX_KEY_BYTES, MAX_PARTITIONS, MAX_VALUE_BYTES } from '../limits.ts';
import { TOPIC_SETTINGS, TOPICS, type Topic } from '../topics.ts';
import { applyAccess, SERVICE_MARK } from './access.ts';
import { Connection, KafkaOptions } from './connection.ts';
import { isLeaderMoving, toLogError } from './errors.ts';

const DEFAULT_PARTITIONS = 32;
/** Room for the frame around the largest record. */
const OVERHEAD = 1024;
/** Kafka compacts no segment that is still written to, and writes to one until it has 1 GB or is seven days old. */
const COMPACTED_SEGMENTS = { 'segment.bytes': String(64 * 1024 * 1024), 'segment.ms': String(3_600_000) };
/** How often, and every how many ms, it is asked whether the brokers have heard of a change. */
const MOST_LOOKS = 250;
const LOOK_EVERY = 20;

const Options = KafkaOptions.extend({
  partitions: z
    .int()
    .min(1)
    .max(MAX_PARTITIONS)
    .optional()
    .describe(`Partitions of the partitioned topics, fixed when they are made. Default ${DEFAULT_PARTITIONS}, or what ticks has`),
  replicationFactor: z.int().min(1).default(-1).describe('Copies of each partition. Default: the broker’s own default'),
  dryRun: z.boolean().default(false).describe('Only say what would change. Default false'),
  retention: z
    .partialRecord(z.enum(TOPICS), z.number().positive())
    .default({})
    .describe('Milliseconds a record is kept, by topic'),
  aclPrincipal: z
    .string()
    .regex(/^[A-Za-z]+:.*\{service\}/, `a principal such as User:tributary-${SERVICE_MARK}`)
    .optional()
    .describe(
      `Each service's principal, with ${SERVICE_MARK} in the place of its name, to give its rights to. Default: no rights are given`,
    ),
});
type Settings = z.output<typeof Options>;

/** Resolves to what it changed, a line each. `TRB_LOG_PARTITIONS` if an existing topic has another number of partitions. */
export async function applyTopics(options: z.input<typeof Options>): Promise<readonly string[]> {
  const parsed = Options.safeParse(options);
  if (!parsed.success) throw new TributaryError('TRB_LOG_OPTIONS', `Options of the topics: ${z.prettifyError(parsed.error)}`);
  const settings = parsed.data;
  const connection = new Connection(settings);
  const admin = connection.admin();
  try {
    await admin.connect();
    const existing = await existingTopics(admin, connection);
    const partitions = settings.partitions ?? existing.get('ticks')?.partitions ?? DEFAULT_PARTITIONS;
    for (const [topic, found] of existing) refuseOther(topic, found.partitions, wanted(topic, partitions));
    const made = TOPICS.filter((topic) => !existing.has(topic));
    const creations = made.map((topic) => `${topic}: created with ${wanted(topic, partitions)} partitions`);
    if (!settings.dryRun && made.length > 0) {
      await createTopics(admin, connection, made, partitions, settings);
      // How many copies they have may be the brokers' choice, and how many must acknowledge follows from it.
      const created = await existingTopics(admin, connection);
      await Promise.all(made.map((topic) => applyConfig(admin, connection, topic, created.get(topic)?.copies, settings)));
    }
    const changes = await Promise.all(
      [...existing].map(([topic, { copies }]) => applyConfig(admin, connection, topic, copies, settings)),
    );
    const { aclPrincipal, dryRun } = settings;
    const rights = aclPrincipal === undefined ? [] : await applyAccess(admin, connection, aclPrincipal, dryRun);
    return [...creations, ...changes.flat(), ...rights];
  } catch (error) {
    throw toLogError(error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

async function createTopics(
  admin: Admin,
  connection: Connection,
  topics: readonly Topic[],
  partitions: number,
  { replicationFactor, retention }: Settings,
): Promise<void> {
  await admin.createTopics({
    waitForLeaders: false, // kafkajs' own wait ends with an error where the broker has not yet heard of the topic
    topics: topics.map((topic) => ({
      topic: connection.topicName(topic),
      numPartitions: wanted(topic, partitions),
      replicationFactor,
      configEntries: Object.entries(configOf(topic, undefined, retention[topic])).map(([name, value]) => ({ name, value })),
    })),
  });
  const names = topics.map((topic) => connection.topicName(topic));
  for (let look = 1; !(await haveLeaders(admin, names, look === MOST_LOOKS)); look++) await delay(LOOK_EVERY);
}

async function haveLeaders(admin: Admin, names: readonly string[], isLast: boolean): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
    return isLast || topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
  } catch (error) {
    if (isLast || !(isLeaderMoving(error) || toLogError(error).code === 'TRB_LOG_UNKNOWN_TOPIC')) throw error;
    return false;
  }
}

interface Existing {
  readonly partitions: number;
  /** Of each partition. */
  readonly copies: number;
}

async function existingTopics(admin: Admin, connection: Connection): Promise<Map<Topic, Existing>> {
  const names = new Set(await admin.listTopics());
  const existing = TOPICS.filter((topic) => names.has(connection.topicName(topic)));
  if (existing.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: existing.map((topic) => connection.topicName(topic)) });
  return new Map(
    topics.map(({ name, partitions }) => [
      connection.topicOf(name)!,
      { partitions: partitions.length, copies: Math.min(...partitions.map(({ replicas }) => replicas.length)) },
    ]),
  );
}

function wanted(topic: Topic, partitions: number): number {
  return TOPIC_SETTINGS[topic].partitions === 'single' ? 1 : partitions;
}

function refuseOther(topic: Topic, count: number, expected: number): void {
  if (count === expected) return;
  throw new TributaryError('TRB_LOG_PARTITIONS', `${topic} has ${count} partitions, not ${expected}`, {
    hint: 'The number is fixed when the topics are made: another one needs a new generation of them (a new prefix) and a re-fold.',
  });
}

/** With three copies, one broker may be away and whatever is acknowledged still stands on two. */
function configOf(topic: Topic, copies: number | undefined, retention: number | undefined): Record<string, string> {
  const { retentionMs } = TOPIC_SETTINGS[topic];
  const limit = {
    'max.message.bytes': String(MAX_VALUE_BYTES + MAX_KEY_BYTES + OVERHEAD),
    ...(copies !== undefined && copies >= 3 && { 'min.insync.replicas': '2' }),
  };
  if (retentionMs === undefined) return { ...limit, 'cleanup.policy': 'compact', ...COMPACTED_SEGMENTS };
  return { ...limit, 'cleanup.policy': 'delete', 'retention.ms': String(retention ?? retentionMs) };
}

async function applyConfig(
  admin: Admin,
  connection: Connection,
  topic: Topic,
  copies: number | undefined,
  { retention, dryRun }: Settings,
): Promise<string[]> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: connection.topicName(topic) };
  const wantedConfig = configOf(topic, copies, retention[topic]);
  const { entries, changes } = await compare(admin, resource, wantedConfig);
  const lines = changes.map(({ setting, from, to }) => `${topic}: ${setting} ${from ?? 'unset'} -> ${to}`);
  if (changes.length === 0 || dryRun) return lines;
  // The request replaces all settings of the topic, so what an operator set besides goes along.
  const own = entries
    .filter(({ isDefault, readOnly }) => !isDefault && !readOnly)
    .map(({ configName, configValue }) => [configName, configValue]);
  const all = { ...(Object.fromEntries(own) as Record<string, string>), ...wantedConfig };
  const configEntries = Object.entries(all).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] });
  // The controller has it; the brokers hear of it a moment later.
  for (let look = 0; look < MOST_LOOKS; look++) {
    if ((await compare(admin, resource, wantedConfig)).changes.length === 0) break;
    await delay(LOOK_EVERY);
  }
  return lines;
}

interface Comparison {
  readonly entries: DescribeConfigResponse['resources'][number]['configEntries'];
  readonly changes: readonly { readonly setting: string; readonly from: string | undefined; readonly to: string }[];
}

/** What the topic has, and where that is not what is wanted. */
async function compare(
  admin: Admin,
  resource: ResourceConfigQuery,
  wantedConfig: Readonly<Record<string, string>>,
): Promise<Comparison> {
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
  const entries = resources[0]?.configEntries ?? [];
  const current = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  const changes = Object.entries(wantedConfig)
    .map(([setting, to]) => ({ setting, from: current.get(setting), to }))
    .filter(({ from, to }) => from !== to);
  return { entries, changes };
}
