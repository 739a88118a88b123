/** Evaluation alone, on Kafka. */
import { Command, Option } from 'commander';
import { serviceOptions, snapshotEveryOption, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

export function evaluationCommand(): Command {
  const command = new Command('evaluation')
    .description('settle every decision once its horizon has passed, and keep the live accuracy')
    .addOption(
      new Option('--grace-ms <n>', 'how long late trades are waited for, milliseconds')
        .env('TRIBUTARY_GRACE_MS')
        .argParser(wholeNumber(0, 60_000))
        .default(2_000),
    )
    .addOption(snapshotEveryOption());
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: ServiceOptions & { readonly graceMs: number; readonly snapshotEveryMs: number }) => {
    const [{ runAlone }, { runEvaluation }] = await Promise.all([import('#services/cli/process.ts'), import('./service.ts')]);
    const { graceMs, snapshotEveryMs } = options;
    await runAlone('evaluation', options, (context, signal) => runEvaluation(context, { graceMs, snapshotEveryMs }, signal));
  });
}
