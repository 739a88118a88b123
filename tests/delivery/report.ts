/** From the evidence of the whole run to one line a scenario. */
import { BLOCKING } from '#libs/features/quality.ts';
import { type LedgerTrade } from '#services/simulator/ledger.ts';
import { type Arrival, type Evidence, type Finding } from './evidence.ts';
import { type Outcome, type Scenario } from './scenarios.ts';
import { add, NOTHING, type Tally } from './tally.ts';

/** A scenario as it went: it ends where the next one begins. */
export interface Window {
  readonly scenario: Scenario;
  readonly from: number;
  /** When all was expected to be well again. */
  readonly done: number;
  readonly to: number;
  readonly outcome: Outcome | undefined;
}

export interface Line extends Tally {
  readonly scenario: string;
  /** Why it did not run here. */
  readonly leftOut?: string;
  /** Seconds. */
  readonly recovery: number;
  /** Longest that passes. */
  readonly bar: number;
  readonly findings: readonly Finding[];
  /** What came late, the latest last. */
  readonly late: readonly Arrival[];
}

/** What comes later than this was held up, ms. */
const LATE_MS = 1_500;

export function lineOf(window: Window, evidence: Evidence, ledger: readonly LedgerTrade[], probe: Tally): Line {
  const { scenario, from, to } = window;
  const isWithin = (time: number): boolean => time >= from && time < to;
  const findings = [...evidence.findings.filter(({ time }) => isWithin(time)), ...silenced(window, evidence)];
  const count = (kind: Finding['kind']): number => findings.filter((each) => each.kind === kind).length;
  const made = ledger.filter(({ time }) => isWithin(time / 1000)).length;
  const missing = findings.filter(({ kind, what }) => kind === 'lost' && what.startsWith('trade')).length;
  const trades: Tally = {
    sent: made,
    acknowledged: made - missing,
    seen: made - missing,
    lost: count('lost'),
    doubled: count('doubled'),
    outOfOrder: count('outOfOrder'),
  };
  return {
    scenario: scenario.name,
    ...(window.outcome !== undefined && 'leftOut' in window.outcome && { leftOut: window.outcome.leftOut }),
    bar: scenario.bar,
    recovery: recoveryOf(window, evidence),
    findings,
    late: lateOf(window, evidence),
    ...add(add(NOTHING, trades), probe),
  };
}

/** As JSON has it. */
export function rowOf({ scenario, sent, acknowledged, seen, lost, doubled, outOfOrder, recovery }: Line): object {
  const recovery_s = Math.round(recovery * 10) / 10;
  return { scenario, sent, acknowledged, seen, lost, doubled, out_of_order: outOfOrder, recovery_s };
}

export function textOf(line: Line): string {
  const { scenario, leftOut, sent, acknowledged, seen, lost, doubled, outOfOrder, recovery, bar } = line;
  if (leftOut !== undefined) return `${scenario}: left out, ${leftOut}`;
  const counts = `sent ${sent}, acknowledged ${acknowledged}, seen ${seen}, lost ${lost}, doubled ${doubled}`;
  const limit = Number.isFinite(bar) ? ` (bar ${bar} s)` : '';
  return `${scenario}: ${counts}, out of order ${outOfOrder}, recovery ${recovery.toFixed(1)} s${limit}`;
}

/** Seconds until nothing that was due came late any more; of a venue's outage, until it was masked. */
function recoveryOf(window: Window, evidence: Evidence): number {
  const { scenario, from, outcome } = window;
  if (outcome !== undefined && 'recoverySeconds' in outcome) return outcome.recoverySeconds;
  if (scenario.isDark === true) {
    const masked = (scenario.venues ?? []).map(
      (venue) => evidence.beats.find((beat) => beat.venue === venue && beat.time > from && !beat.isHealthy)?.time ?? Infinity,
    );
    return (Math.max(...masked) - from) / 1000;
  }
  const start = outcome !== undefined && 'mendedAt' in outcome ? outcome.mendedAt : from;
  return ((lateOf(window, evidence).at(-1)?.at ?? start) - start) / 1000;
}

function lateOf({ from, done, to, outcome }: Window, { arrivals }: Evidence): Arrival[] {
  const start = outcome !== undefined && 'mendedAt' in outcome ? outcome.mendedAt : from;
  return arrivals
    .filter(({ due, at }) => at > start && at < to && due > from - 2 * LATE_MS && due < done && at - due > LATE_MS)
    .sort((one, other) => one.at - other.at);
}

/** A venue's faults must cost no other venue its signals. */
function silenced({ scenario, from, to }: Window, { vectors }: Evidence): Finding[] {
  const { venues } = scenario;
  if (venues === undefined) return [];
  return vectors
    .filter(({ venue, t, quality }) => !venues.includes(venue) && t >= from && t < to && (quality & BLOCKING) !== 0)
    .map(({ venue, instrument, t }) => ({ kind: 'lost', time: t, what: `signals of ${venue}:${instrument} at ${t}: masked` }));
}
