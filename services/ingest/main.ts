/** Ingest alone: one venue, or several, into Kafka. */
import { Command, Option } from 'commander';
import { duration, serviceOptions, symbolsOption, venues } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';
import { instrumentsAt, VENUES } from './venues/registry.ts';

interface IngestCommandOptions extends ServiceOptions {
  readonly venue?: string;
  readonly venues?: string[];
  readonly symbols: string[];
  readonly wsUrl?: string;
  readonly restUrl?: string;
  readonly capture?: string;
  readonly rotateAfter?: number;
}

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .description("the venues' live order flow into the log")
    .addOption(new Option('--venue <name>', 'where from').env('TRIBUTARY_VENUE').choices(Object.keys(VENUES)))
    .addOption(new Option('--venues <list>', 'several in one process, in place of --venue').argParser(venues).conflicts('venue'))
    .addOption(symbolsOption())
    .addOption(new Option('--ws-url <url>', "the venue's WebSocket; default the public one").env('TRIBUTARY_WS_URL'))
    .addOption(new Option('--rest-url <url>', "the venue's REST API; default the public one").env('TRIBUTARY_REST_URL'))
    .addOption(new Option('--capture <file>', 'append raw frames to this file').env('TRIBUTARY_CAPTURE'))
    .addOption(
      new Option(
        '--rotate-after <time>',
        'age at which a connection is replaced by a new one, without a hole, for instance 12h; 0h = never; default: before the venue ends it, where it does',
      )
        .env('TRIBUTARY_ROTATE_AFTER')
        .argParser(duration),
    );
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: IngestCommandOptions) => {
    const chosen = options.venues ?? (options.venue === undefined ? [] : [options.venue]);
    const one = chosen.length === 1 ? chosen[0] : undefined;
    if (chosen.length === 0) command.error("error: required option '--venue <name>' not specified");
    if (one === undefined && (options.wsUrl ?? options.restUrl ?? options.capture) !== undefined) {
      command.error('error: --ws-url, --rest-url and --capture are for one venue alone');
    }
    const [{ runAlone }, { runIngest }, { runEach }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('./several.ts'),
    ]);
    const { symbols, wsUrl, restUrl, capture, rotateAfter: rotateMs } = options;
    const captureFile = capture === undefined ? {} : { captureFile: capture };
    await runAlone(`ingest-${one ?? 'venues'}`, options, (context, signal) => {
      if (one === undefined) return runEach(context, { venues: chosen, symbols, rotateMs }, signal);
      const known = VENUES[one]!.endpoints;
      const endpoints = { ws: wsUrl ?? known.ws, rest: restUrl ?? known.rest };
      const instruments = instrumentsAt(one, symbols);
      return runIngest(context, { venue: one, instruments, endpoints, rotateMs, ...captureFile }, signal);
    });
  });
}
