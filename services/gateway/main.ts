/** Gateway alone: the page and `/api/status` over Kafka. */
import { Command, Option } from 'commander';
import { serviceOptions, wholeNumber } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

export function gatewayCommand(): Command {
  const command = new Command('gateway')
    .description('the live page and its API, on loopback')
    .addOption(
      new Option('--port <n>', 'of the page; 0 = any free port')
        .env('TRIBUTARY_PORT')
        .argParser(wholeNumber(0, 65_535))
        .default(8787),
    );
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: ServiceOptions & { readonly port: number }) => {
    const [{ runAlone }, { runGateway }] = await Promise.all([import('#services/cli/process.ts'), import('./service.ts')]);
    await runAlone('gateway', options, (context, signal) =>
      runGateway(
        context,
        {
          port: options.port,
          startedAt: performance.timeOrigin,
          listening: (url) => context.logger.info(`the page is at ${url}`),
        },
        signal,
      ),
    );
  });
}
