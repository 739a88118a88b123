/**
 * The rollout: what is to happen to the slots of a lane, from what came of its decisions. Pure: outcomes and the slots' content in, one
 * step at a time out, each with its reason.
 *
 *   challenger: shadow -> 5 % -> 25 % -> champion     while the evidence for it stands; it leaves where that is against it, or it is below the floor
 *   champion -> previous -> fallback -> silence        where the accuracy of what it says is below the floor; the first two also by age
 *   a threshold of the champion a step up or down      where what is said there, or would have been, says so
 */
import { Blocks, FloorEvidence, spokenBlockMs, SymmetryEvidence } from '../validation/evidence.ts';
import { BLOCK_MS } from '../validation/intervals.ts';
import { isHorizon, type Lane } from '../market/horizon.ts';
import { type Head, Thresholds } from './thresholds.ts';
import { Direction, type Outcome, OutcomeStatus, type Signal } from '../wire/tributary/v1/signals.ts';

export interface RolloutOptions {
  /** Most that may be promoted of challengers that are no better; likewise of withdrawn ones that are no worse. */
  readonly alpha: number;
  /** Of the paired comparison, milliseconds: outcomes within one may depend on each other in any way. */
  readonly blockMs: number;
  /** Least accuracy of what is said, on moves. */
  readonly floor: number;
  /** Most that may be rolled back, at one horizon, of champions whose accuracy is the floor. */
  readonly floorAlpha: number;
  /** Since the end of its training data, milliseconds. */
  readonly maxModelAgeMs: number;
  /** Accuracy on moves of the last signal above a threshold: thresholds move towards it. */
  readonly aim: number;
}

export const DEFAULT_ROLLOUT: RolloutOptions = {
  alpha: 0.05,
  blockMs: BLOCK_MS,
  floor: 0.6,
  floorAlpha: 0.01,
  maxModelAgeMs: 14 * 86_400_000,
  aim: 0.68,
};

/** Shares of the decisions that a challenger serves before it serves all. */
export const STAGES = [0.05, 0.25] as const;

/** Slots whose decisions are watched. */
export const WATCHED = ['champion', 'challenger', 'fallback'] as const;
export type Watched = (typeof WATCHED)[number];

export interface Held {
  /** Empty = nothing. */
  readonly bundleId: string;
  /** First decision time, milliseconds. */
  readonly since: number;
  readonly share: number;
  readonly pinned: boolean;
  /** End of its training data, milliseconds; Infinity = it has none. */
  readonly trainedTo: number;
}

export type Step = { readonly reason: string } & (
  | { readonly action: 'serve'; readonly share: number }
  | { readonly action: 'promote' | 'rollback' }
  | { readonly action: 'clear'; readonly slot: 'challenger' | 'fallback' }
  | { readonly action: 'tune'; readonly head: Head; readonly by: number }
);

/** How a comparison stands. */
export interface Standing {
  /** Evidence that the challenger is better than what decides, and that it is worse; 1 = none. */
  readonly better: number;
  readonly worse: number;
  readonly blocks: number;
  /** Of the pairs in those blocks: mean quadratic scores, lower is better. */
  readonly pairs: number;
  readonly brier: number;
  readonly incumbentBrier: number;
}

/** What comes after its block was handed over is left out: outcomes of one time come from several partitions, milliseconds. */
const SLACK_MS = 10_000;
const NONE: Held = { bundleId: '', since: 0, share: 0, pinned: false, trainedTo: Infinity };

export class Rollout {
  readonly #options: RolloutOptions;
  readonly #lane: Lane;
  #slots: Readonly<Record<Watched, Held>> = { champion: NONE, challenger: NONE, fallback: NONE };
  #watches: Readonly<Record<Watched, Watch>>;
  #duel: Duel;
  #thresholds: Thresholds;

  constructor(options: RolloutOptions, lane: Lane) {
    this.#options = options;
    this.#lane = lane;
    this.#thresholds = new Thresholds(options);
    this.#watches = { champion: this.#watch(), challenger: this.#watch(), fallback: this.#watch() };
    this.#duel = new Duel(options.blockMs);
  }

  /** Learns what the slots hold; what is known of other bundles is forgotten. */
  hold(slots: Partial<Record<Watched, Held>>): void {
    const before = this.#slots;
    this.#slots = { champion: NONE, challenger: NONE, fallback: NONE, ...slots };
    const isNew = (slot: Watched): boolean => before[slot].bundleId !== this.#slots[slot].bundleId;
    const kept = (slot: Watched): Watch => (isNew(slot) ? this.#watch() : this.#watches[slot]);
    this.#watches = { champion: kept('champion'), challenger: kept('challenger'), fallback: kept('fallback') };
    if (isNew('champion')) this.#thresholds = new Thresholds(this.#options);
    if (isNew('champion') || isNew('challenger')) this.#duel = new Duel(this.#options.blockMs);
  }

  /** Takes an outcome of `outcomes` or of `shadow-outcomes`; in any order, each once. Those of the other lane are passed over. */
  add(outcome: Outcome): void {
    const { signal, status, published } = outcome;
    const { champion, challenger } = this.#slots;
    if (signal === undefined || (signal.lane === 'fast') !== (this.#lane === 'fast') || !isMove(status)) return;
    const isUp = status === OutcomeStatus.OUTCOME_STATUS_UP;
    if (!signal.shadow && isOf(signal, 'champion', champion)) this.#thresholds.add(signal, isUp);
    // What came of a change that was made meanwhile has nothing to do with what stands now.
    if (signal.t < champion.since) return;
    // A challenger is watched before it serves anything.
    if (!signal.shadow || signal.slot === 'challenger') this.#said(signal, isUp);
    if (!signal.shadow || published === undefined || challenger.bundleId === '') return;
    if (isOf(signal, 'challenger', challenger)) this.#duel.add(signal, published, isUp);
    else if (isOf(signal, 'champion', champion) && isOf(published, 'challenger', challenger))
      this.#duel.add(published, signal, isUp);
  }

  /**
   * What is to be done next; ask again when the slots hold what it led to. `seen`: time up to which outcomes were taken, `now`: what age is
   * measured to, milliseconds.
   */
  step(seen: number, now = seen): Step | undefined {
    this.#duel.close(seen - SLACK_MS);
    for (const slot of WATCHED) this.#watches[slot].close(seen - SLACK_MS);
    this.#thresholds.close(seen - SLACK_MS);
    return this.#safety(now) ?? this.#advance() ?? this.#tune();
  }

  standing(): Standing {
    return this.#duel.standing();
  }

  /** Evidence that what the slot says is right less often than the floor, at its worst horizon; 1 = none. */
  belowFloor(slot: Watched): number {
    return this.#watches[slot].worst()?.capital ?? 1;
  }

  #watch(): Watch {
    return new Watch(this.#options.floor);
  }

  #said(signal: Signal, isUp: boolean): void {
    if (signal.direction === Direction.DIRECTION_ABSTAIN) return;
    const slot = WATCHED.find((name) => isOf(signal, name, this.#slots[name]));
    if (slot === undefined || signal.t < this.#slots[slot].since) return;
    this.#watches[slot].add(signal, (signal.direction === Direction.DIRECTION_UP) === isUp);
  }

  #safety(now: number): Step | undefined {
    const { champion, challenger, fallback } = this.#slots;
    const { maxModelAgeMs } = this.#options;
    const unfit = challenger.bundleId === '' ? undefined : this.#fallen('challenger');
    if (unfit !== undefined) return { action: 'clear', slot: 'challenger', reason: unfit };
    if (champion.bundleId === '') {
      const reason = fallback.bundleId === '' ? undefined : this.#fallen('fallback');
      return reason === undefined ? undefined : { action: 'clear', slot: 'fallback', reason };
    }
    if (champion.pinned) return undefined;
    if (now - champion.trainedTo > maxModelAgeMs) {
      return { action: 'rollback', reason: `stale: trained until ${new Date(champion.trainedTo).toISOString()}` };
    }
    const reason = this.#fallen('champion');
    return reason === undefined ? undefined : { action: 'rollback', reason };
  }

  /** Why a slot must not go on speaking. */
  #fallen(slot: Watched): string | undefined {
    const { floor, floorAlpha } = this.#options;
    const worst = this.#watches[slot].worst();
    if (worst === undefined || worst.capital < 1 / floorAlpha) return undefined;
    const { horizon, hits, moves, capital } = worst;
    return `below the floor of ${percent(floor)}: ${percent(hits / moves)} of ${moves} signals at ${horizon} were right, evidence ${round(capital)}`;
  }

  #advance(): Step | undefined {
    const { champion, challenger } = this.#slots;
    if (challenger.bundleId === '') return undefined;
    const { better, worse, blocks, pairs, brier, incumbentBrier } = this.#duel.standing();
    const enough = 1 / this.#options.alpha;
    const scores = `quadratic score ${brier.toFixed(4)} against ${incumbentBrier.toFixed(4)} on ${pairs} decisions in ${blocks} blocks`;
    if (worse >= enough) return { action: 'clear', slot: 'challenger', reason: `worse: ${scores}, evidence ${round(worse)}` };
    if (better < enough || champion.pinned) return undefined;
    // At each share it has to stand for a whole block.
    if (challenger.share > 0 && this.#duel.newest < challenger.since) return undefined;
    const reason = `better: ${scores}, evidence ${round(better)}`;
    const share = STAGES.find((stage) => stage > challenger.share);
    return share === undefined ? { action: 'promote', reason } : { action: 'serve', share, reason };
  }

  #tune(): Step | undefined {
    const { champion } = this.#slots;
    const step = champion.bundleId === '' || champion.pinned ? undefined : this.#thresholds.step(champion.since);
    return step === undefined ? undefined : { action: 'tune', ...step };
  }
}

/** A challenger and what decides, on the same prices. Where nothing decides, the coin does: a challenger has to be better than that too. */
class Duel {
  readonly #better = new SymmetryEvidence();
  readonly #worse = new SymmetryEvidence();
  readonly #gains: Blocks;
  readonly #losses: Blocks;
  #blocks = 0;
  #pairs = 0;
  #loss = 0;
  #gain = 0;
  /** Start of the newest block that is judged, milliseconds. */
  newest = -Infinity;

  constructor(blockMs: number) {
    this.#gains = new Blocks(blockMs);
    this.#losses = new Blocks(blockMs);
  }

  add(challenger: Signal, incumbent: Signal, isUp: boolean): void {
    if (challenger.confidence < 0.5) return;
    const loss = quadratic(challenger.probabilityUp, isUp);
    const gain = quadratic(incumbent.confidence < 0.5 ? 0.5 : incumbent.probabilityUp, isUp) - loss;
    const { publishedAt, validUntil } = challenger;
    this.#gains.add(publishedAt, validUntil, gain);
    this.#losses.add(publishedAt, validUntil, loss);
  }

  close(now: number): void {
    for (const { hits, trials, start } of this.#gains.close(now)) {
      this.#better.add(hits);
      this.#worse.add(-hits);
      this.#blocks++;
      this.#pairs += trials;
      this.#gain += hits;
      this.newest = start;
    }
    for (const { hits } of this.#losses.close(now)) this.#loss += hits;
  }

  standing(): Standing {
    const pairs = this.#pairs;
    const mean = (sum: number): number => (pairs === 0 ? 0 : sum / pairs);
    const scores = { brier: mean(this.#loss), incumbentBrier: mean(this.#loss + this.#gain) };
    return { better: this.#better.capital, worse: this.#worse.capital, blocks: this.#blocks, pairs, ...scores };
  }
}

/** How one horizon of a slot stands. */
interface Verdict {
  readonly horizon: string;
  readonly capital: number;
  readonly hits: number;
  readonly moves: number;
}

/** Whether what one bundle says is right often enough, by horizon. */
class Watch {
  readonly #floor: number;
  readonly #horizons = new Map<
    string,
    { readonly blocks: Blocks; readonly evidence: FloorEvidence; hits: number; moves: number }
  >();

  constructor(floor: number) {
    this.#floor = floor;
  }

  add({ horizon, publishedAt, validUntil }: Signal, isRight: boolean): void {
    if (!isHorizon(horizon)) return;
    let known = this.#horizons.get(horizon);
    if (known === undefined) {
      const blocks = new Blocks(spokenBlockMs(horizon));
      this.#horizons.set(horizon, (known = { blocks, evidence: new FloorEvidence(this.#floor), hits: 0, moves: 0 }));
    }
    known.blocks.add(publishedAt, validUntil, Number(isRight));
  }

  close(now: number): void {
    for (const known of this.#horizons.values()) {
      for (const { hits, trials } of known.blocks.close(now)) {
        known.evidence.add(hits / trials);
        known.hits += hits;
        known.moves += trials;
      }
    }
  }

  worst(): Verdict | undefined {
    let worst: Verdict | undefined;
    for (const [horizon, { evidence, hits, moves }] of this.#horizons) {
      const { capital } = evidence;
      if (capital > (worst?.capital ?? 0)) worst = { horizon, capital, hits, moves };
    }
    return worst;
  }
}

function isOf({ slot, bundleId }: Signal, name: Watched, held: Held): boolean {
  return slot === name && bundleId === held.bundleId && bundleId !== '';
}

export function isMove(status: OutcomeStatus): boolean {
  return status === OutcomeStatus.OUTCOME_STATUS_UP || status === OutcomeStatus.OUTCOME_STATUS_DOWN;
}

function quadratic(probabilityUp: number, isUp: boolean): number {
  return (probabilityUp - Number(isUp)) ** 2;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function round(evidence: number): string {
  return evidence >= 10 ? evidence.toFixed(0) : evidence.toFixed(1);
}
