/** Rollout alone, on Kafka. */
import { Command, Option } from 'commander';
import { DEFAULT_ROLLOUT } from '#libs/registry/rollout.ts';
import { duration, fraction, serviceOptions, trustOption } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

interface RolloutCommandOptions extends ServiceOptions {
  readonly alpha: number;
  readonly block: number;
  readonly floor: number;
  readonly floorAlpha: number;
  readonly maxModelAge: number;
  readonly aim: number;
  readonly trust: string;
}

export function rolloutCommand(): Command {
  const command = new Command('rollout')
    .description(
      'promote a challenger that is better, in steps; roll a champion back that falls below the floor or is too old; in both lanes',
    )
    .addOption(
      new Option('--alpha <share>', 'most challengers promoted of those that are no better')
        .env('TRIBUTARY_ROLLOUT_ALPHA')
        .argParser(fraction)
        .default(DEFAULT_ROLLOUT.alpha),
    )
    .addOption(
      new Option('--block <time>', 'within which outcomes may depend on each other in any way')
        .env('TRIBUTARY_ROLLOUT_BLOCK')
        .argParser(duration)
        .default(DEFAULT_ROLLOUT.blockMs, '4h'),
    )
    .addOption(
      new Option('--floor <share>', 'least accuracy of what is said, on moves')
        .env('TRIBUTARY_ROLLOUT_FLOOR')
        .argParser(fraction)
        .default(DEFAULT_ROLLOUT.floor),
    )
    .addOption(
      new Option('--floor-alpha <share>', 'most rolled back of those that are as accurate as the floor')
        .env('TRIBUTARY_ROLLOUT_FLOOR_ALPHA')
        .argParser(fraction)
        .default(DEFAULT_ROLLOUT.floorAlpha),
    )
    .addOption(
      new Option('--max-model-age <time>', 'since the end of its training data, after which a champion is rolled back')
        .env('TRIBUTARY_MAX_MODEL_AGE')
        .argParser(duration)
        .default(DEFAULT_ROLLOUT.maxModelAgeMs, '14d'),
    )
    .addOption(
      new Option(
        '--aim <share>',
        'accuracy on moves that the last signal above a threshold is to have: thresholds move towards it',
      )
        .env('TRIBUTARY_ROLLOUT_AIM')
        .argParser(fraction)
        .default(DEFAULT_ROLLOUT.aim),
    )
    .addOption(trustOption());
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: RolloutCommandOptions) => {
    const [{ runAlone }, { runRollout }, { trustIn }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('#libs/registry/operator-key.ts'),
    ]);
    const { alpha, block: blockMs, floor, floorAlpha, maxModelAge: maxModelAgeMs, aim } = options;
    await runAlone('rollout', options, (context, signal) =>
      runRollout(context, { alpha, blockMs, floor, floorAlpha, maxModelAgeMs, aim, trust: trustIn(options.trust) }, signal),
    );
  });
}
