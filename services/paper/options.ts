/** What paper trading can be told, alone and in `up`: amounts are in the quote currency and each account's own. */
import { InvalidArgumentError, Option } from 'commander';
import { paperOptionsSchema } from '#libs/paper/options.ts';
import { type Horizon } from '#libs/market/horizon.ts';
import { horizons, wholeNumber } from '#services/cli/options.ts';
import { type PaperServiceOptions } from './service.ts';

/** What `paperOptions` parse to. */
export interface PaperChoice {
  readonly paperTrading: 'on' | 'off';
  readonly paperCapital: number;
  readonly paperStake: number;
  readonly paperMaxPosition: number;
  readonly paperDailyLoss: number;
  readonly paperMaxDrawdown: number;
  readonly paperLatencyMs: number;
  readonly paperVolume: number;
  readonly paperHorizons?: readonly Horizon[];
  readonly paperFunding: string;
}

const DEFAULTS = paperOptionsSchema.parse({});

export const paperOptions = (): Option[] => [
  new Option('--paper-trading <switch>', 'off = kill switch: closes everything, opens nothing, forgives a drawdown')
    .env('TRIBUTARY_PAPER_TRADING')
    .choices(['on', 'off'])
    .default('on'),
  amountOption('capital', 'what each account begins with', DEFAULTS.capital).env('TRIBUTARY_PAPER_CAPITAL'),
  amountOption('stake', 'put on each signal', DEFAULTS.stake).env('TRIBUTARY_PAPER_STAKE'),
  amountOption('max-position', 'most that an account may be long or short', DEFAULTS.maxPosition).env(
    'TRIBUTARY_PAPER_MAX_POSITION',
  ),
  amountOption('daily-loss', 'loss of a UTC day that closes everything until the next', DEFAULTS.dailyLoss).env(
    'TRIBUTARY_PAPER_DAILY_LOSS',
  ),
  amountOption('max-drawdown', 'loss from the highest equity that closes everything until an off', DEFAULTS.maxDrawdown).env(
    'TRIBUTARY_PAPER_MAX_DRAWDOWN',
  ),
  new Option('--paper-latency-ms <n>', 'from publication to the venue, milliseconds')
    .env('TRIBUTARY_PAPER_LATENCY_MS')
    .argParser(wholeNumber(0, 60_000))
    .default(DEFAULTS.latencyMs),
  amountOption('volume', 'traded elsewhere in 30 days: decides the tier of the fee', DEFAULTS.volume).env(
    'TRIBUTARY_PAPER_VOLUME',
  ),
  new Option('--paper-horizons <list>', 'whose signals are followed; default: all')
    .env('TRIBUTARY_PAPER_HORIZONS')
    .argParser(horizons),
  new Option('--paper-funding <source>', 'context source whose funding positions pay, as if they were its perpetuals')
    .env('TRIBUTARY_PAPER_FUNDING')
    .default('', 'none'),
];

export function toPaperOptions(choice: PaperChoice): PaperServiceOptions {
  const { paperHorizons, paperFunding: funding } = choice;
  return {
    account: {
      trading: choice.paperTrading === 'on',
      capital: choice.paperCapital,
      stake: choice.paperStake,
      maxPosition: choice.paperMaxPosition,
      dailyLoss: choice.paperDailyLoss,
      maxDrawdown: choice.paperMaxDrawdown,
      latencyMs: choice.paperLatencyMs,
      volume: choice.paperVolume,
    },
    funding,
    ...(paperHorizons === undefined ? {} : { horizons: paperHorizons }),
  };
}

function amountOption(name: string, description: string, value: number): Option {
  return new Option(`--paper-${name} <amount>`, `${description}, quote currency`)
    .argParser(amount(value === 0 ? 0 : Number.MIN_VALUE))
    .default(value);
}

function amount(least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!(value >= least && value < Infinity)) throw new InvalidArgumentError('Write an amount above 0, for instance 1000.');
    return value;
  };
}
