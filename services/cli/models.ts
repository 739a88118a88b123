/** `tributary models`: what the slots hold, and putting a bundle into one. On Kafka; a running `tributary up` keeps its own. */
import { Command, Option } from 'commander';
import { readFile } from 'node:fs/promises';
import { systemClock } from '#libs/clock/clock.ts';
import { TributaryError } from '#libs/errors/errors.ts';
import { type ModelRegistry, SLOTS, type SlotName } from '#libs/registry/registry.ts';
import { names, trustOption } from './options.ts';

interface KafkaOptions {
  readonly brokers: string[];
  readonly topicPrefix: string;
}

interface PublishOptions extends KafkaOptions {
  readonly slot: SlotName;
  readonly reason: string;
  readonly trust: string;
}

export function modelsCommand(): Command {
  const models = new Command('models').description('the bundles in use');
  for (const command of [list(), publish()]) models.addCommand(command);
  return models;
}

function list(): Command {
  return onKafka(new Command('list').description('what every slot holds')).action(async (options: KafkaOptions) => {
    await withRegistry(options, (registry) => {
      for (const { slot, bundleId, effectiveT, actor, reason } of registry.slots()) {
        process.stdout.write(
          `${slot.padEnd(10)} ${bundleId}  from ${new Date(effectiveT).toISOString()}  by ${actor}: ${reason}\n`,
        );
      }
      return Promise.resolve();
    });
  });
}

function publish(): Command {
  return onKafka(
    new Command('publish').description('put a bundle into a slot').argument('<file>', 'bundle, as `tributary train` writes it'),
  )
    .addOption(new Option('--slot <name>', 'where to').choices(SLOTS).default('champion'))
    .addOption(new Option('--reason <text>', 'kept in the log').default('published by hand'))
    .addOption(trustOption())
    .action(async (file: string, options: PublishOptions) => {
      const [{ openBundle }, { trustIn }] = await Promise.all([
        import('#libs/models/signature.ts'),
        import('#libs/registry/operator-key.ts'),
      ]);
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw new TributaryError('TRB_BUNDLE_NOT_FOUND', `There is no bundle at ${file}.`, {
          hint: 'Make one with `tributary train --out FILE`.',
          cause,
        });
      });
      const { id } = openBundle(bytes, trustIn(options.trust)());
      await withRegistry(options, (registry) =>
        registry.publish({
          slot: options.slot,
          bundleId: id,
          bundle: bytes,
          actor: 'operator',
          reason: options.reason,
          now: systemClock.now(),
        }),
      );
      process.stdout.write(`${options.slot} holds ${id}\n`);
    });
}

function onKafka(command: Command): Command {
  return command
    .addOption(
      new Option('--brokers <list>', 'Kafka brokers, host:port').env('KAFKA_BROKERS').argParser(names).makeOptionMandatory(),
    )
    .addOption(
      new Option('--topic-prefix <text>', 'put before the name of every topic').env('TRIBUTARY_TOPIC_PREFIX').default(''),
    );
}

async function withRegistry(options: KafkaOptions, work: (registry: ModelRegistry) => Promise<unknown>): Promise<void> {
  const [{ openKafkaLog }, { ModelRegistry }] = await Promise.all([
    import('#libs/log/kafka.ts'),
    import('#libs/registry/registry.ts'),
  ]);
  const log = await openKafkaLog({ brokers: options.brokers, clientId: 'tributary-models', topicPrefix: options.topicPrefix });
  const reading = new AbortController();
  try {
    await work(await ModelRegistry.open(log, reading.signal, () => undefined));
  } finally {
    reading.abort();
    await log.close();
  }
}
