/** Ingest alone: one venue into Kafka. */
import { Command, Option } from 'commander';
import { serviceOptions, symbolsOption } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';
import { VENUES } from './venues/registry.ts';

interface IngestCommandOptions extends ServiceOptions {
  readonly venue: string;
  readonly symbols: string[];
  readonly wsUrl?: string;
  readonly restUrl?: string;
  readonly capture?: string;
}

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .description("one venue's live order flow into the log")
    .addOption(
      new Option('--venue <name>', 'where from').env('TRIBUTARY_VENUE').choices(Object.keys(VENUES)).makeOptionMandatory(),
    )
    .addOption(symbolsOption())
    .addOption(new Option('--ws-url <url>', "the venue's WebSocket; default the public one").env('TRIBUTARY_WS_URL'))
    .addOption(new Option('--rest-url <url>', "the venue's REST API; default the public one").env('TRIBUTARY_REST_URL'))
    .addOption(new Option('--capture <file>', 'append raw frames to this file').env('TRIBUTARY_CAPTURE'));
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: IngestCommandOptions) => {
    const [{ runAlone }, { runIngest }] = await Promise.all([import('#services/cli/process.ts'), import('./service.ts')]);
    const { venue, symbols: instruments, wsUrl, restUrl, capture } = options;
    const known = VENUES[venue]!.endpoints;
    const endpoints = { ws: wsUrl ?? known.ws, rest: restUrl ?? known.rest };
    const captureFile = capture === undefined ? {} : { captureFile: capture };
    await runAlone(`ingest-${venue}`, options, (context, signal) =>
      runIngest(context, { venue, instruments, endpoints, ...captureFile }, signal),
    );
  });
}
