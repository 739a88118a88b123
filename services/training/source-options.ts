/** Options of commands that learn from candles or ticks. */
import { Option } from 'commander';
import { storeOptions } from '#services/archive/options.ts';
import { instant, wholeNumber } from '#services/cli/options.ts';

export const sourceOptions = (): Option[] => [
  new Option('--history <file>', 'candles, or ticks of the fast lane: .csv, .csv.gz or .parquet'),
  new Option('--context <file>', 'with --history: context values (`backfill --export-context`)'),
  new Option('--from <source>', 'instead of a file: archived candles and context values, or ticks').choices(['clickhouse']),
  new Option('--since <time>', 'the oldest minute, UTC; default: all there is').argParser(instant),
  new Option('--until <time>', 'the end, UTC, itself not included').argParser(instant),
  new Option('--days <n>', 'the last days of what there is, instead of --since; of ticks 1 unless given').argParser(
    wholeNumber(1, 3650),
  ),
  ...storeOptions(),
];
