/** Options of commands that learn from candles. */
import { Option } from 'commander';
import { storeOptions } from '#services/archive/options.ts';
import { instant, wholeNumber } from '#services/cli/options.ts';

export const sourceOptions = (): Option[] => [
  new Option('--history <file>', 'candles: .csv, .csv.gz or .parquet'),
  new Option('--context <file>', 'with --history: context values (`backfill --export-context`)'),
  new Option('--from <source>', 'instead of a file: archived candles and context values').choices(['clickhouse']),
  new Option('--since <time>', 'the oldest minute, UTC; default: all there is').argParser(instant),
  new Option('--until <time>', 'the end, UTC, itself not included').argParser(instant),
  new Option('--days <n>', 'the last days of what there is, instead of --since').argParser(wholeNumber(1, 3650)),
  ...storeOptions(),
];
