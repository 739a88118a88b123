/** `tributary store migrate`: brings a store to this version's tables, before the services that use them start. */
import { Command } from 'commander';
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
  return store;
}
