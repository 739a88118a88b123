/** `tributary topics apply`: creates what is missing on Kafka and shows the difference; never shrinks anything. */
import { Command, Option } from 'commander';
import { type KafkaChoice, toKafkaOptions } from './kafka.ts';
import { kafkaOptions, wholeNumber } from './options.ts';

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
  return topics;
}
