/** `tributary parity`: the check as a command, for a nightly job. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { TributaryError } from '#libs/errors/errors.ts';
import { serviceOptions, trustOption } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

interface ParityCommandOptions extends ServiceOptions {
  readonly trust: string;
  readonly sample: number;
}

export function parityCommand(): Command {
  const command = new Command('parity')
    .description('make what was published since the last check once more from the log, and say what differs')
    .addOption(trustOption())
    .addOption(
      new Option('--sample <share>', 'of the decisions that are made again; vectors are all')
        .env('TRIBUTARY_PARITY_SAMPLE')
        .argParser(share)
        .default(0.2),
    );
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async ({ trust, sample, ...options }: ParityCommandOptions) => {
    const [{ runAlone }, { checkParity }, { trustIn }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./check.ts'),
      import('#libs/registry/operator-key.ts'),
    ]);
    await runAlone('parity', options, async (context, signal) => {
      const reports = await checkParity(context, { trust: trustIn(trust), sample }, signal);
      if (reports.length === 0)
        process.stdout.write('nothing to compare with yet: the states of now are put aside for the next check\n');
      for (const each of reports) {
        const [vectors, signals] = [each.vectorMismatches, each.signalMismatches];
        process.stdout.write(
          `partition ${each.partition}: ${vectors} of ${each.vectors} vectors and ${signals} of ${each.signals} signals differ` +
            `${each.restarted ? ', until features began anew' : ''}${each.findings.map((finding) => `\n  ${finding}`).join('')}\n`,
        );
      }
      const differing = reports.reduce(
        (sum, { vectorMismatches, signalMismatches }) => sum + vectorMismatches + signalMismatches,
        0,
      );
      if (differing > 0) {
        throw new TributaryError('TRB_PARITY', `${differing} vectors and signals differ from what the log says they must be.`, {
          hint: 'docs/runbooks/ParityBroken.md says what to look at.',
        });
      }
    });
  });
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('Write a share from 0 to 1.');
  return value;
}
