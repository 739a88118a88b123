/** Paper trading alone, on Kafka. */
import { Command } from 'commander';
import { serviceOptions } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';
import { type PaperChoice, paperOptions, toPaperOptions } from './options.ts';

export function paperCommand(): Command {
  const command = new Command('paper').description('follow every signal on paper, with what trading costs, within limits');
  for (const option of [...paperOptions(), ...serviceOptions()]) command.addOption(option);
  return command.action(async (options: ServiceOptions & PaperChoice) => {
    const [{ runAlone }, { runPaper }] = await Promise.all([import('#services/cli/process.ts'), import('./service.ts')]);
    await runAlone('paper', options, (context, signal) => runPaper(context, toPaperOptions(options), signal));
  });
}
