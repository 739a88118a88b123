/** `tributary context`: the service alone, on Kafka; `context list` prints every source, what it costs and allows. */
import { Command } from 'commander';
import { parseInstrument } from '#libs/market/instrument.ts';
import { contextFilesOption, contextSourcesOption, serviceOptions, symbolsOption } from '#services/cli/options.ts';
import { type ServiceOptions } from '#services/cli/process.ts';

interface Options extends ServiceOptions {
  readonly symbols: readonly string[];
  readonly contextSources: readonly string[];
  readonly contextFiles: Readonly<Record<string, string>>;
}

export function contextCommand(): Command {
  return new Command('context')
    .description('values of sources outside the venues into the log')
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(listCommand());
}

/** A command of its own, for what it requires (a broker) is not required of its sibling. */
function runCommand(): Command {
  const command = new Command('run')
    .description('run the service (default); a second one stands by')
    .addOption(symbolsOption())
    .addOption(contextSourcesOption())
    .addOption(contextFilesOption());
  for (const option of serviceOptions()) command.addOption(option);
  return command.action(async (options: Options) => {
    const [{ runAlone }, { runContext }, { chooseSources }, { SOURCES }] = await Promise.all([
      import('#services/cli/process.ts'),
      import('./service.ts'),
      import('./choose.ts'),
      import('./sources/registry.ts'),
    ]);
    const { symbols, contextSources, contextFiles: files } = options;
    const sources = chooseSources(SOURCES, contextSources);
    await runAlone('context', options, (context, signal) =>
      runContext(context, { sources, assets: assetsOf(symbols), environment: process.env, files }, signal),
    );
  });
}

function listCommand(): Command {
  return new Command('list')
    .description('print every source: polls, requests, plan, key, terms')
    .option('--json', 'as JSON: one object per source')
    .option('--markdown', 'as docs/costs.md')
    .addOption(symbolsOption())
    .action(async ({ json, markdown, symbols }: { json?: boolean; markdown?: boolean; symbols: readonly string[] }) => {
      const { costsPage, costsText, sourceCosts } = await import('./costs.ts');
      const costs = sourceCosts(assetsOf(symbols));
      if (json === true) process.stdout.write(`${JSON.stringify(costs, undefined, 2)}\n`);
      else process.stdout.write(markdown === true ? costsPage(costs) : costsText(costs));
    });
}

/** `BTC-USD`, `BTC-EUR`, `ETH-USD` -> BTC, ETH. */
export function assetsOf(symbols: readonly string[]): string[] {
  return [...new Set(symbols.map((symbol) => parseInstrument(symbol).base))];
}
