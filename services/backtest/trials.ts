/**
 * Everything that was ever tried, one line a backtest, appended and never rewritten: the more was tried, the better the best looks by chance
 * alone, and Sharpe ratios are deflated by it. The same configuration run again is the same trial.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf, TributaryError } from '#libs/errors/errors.ts';
import { type TrialSummary } from '#libs/store/trials.ts';
import { type Side } from '#libs/validation/paper.ts';
import { type Trials } from '#libs/validation/sharpe.ts';

const trialSchema = z.object({
  at: z.iso.datetime().describe('When it ended.'),
  configuration: z.string().min(1).describe('Hash of all that decides what is predicted.'),
  sharpe: z
    .record(z.string(), z.object({ gross: z.number(), net: z.number() }))
    .describe('Per hour, by head: `coinbase BTC-USD 1m entry`.'),
});

export type Trial = z.infer<typeof trialSchema>;

/** Trials that no ledger holds: told by hand. */
export interface TrialsElsewhere {
  readonly count: number;
  /** Of their hourly Sharpe ratios. */
  readonly variance: number | undefined;
}

/** Trials of searches, which the store holds. */
export const NOT_SEARCHED: TrialSummary = { count: 0, variance: { gross: undefined, net: undefined } };

export function configurationOf(parts: object): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Nothing where there is no file yet. Throws `TRB_TRIALS_UNREADABLE`: a count that forgets is worse than none. */
export async function readTrials(file: string): Promise<Trial[]> {
  try {
    if (!existsSync(file)) return [];
    const text = await readFile(file, 'utf8');
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => trialSchema.parse(JSON.parse(line)));
  } catch (cause) {
    throw new TributaryError('TRB_TRIALS_UNREADABLE', `Cannot read the trials in ${file}: ${messageOf(cause)}.`, {
      hint: 'Mend the line, or name another file with --ledger and count its trials with --trials.',
      cause,
    });
  }
}

export async function appendTrial(file: string, trial: Trial): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${JSON.stringify(trial)}\n`);
}

/**
 * What a head's Sharpe ratio is deflated by: all known trials, with this one; their variance: the one told by hand, else the larger of that of
 * the ledger's trials with that head (two or more) and that of the searches.
 */
export function trialsOf(
  known: readonly Trial[],
  own: string,
  elsewhere: TrialsElsewhere,
  searched: TrialSummary = NOT_SEARCHED,
): { readonly count: number; readonly of: (head: string, side: Side) => Trials } {
  const newest = new Map(known.map((trial) => [trial.configuration, trial]));
  const count = new Set([...newest.keys(), own]).size + elsewhere.count + searched.count;
  return {
    count,
    of(head, side) {
      const ratios = [...newest.values()].flatMap(({ sharpe }) => sharpe[head]?.[side] ?? []);
      const known = [ratios.length < 2 ? undefined : varianceOf(ratios), searched.variance[side]].filter(
        (each) => each !== undefined,
      );
      return { count, variance: elsewhere.variance ?? (known.length === 0 ? undefined : Math.max(...known)) };
    },
  };
}

function varianceOf(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
