/** Archive alone: Kafka to a ClickHouse server, or to an embedded ClickHouse in a directory. */
import { Command, Option } from 'commander';
import { serviceOptions, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';
import { storeOptions, type StoreChoice, toStoreOptions } from './options.ts';

export function archiveCommand(): Command {
  const command = new Command('archive')
    .description('write every record of the log into ClickHouse')
    .addOption(
      new Option('--batch-rows <n>', 'most rows of one insert')
        .env('TRIBUTARY_BATCH_ROWS')
        .argParser(wholeNumber(1, 100_000))
        .default(10_000),
    )
    .addOption(
      new Option('--flush-ms <n>', 'between two inserts of one partition, milliseconds')
        .env('TRIBUTARY_FLUSH_MS')
        .argParser(wholeNumber(0, 60_000))
        .default(1000),
    );
  for (const option of [...storeOptions(), ...serviceOptions()]) command.addOption(option);
  return command.action(
    async (options: ServiceOptions & StoreChoice & { readonly batchRows: number; readonly flushMs: number }) => {
      const [{ runAlone }, { runArchive }, { openStore }] = await Promise.all([
        import('#services/cli/process.ts'),
        import('./service.ts'),
        import('#libs/store/open.ts'),
      ]);
      const { batchRows, flushMs } = options;
      const store = await openStore(toStoreOptions(options));
      try {
        await runAlone('archive', options, (context, signal) => runArchive(context, { store, batchRows, flushMs }, signal));
      } finally {
        await store.close();
      }
    },
  );
}
