/** `tributary store migrate`: brings a store to this version's tables, before the services that use them start; `store resume` after a restoration. */
import { Command } from 'commander';
import { type KafkaChoice, toKafkaOptions } from '#services/cli/kafka.ts';
import { kafkaOptions } from '#services/cli/options.ts';
import { storeOptions, type StoreChoice, toStoreOptions } from './options.ts';

export function storeCommand(): Command {
  const store = new Command('store').description('the tables of the archive');
  const migrating = new Command('migrate').description('create or alter the tables; prints the migrations it ran');
  for (const option of storeOptions()) migrating.addOption(option);
  store.addCommand(
    migrating.action(async (options: StoreChoice) => {
      const [{ openStore }, { migrate }] = await Promise.all([import('#libs/store/open.ts'), import('#libs/store/migrate.ts')]);
      const opened = await openStore(toStoreOptions(options));
      try {
        const ran = await migrate(opened);
        process.stdout.write(ran.length === 0 ? 'nothing to change\n' : `${ran.join('\n')}\n`);
      } finally {
        await opened.close();
      }
    }),
  );
  const resuming = new Command('resume').description(
    'after a restoration: let the archive, which must not run meanwhile, go on from what the tables hold; prints what the log no longer has',
  );
  for (const option of [...storeOptions(), ...kafkaOptions()]) resuming.addOption(option);
  store.addCommand(
    resuming.action(async (options: StoreChoice & KafkaChoice) => {
      const [{ openStore }, { openKafkaLog }, { resumeArchive }] = await Promise.all([
        import('#libs/store/open.ts'),
        import('#libs/log/kafka.ts'),
        import('./resume.ts'),
      ]);
      const opened = await openStore(toStoreOptions(options));
      const log = await openKafkaLog({ ...toKafkaOptions(options), clientId: 'tributary-resume' });
      try {
        for (const { topic, partition, from, lost } of await resumeArchive(log, opened))
          process.stdout.write(
            `${topic}/${partition}: from ${from}${lost === 0 ? '' : `; the log no longer has the ${lost} before`}\n`,
          );
      } finally {
        await log.close();
        await opened.close();
      }
    }),
  );
  return store;
}
