/** The checks of the catalogue, for every column, on generated data; `tributary features check` prints them. */
import { type Tick } from '../../wire/tributary/v1/market.ts';
import { type FeatureVector } from '../../wire/tributary/v1/features.ts';
import { COLUMNS } from '../catalogue.ts';
import { type Column, type Input } from '../declaration.ts';
import { FEW_LISTINGS, generateMarket } from './market.ts';
import { foldAll } from './lane.ts';
import { overwriteFuture, type Overwritten } from './overwrite.ts';
import { checkMirror } from './mirror.ts';
import { checkPartitions, checkRestore } from './parity.ts';
import { checkWarmUp } from './warm-up.ts';

export interface CheckResult {
  readonly name: string;
  /** Columns it could judge. */
  readonly columns: number;
  readonly problems: readonly string[];
}

const MINUTE = 60_000;
const FLOW_INPUTS: readonly Input[] = ['trades', 'quotes', 'books'];
/** A Friday in spring, so that sessions, expiry and daylight saving change within the weeks. */
const START = Date.UTC(2024, 2, 1);
/** Of what depends on time alone there is no future to overwrite. */
const TIMELESS = new Set(
  COLUMNS.filter(({ feature }) => feature.inputs.every((input) => input === 'clock')).map(({ name }) => name),
);

/** Every leg for a day of candles, then live seconds of trades, quotes and books. */
export function wideMarket(): Tick[] {
  return generateMarket({ start: START + 7 * MINUTE, candleMinutes: 1_640, liveMinutes: 82, hasMinuteQuotes: true, seed: 1 });
}

/** One leg over the longest warm-up. */
export function longMarket(): Tick[] {
  const days = Math.ceil(Math.max(...COLUMNS.map(({ warmupMinutes }) => warmupMinutes)) / 1440) + 1;
  const candleMinutes = days * 1440;
  return generateMarket({
    start: START,
    candleMinutes,
    liveMinutes: 0,
    isDense: true,
    listings: FEW_LISTINGS.slice(0, 1),
    seed: 2,
  });
}

/** Runs each check in turn; a column that no check could judge is a problem too. */
export function* checkCatalogue(): Generator<CheckResult> {
  const wide = wideMarket();
  const truth = foldAll(wide);
  const long = longMarket();
  const longTruth = foldAll(long);
  yield futureCheck([
    overwriteFuture(wide, endOf(wide) - 160 * MINUTE, truth),
    overwriteFuture(wide, endOf(wide) - 5 * MINUTE, truth),
    overwriteFuture(long, endOf(long) - 1000 * MINUTE, longTruth),
  ]);
  yield warmUpCheck(long, longTruth);
  yield mirrorCheck([wide, truth], [long, longTruth]);
  yield { name: 'parity over partitions', columns: COLUMNS.length, problems: checkPartitions(wide, [1, 4, 16], truth) };
  const cuts = [0.2, 0.5, 0.95].map((part) => Math.floor(wide.length * part));
  yield { name: 'parity after restore', columns: COLUMNS.length, problems: checkRestore(wide, cuts, truth) };
}

function futureCheck(runs: readonly Overwritten[]): CheckResult {
  const moved = new Set(runs.flatMap((run) => [...run.moved]));
  const blind = COLUMNS.filter(({ name }) => !moved.has(name) && !TIMELESS.has(name)).map(
    ({ name }) => `${name} did not move when the future came: the check could not see it`,
  );
  return { name: 'future-overwrite', columns: moved.size, problems: [...runs.flatMap(({ leaks }) => leaks), ...blind] };
}

/** Each column on the cheapest market that it is warm in: flow on live seconds, legs on a day of candles, the rest on weeks or on whichever of them has it. */
function warmUpCheck(long: readonly Tick[], longTruth: readonly FeatureVector[]): CheckResult {
  const live = generateMarket({
    start: START,
    candleMinutes: 5,
    liveMinutes: 100,
    isDense: true,
    listings: FEW_LISTINGS,
    seed: 3,
  });
  const day = generateMarket({
    start: START + 7 * MINUTE,
    candleMinutes: 1_640,
    liveMinutes: 0,
    isDense: true,
    hasMinuteQuotes: true,
    seed: 4,
  });
  const isFlow = ({ feature }: Column): boolean => feature.inputs.some((input) => FLOW_INPUTS.includes(input));
  const flow = checkWarmUp(live, 2, COLUMNS.filter(isFlow));
  const legs = checkWarmUp(
    day,
    2,
    COLUMNS.filter((column) => !isFlow(column)),
  );
  const rest = checkWarmUp(
    long,
    1,
    COLUMNS.filter((column) => !isFlow(column) && !legs.compared.has(column.name)),
    longTruth,
  );
  // What is left: references by the second, quotes over a day.
  const known = new Set([flow, legs, rest].flatMap((run) => [...run.compared]));
  const left = COLUMNS.filter(({ name }) => !known.has(name));
  const runs = [flow, legs, rest, checkWarmUp(live, 2, left), checkWarmUp(day, 2, left)];
  const compared = new Set(runs.flatMap((run) => [...run.compared]));
  const blind = COLUMNS.filter(({ name }) => !compared.has(name)).map(({ name }) => `${name} never had a value to compare`);
  return { name: 'warm-up', columns: compared.size, problems: [...runs.flatMap(({ problems }) => problems), ...blind] };
}

/** Of what comes of the market itself; the world outside has no mirror image. On the second market what the first is too short for. */
function mirrorCheck(...markets: readonly (readonly [ticks: readonly Tick[], truth: readonly FeatureVector[]])[]): CheckResult {
  const names = COLUMNS.filter(({ feature }) => !feature.inputs.includes('context')).map(({ name }) => name);
  let left = new Set(names);
  const problems = markets.flatMap(([ticks, truth]) => {
    const run = checkMirror(ticks, truth, left);
    left = new Set([...left].filter((name) => !run.compared.has(name)));
    return run.problems;
  });
  const blind = [...left].map((name) => `${name} never had a value to compare`);
  return { name: 'mirror', columns: names.length - left.size, problems: [...problems, ...blind] };
}

function endOf(ticks: readonly Tick[]): number {
  const { event } = ticks.at(-1)!;
  return event?.$case === 'clock' ? event.value.t : NaN;
}
