/** `tributary topics apply`: creates what is missing on Kafka and shows the difference; never shrinks anything. */
import { Command, Option } from 'commander';
import { names, wholeNumber } from './options.ts';

interface ApplyOptions {
  readonly brokers: string[];
  readonly topicPrefix: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly dryRun: boolean;
}

export function topicsCommand(): Command {
  const topics = new Command('topics').description('the topics of the log on Kafka');
  topics
    .command('apply')
    .description('create the topics with their settings; prints what it changes')
    .addOption(
      new Option('--brokers <list>', 'Kafka brokers, host:port').env('KAFKA_BROKERS').argParser(names).makeOptionMandatory(),
    )
    .addOption(
      new Option('--topic-prefix <text>', 'put before the name of every topic').env('TRIBUTARY_TOPIC_PREFIX').default(''),
    )
    .addOption(
      new Option('--partitions <n>', 'of ticks; fixed for the life of the topic').argParser(wholeNumber(1, 1_024)).default(32),
    )
    .addOption(new Option('--replication-factor <n>', 'copies of each partition').argParser(wholeNumber(1, 15)).default(3))
    .option('--dry-run', 'show the difference, change nothing', false)
    .action(async (options: ApplyOptions) => {
      const { applyTopics } = await import('#libs/log/kafka.ts');
      const changes = await applyTopics(options);
      for (const change of changes) process.stdout.write(`${change}\n`);
      if (changes.length === 0) process.stdout.write('nothing to change\n');
    });
  return topics;
}
