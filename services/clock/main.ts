/** The clock alone, on Kafka; a second one stands by. */
import { Command } from 'commander';
import { serviceOptions } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

export function clockCommand(): Command {
  const command = new Command('clock').description('write the clock events by which time advances; a second one stands by');
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: ServiceOptions) => {
    const [{ runAlone }, { runClock }, { watchVenueSkew }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('./venue-skew.ts'),
    ]);
    await runAlone('clock', options, (context, signal) => {
      // Simulated venues keep this machine's time.
      const skew =
        options.source === 'live' ? watchVenueSkew({ coinbase: undefined, kraken: undefined }, context, signal) : () => undefined;
      return runClock(context, { skew }, signal);
    });
  });
}
