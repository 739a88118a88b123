/**
 * The four checks on a user's own history. Real data has minutes without trades, outages and masks, so a column is judged where it can be:
 * future-overwrite on what follows the last quarter, warm-up from a minute in which every instrument traded and only where the column
 * was there all along, parity everywhere. What cannot be judged on this history is counted, not failed.
 */
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { COLUMNS } from '../catalogue.ts';
import { isContext } from '../context.ts';
import { type CheckResult } from './checks.ts';
import { receivedAt } from './fast.ts';
import { foldAll } from './lane.ts';
import { overwriteFuture } from './overwrite.ts';
import { checkPartitions, checkRestore } from './parity.ts';
import { checkWarmUp } from './warm-up.ts';
import { checkWrittenOut } from './written-out.ts';

const MINUTE = 60_000;
/** How far back a minute is looked for in which everything traded. */
const LONGEST_SEARCH = 240;

/** The last `minutes` of the ticks. */
export function lastMinutes(ticks: Iterable<Tick>, minutes: number): Tick[] {
  let kept: Tick[] = [];
  let begins: { readonly t: number; readonly at: number }[] = [];
  for (const tick of ticks) {
    kept.push(tick);
    if (tick.event?.$case !== 'clock' || tick.event.value.t % MINUTE !== 0) continue;
    const { t } = tick.event.value;
    begins.push({ t, at: kept.length });
    // Cut in large steps, so that each tick is moved a few times at most.
    if (begins.length < 2 * minutes + 2) continue;
    const cut = begins.findIndex((begin) => begin.t >= t - minutes * MINUTE);
    const { at } = begins[cut]!;
    kept = kept.slice(at);
    begins = begins.slice(cut + 1).map((begin) => ({ t: begin.t, at: begin.at - at }));
  }
  const end = begins.at(-1)?.t ?? NaN;
  const last = begins.findLast(({ t }) => t <= end - minutes * MINUTE);
  return last === undefined ? kept : kept.slice(last.at);
}

export function* checkHistory(ticks: readonly Tick[]): Generator<CheckResult> {
  const truth = foldAll(ticks);
  if (truth.length === 0) return;
  yield checkWrittenOut(ticks, truth);
  const [from, to] = [truth[0]!.t, truth.at(-1)!.t];
  const cut = from + Math.floor((0.75 * (to - from)) / MINUTE) * MINUTE;
  // Recorders' clocks differ from the venues': what counts is when the recorder had it.
  const { leaks, moved } = overwriteFuture(ticks, cut, truth, receivedAt);
  yield { name: 'future-overwrite', columns: moved.size, problems: leaks };
  yield warmUp(ticks, truth);
  yield { name: 'parity over partitions', columns: COLUMNS.length, problems: checkPartitions(ticks, [4, 16], truth) };
  const cuts = [0.2, 0.5, 0.95].map((part) => Math.floor(ticks.length * part));
  yield { name: 'parity after restore', columns: COLUMNS.length, problems: checkRestore(ticks, cuts, truth) };
}

function warmUp(ticks: readonly Tick[], truth: readonly FeatureVector[]): CheckResult {
  const starts = fullMinutes(ticks);
  const { problems, compared } = checkWarmUp(ticks, 1, COLUMNS, truth, {
    startAt: (t) => {
      for (let back = 0; back <= LONGEST_SEARCH; back++) if (starts.has(t - back * MINUTE)) return t - back * MINUTE;
      return NaN;
    },
    isPresentAllAlong: true,
  });
  return { name: 'warm-up', columns: compared.size, problems };
}

/** Clocks after which, within a minute, everything comes that comes at all. */
function fullMinutes(ticks: readonly Tick[]): ReadonlySet<number> {
  const everything = new Set<string>();
  const minutes: { readonly begin: number; readonly seen: Set<string> }[] = [];
  let seen = new Set<string>();
  let begin = NaN;
  for (const { event, venue, instrument } of ticks) {
    if (event?.$case === 'clock' && event.value.t % MINUTE === 0) {
      minutes.push({ begin, seen });
      seen = new Set();
      begin = event.value.t;
    }
    const isTraded = event?.$case === 'candle' ? event.value.volume > 0 : event?.$case === 'trade' || event?.$case === 'quote';
    if (event !== undefined && isTraded) seen.add(`${event.$case} ${venue}:${instrument}`);
    if (event?.$case === 'reference' && !isContext(event.value)) seen.add(`${event.value.source}:${event.value.series}`);
  }
  for (const minute of minutes) for (const name of minute.seen) everything.add(name);
  return new Set(minutes.flatMap((minute) => (minute.seen.size === everything.size ? [minute.begin] : [])));
}
