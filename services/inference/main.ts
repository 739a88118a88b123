/** Inference alone, on Kafka. */
import { Command, Option } from 'commander';
import { systemClock } from '#libs/clock/clock.ts';
import { type AccessChoice, toAccess } from '#services/cli/access.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { accessOptions, duration, lanesOption, serviceOptions, trustOption, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';
import { CADENCE_MS } from './window.ts';

interface InferenceCommandOptions extends ServiceOptions, AccessChoice {
  readonly lanes: readonly Lane[];
  readonly grpcPort: number;
  readonly grpcHost: string;
  readonly modelWaitMs: number;
  readonly maxModelAge: number;
  readonly trust: string;
}

export function inferenceCommand(): Command {
  const command = new Command('inference')
    .description('score each vector with the serving model and publish signals; SignalService over gRPC')
    .addOption(
      new Option('--grpc-port <n>', 'of SignalService; 0 = any free port')
        .env('TRIBUTARY_GRPC_PORT')
        .argParser(wholeNumber(0, 65_535))
        .default(50_051),
    )
    .addOption(new Option('--grpc-host <address>', 'where SignalService listens').env('TRIBUTARY_GRPC_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--model-wait-ms <n>', 'how long after the start vectors wait for the first bundle, milliseconds')
        .env('TRIBUTARY_MODEL_WAIT_MS')
        .argParser(wholeNumber(0, 3_600_000))
        .default(75_000),
    )
    .addOption(
      new Option(
        '--max-model-age <time>',
        'since the end of its training data, after which a bundle leaves the decision to the fallback',
      )
        .env('TRIBUTARY_MAX_MODEL_AGE')
        .argParser(duration)
        .default(14 * 86_400_000, '14d'),
    )
    .addOption(lanesOption())
    .addOption(trustOption());
  for (const option of [...accessOptions(), ...serviceOptions()]) command.addOption(option);
  return command.action(async (options: InferenceCommandOptions) => {
    const [{ runAlone }, { runInference }, { trustIn }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('#libs/registry/operator-key.ts'),
    ]);
    const { lanes, grpcPort, grpcHost, modelWaitMs, maxModelAge: maxModelAgeMs } = options;
    const access = toAccess(options);
    // Vectors of history fill the windows; the newest one is the first that is decided on.
    const historyFrom = Math.floor(systemClock.now() / CADENCE_MS) * CADENCE_MS - CADENCE_MS;
    await runAlone('inference', options, (context, signal) =>
      runInference(
        context,
        {
          trust: trustIn(options.trust),
          lanes,
          grpcPort,
          grpcHost,
          access,
          modelWaitMs,
          maxModelAgeMs,
          historyFrom,
          json: true,
          listening: (address) => context.logger.info({ address }, 'SignalService listens'),
        },
        signal,
      ),
    );
  });
}
