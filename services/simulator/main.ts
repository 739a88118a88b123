/** `tributary simulator`: both venues on loopback, until Ctrl-C. */
import { once } from 'node:events';
import { Command, Option } from 'commander';
import { instant } from '#services/cli/options.ts';
import { type SimulatorOptions } from './options.ts';

export function simulatorCommand(): Command {
  return new Command('simulator')
    .description("Coinbase's and Kraken's protocols on loopback, from one seeded market")
    .addOption(
      new Option('--port <n>', 'on 127.0.0.1; 0 = any free port').env('TRIBUTARY_SIMULATOR_PORT').argParser(Number).default(0),
    )
    .addOption(new Option('--seed <n>', 'the same seed makes the same market').env('TRIBUTARY_SEED').argParser(Number).default(1))
    .addOption(new Option('--symbols <list>', 'BASE-QUOTE, comma-separated').argParser(list).default(['BTC-USD', 'ETH-USD']))
    .addOption(
      new Option('--edge <kind>', 'lag = can be foretold in part; none = cannot').choices(['lag', 'none']).default('lag'),
    )
    .addOption(
      new Option(
        '--leader-changes-at <time>',
        'UTC; from then on Coinbase trails as Kraken did and Kraken leads, so what was learned before is wrong; default: never',
      ).argParser(instant),
    )
    .addOption(new Option('--history-days <n>', 'days of candles before the start').argParser(Number).default(8))
    .addOption(new Option('--trade-rate <n>', 'trades a second of BTC-USD on Coinbase').argParser(Number).default(1.5))
    .addOption(new Option('--messages-per-second <n>', 'load: book updates and trades a second over all').argParser(Number))
    .addOption(new Option('--ledger-size <n>', 'trades kept per instrument and venue').argParser(Number).default(100_000))
    .action(runSimulator);
}

/** Prints the addresses as one JSON line and, to a parent process, sends them; ends with SIGINT, SIGTERM or the parent. */
async function runSimulator(options: SimulatorOptions): Promise<void> {
  // Drawing the history takes seconds: who wants it to end meanwhile is heard.
  const endings = [once(process, 'SIGINT'), once(process, 'SIGTERM')];
  if (process.send !== undefined) endings.push(once(process, 'disconnect'));
  const { startSimulator } = await import('./simulator.ts');
  const simulator = await startSimulator(options);
  const started = { urls: simulator.urls };
  process.stdout.write(`${JSON.stringify(started)}\n`);
  if (process.connected) process.send?.(started);
  await Promise.race(endings);
  await simulator.stop();
  if (process.connected) process.disconnect();
}

function list(text: string): string[] {
  return text.split(',').map((name) => name.trim().toUpperCase());
}
