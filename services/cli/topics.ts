/**
 * `tributary topics apply`: creates what is missing on Kafka and shows the difference; never shrinks anything. `topics backup` and `restore`: copies
 * of the compacted ones. `topics replay`: letters of `dead-letter` once more.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type EventLog } from '#libs/log/port.ts';
import { type Topic, TOPIC_SETTINGS, TOPICS } from '#libs/log/topics.ts';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';
import { kafkaOptions, names, wholeNumber } from './options.ts';

interface ApplyOptions extends KafkaChoice {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly dryRun: boolean;
  readonly aclPrincipal?: string;
}

export function topicsCommand(): Command {
  const topics = new Command('topics').description('the topics of the log on Kafka');
  const apply = topics
    .command('apply')
    .description('create the topics with their settings, and the rights on them; prints what it changes')
    .addOption(
      new Option('--partitions <n>', 'of ticks; fixed for the life of the topic').argParser(wholeNumber(1, 1_024)).default(32),
    )
    .addOption(new Option('--replication-factor <n>', 'copies of each partition').argParser(wholeNumber(1, 15)).default(3))
    .addOption(
      new Option(
        '--acl-principal <template>',
        'give each service, and bots, the rights that its work needs; {service} stands for its name, for instance User:tributary-{service}',
      ).env('KAFKA_ACL_PRINCIPAL'),
    )
    .option('--dry-run', 'show the difference, change nothing', false);
  for (const option of kafkaOptions()) apply.addOption(option);
  apply.action(async ({ partitions, replicationFactor, dryRun, aclPrincipal, ...kafka }: ApplyOptions) => {
    const { applyTopics } = await import('#libs/log/kafka.ts');
    const settings = { partitions, replicationFactor, dryRun, ...(aclPrincipal !== undefined && { aclPrincipal }) };
    const changes = await applyTopics({ ...toKafkaOptions(kafka), clientId: 'tributary-topics', ...settings });
    for (const change of changes) process.stdout.write(`${change}\n`);
    if (changes.length === 0) process.stdout.write('nothing to change\n');
  });
  const backup = topics
    .command('backup')
    .description('copy the newest record of each key of compacted topics into a file')
    .argument('<file>')
    .addOption(
      new Option('--topics <list>', 'which')
        .argParser(compactedTopics)
        .default(['models', 'feature-state'], 'models,feature-state'),
    );
  const restore = topics.command('restore').description('write such a file into topics that are empty').argument('<file>');
  const replay = topics
    .command('replay')
    .description('write what stands in dead-letter once more to ticks, for services that can read it by now; each letter once');
  for (const option of kafkaOptions()) [backup, restore, replay].forEach((command) => command.addOption(option));
  backup.action((file: string, { topics: chosen, ...kafka }: KafkaChoice & { readonly topics: readonly Topic[] }) =>
    onLog(kafka, async (log) => {
      const { backupTopics } = await import('#libs/log/backup.ts');
      process.stdout.write(`${await backupTopics(log, chosen, file)} records written to ${file}\n`);
    }),
  );
  restore.action((file: string, kafka: KafkaChoice) =>
    onLog(kafka, async (log) => {
      const { restoreTopics } = await import('#libs/log/backup.ts');
      process.stdout.write(`${await restoreTopics(log, file)} records restored\n`);
    }),
  );
  replay.action((kafka: KafkaChoice) =>
    onLog(kafka, async (log) => {
      const { replayLetters } = await import('#libs/dead-letter/replay.ts');
      const { replayed, repeated, left } = await replayLetters(log);
      process.stdout.write(`${replayed} ticks written again; letters about the same: ${repeated}, about other topics: ${left}\n`);
    }),
  );
  return topics;
}

async function onLog(choice: KafkaChoice, work: (log: EventLog) => Promise<void>): Promise<void> {
  const { openKafkaLog } = await import('#libs/log/kafka.ts');
  const log = await openKafkaLog({ ...toKafkaOptions(choice), clientId: 'tributary-topics' });
  await work(log).finally(() => log.close());
}

function compactedTopics(text: string): Topic[] {
  const compacted = TOPICS.filter((topic) => TOPIC_SETTINGS[topic].retentionMs === undefined);
  return names(text).map((name) => {
    const topic = compacted.find((each) => each === name);
    if (topic === undefined)
      throw new InvalidArgumentError(`"${name}" is no compacted topic; there are ${compacted.join(', ')}.`);
    return topic;
  });
}
