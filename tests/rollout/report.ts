/** What a run saw, as text: by block of four hours who decided, how often it spoke and was right; beside it what happened to the slots. */
import { type Outcome, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { type ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Direction, OutcomeStatus } from '#libs/wire/tributary/v1/signals.ts';

const BLOCK_MS = 4 * 3_600_000;
const NOBODY = 'nobody';

export interface Hits {
  readonly decisions: number;
  /** Signals on moves. */
  readonly said: number;
  readonly right: number;
}

/** Of what was published. */
export function hitsOf(outcomes: readonly Outcome[], isMeant: (signal: Signal) => boolean): Hits {
  let [decisions, said, right] = [0, 0, 0];
  for (const { signal, status } of outcomes) {
    if (signal === undefined || signal.shadow || !isMeant(signal)) continue;
    decisions++;
    const isUp = status === OutcomeStatus.OUTCOME_STATUS_UP;
    if (signal.direction === Direction.DIRECTION_ABSTAIN || (!isUp && status !== OutcomeStatus.OUTCOME_STATUS_DOWN)) continue;
    said++;
    right += Number((signal.direction === Direction.DIRECTION_UP) === isUp);
  }
  return { decisions, said, right };
}

/** `names`: by bundle id. */
export function reportOf(
  outcomes: readonly Outcome[],
  changes: readonly ModelSlot[],
  names: ReadonlyMap<string, string>,
): string {
  const times = outcomes.map(({ signal }) => Math.floor(signal!.t / BLOCK_MS) * BLOCK_MS);
  const lines = ['block        signals  of decisions   right  decided'];
  for (const from of [...new Set(times)].sort((a, b) => a - b)) {
    const isWithin = ({ t }: Signal): boolean => t >= from && t < from + BLOCK_MS;
    const { decisions, said, right } = hitsOf(outcomes, isWithin);
    const accuracy = said === 0 ? '–' : `${((100 * right) / said).toFixed(1)} %`;
    lines.push(`${clock(from)}  ${pad(said)}  ${pad(decisions)}  ${pad(accuracy)}  ${decidersOf(outcomes, isWithin, names)}`);
    for (const change of changes.filter(({ time }) => time >= from && time < from + BLOCK_MS)) lines.push(lineOf(change, names));
  }
  return lines.join('\n');
}

function decidersOf(
  outcomes: readonly Outcome[],
  isWithin: (signal: Signal) => boolean,
  names: ReadonlyMap<string, string>,
): string {
  const counts = new Map<string, number>();
  let all = 0;
  for (const { signal } of outcomes) {
    if (signal === undefined || signal.shadow || !isWithin(signal)) continue;
    const name = signal.bundleId === '' ? NOBODY : (names.get(signal.bundleId) ?? signal.bundleId);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    all++;
  }
  const shares = [...counts].sort(([, a], [, b]) => b - a);
  return shares.map(([name, count]) => (count === all ? name : `${name} ${((100 * count) / all).toFixed(0)} %`)).join(', ');
}

/** With who and why. */
function lineOf(
  { slot, bundleId, share, actor, reason, time, effectiveT }: ModelSlot,
  names: ReadonlyMap<string, string>,
): string {
  const held = bundleId === '' ? 'empty' : (names.get(bundleId) ?? bundleId);
  const served = share > 0 ? ` serves ${100 * share} %` : '';
  return `  ${clock(time)}  ${slot} = ${held}${served}, after ${((effectiveT - time) / 1_000).toFixed(0)} s; ${actor}: ${reason}`;
}

export function clock(t: number): string {
  return new Date(t).toISOString().slice(5, 16).replace('T', ' ');
}

function pad(value: string | number): string {
  return String(value).padStart(8);
}
