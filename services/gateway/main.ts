/** Gateway alone: the page and `/api/status` over Kafka. */
import { Command, Option } from 'commander';
import { type AccessChoice, toAccess } from '#services/cli/access.ts';
import { type Lane } from '#libs/market/horizon.ts';
import { accessOptions, lanesOption, names, serviceOptions, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

interface GatewayCommandOptions extends ServiceOptions, AccessChoice {
  readonly lanes: readonly Lane[];
  readonly port: number;
  readonly host: string;
  readonly hostNames?: readonly string[];
}

export function gatewayCommand(): Command {
  const command = new Command('gateway')
    .description('the live page and its API')
    .addOption(lanesOption())
    .addOption(
      new Option('--port <n>', 'of the page; 0 = any free port')
        .env('TRIBUTARY_PORT')
        .argParser(wholeNumber(0, 65_535))
        .default(8787),
    )
    .addOption(new Option('--host <address>', 'where the page listens').env('TRIBUTARY_HOST').default('127.0.0.1'))
    .addOption(
      new Option('--host-names <list>', 'names by which browsers may ask for the page, beside localhost')
        .env('TRIBUTARY_HOST_NAMES')
        .argParser(names),
    );
  for (const option of [...accessOptions(), ...serviceOptions()]) command.addOption(option);
  return command.action(async (options: GatewayCommandOptions) => {
    const [{ runAlone }, { runGateway }] = await Promise.all([import('#services/cli/process.ts'), import('./service.ts')]);
    const access = toAccess(options);
    await runAlone('gateway', options, (context, signal) =>
      runGateway(
        context,
        {
          lanes: options.lanes,
          port: options.port,
          host: options.host,
          hostNames: options.hostNames ?? [],
          access,
          startedAt: performance.timeOrigin,
          listening: (url) => context.logger.info(`the page is at ${url}`),
        },
        signal,
      ),
    );
  });
}
