/**
 * What came of each decision: the join of one partition's decisions with its prices. Pure: the same ticks and signals give the same
 * outcomes. Entry = first price at or after publication, exit = last price before publication + horizon, by the venue's time; read in
 * the log's order and settled at the first clock at or after valid_until + grace. A candle is two prices: its open at its start, its
 * close at its end. Abstentions are settled too, so that accuracy at full coverage is known.
 * Decisions of the fast lane are measured by the mid (mids.ts), from publication to the end of their horizon, by receive time.
 */
import { FAST_HORIZONS, HORIZON_MS, isHorizon } from '#libs/market/horizon.ts';
import { GapKind, type Tick } from '#libs/wire/tributary/v1/market.ts';
import { type Outcome, OutcomeStatus, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { Mids, type MidsState } from './mids.ts';
import { type Move, Tape, type TapeState } from './tape.ts';

export const LONGEST_HORIZON_MS = Math.max(...Object.values(HORIZON_MS));
/** How long after its publication a decision may come into view and still find its prices. */
export const SLACK_MS = 120_000;
const MINUTE = 60_000;
const LONGEST_FAST_MS = Math.max(...FAST_HORIZONS.map((horizon) => HORIZON_MS[horizon]));

type VoidReason = 'no_trade' | 'no_quote' | 'feed_gap';

interface Pending {
  readonly signal: Signal;
  /** Milliseconds. */
  readonly due: number;
}

/** What a join knows of the prices, as plain data. The decisions are not in it: those without an outcome are given to it again. */
export interface JoinState {
  readonly tapes: ReadonlyMap<string, TapeState>;
  readonly mids: ReadonlyMap<string, MidsState>;
  readonly seenFrom: number | undefined;
  /** The newest clock, milliseconds. */
  readonly clock: number;
}

export class OutcomeJoin {
  readonly #graceMs: number;
  readonly #tapes = new Map<string, Tape>();
  readonly #mids = new Map<string, Mids>();
  /** By due time. */
  #pending: Pending[] = [];
  /** Nothing of the log was seen before it, milliseconds. */
  #seenFrom: number | undefined;
  #clock = 0;
  #nextTrim = 0;

  /** `graceMs`: how long late trades are waited for. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Goes on from a state that nobody else uses any more. */
  static from({ tapes, mids, seenFrom, clock }: JoinState, graceMs: number): OutcomeJoin {
    const join = new OutcomeJoin(graceMs);
    for (const [key, state] of tapes) join.#tapes.set(key, Tape.from(state));
    for (const [key, state] of mids) join.#mids.set(key, Mids.from(state));
    [join.#seenFrom, join.#clock] = [seenFrom, clock];
    return join;
  }

  /** To be written down before the next event. */
  get state(): JoinState {
    return {
      tapes: new Map([...this.#tapes].map(([key, tape]) => [key, tape.state])),
      mids: new Map([...this.#mids].map(([key, mids]) => [key, mids.state])),
      seenFrom: this.#seenFrom,
      clock: this.#clock,
    };
  }

  /** Decisions not settled yet. */
  get pending(): number {
    return this.#pending.length;
  }

  /** A decision to settle. Each must be given once; one whose time has passed is settled at the next clock. */
  expect(signal: Signal): void {
    const due = signal.validUntil + this.#graceMs;
    let place = this.#pending.length;
    while (place > 0 && this.#pending[place - 1]!.due > due) place--;
    this.#pending.splice(place, 0, { signal, due });
  }

  /** Takes the next event of the log; hands over what a clock settles. */
  fold(tick: Tick, settled: (outcome: Outcome) => void): void {
    const { event } = tick;
    if (event === undefined) return;
    const time = tick.exchangeTime > 0 ? tick.exchangeTime : tick.receiveTime;
    this.#seenFrom ??= startOf(tick, time);
    switch (event.$case) {
      case 'trade':
        this.#tape(tick).trade(event.value, time);
        if (!event.value.repaired) this.#midsOf(tick).heard(tick.receiveTime / 1000);
        break;
      case 'quote':
        this.#midsOf(tick).quote(tick.receiveTime / 1000, event.value.bid, event.value.ask);
        break;
      case 'candle': {
        const { start, open, close } = event.value;
        const tape = this.#tape(tick);
        tape.print(start * 1000, open);
        tape.print((start + MINUTE) * 1000 - 1, close);
        break;
      }
      case 'gap':
        this.#tape(tick).gap(event.value, tick.receiveTime);
        // Trades that were missed say nothing of the quotes.
        if (event.value.kind !== GapKind.GAP_KIND_TRADES) this.#midsOf(tick).gap();
        break;
      case 'clock':
        this.#advance(event.value.t, settled);
        break;
      default:
    }
  }

  #advance(t: number, settled: (outcome: Outcome) => void): void {
    if (t <= this.#clock) return;
    this.#clock = t;
    const after = this.#pending.findIndex(({ due }) => due > t);
    const due = this.#pending.splice(0, after < 0 ? this.#pending.length : after).map(({ signal }) => signal);
    // A shadow decision is due when the published one is: it was made with it.
    const published = new Map(
      due.filter(({ shadow }) => shadow).length === 0
        ? []
        : due.filter(({ shadow }) => !shadow).map((signal) => [decisionKey(signal), signal]),
    );
    for (const signal of due) {
      const outcome = this.#settle(signal);
      settled(signal.shadow ? { ...outcome, published: published.get(decisionKey({ ...signal, shadow: false })) } : outcome);
    }
    if (t < this.#nextTrim) return;
    this.#nextTrim = t + MINUTE;
    for (const tape of this.#tapes.values()) tape.trim((t - LONGEST_HORIZON_MS - this.#graceMs - SLACK_MS) * 1000);
    for (const mids of this.#mids.values()) mids.trim(t - LONGEST_FAST_MS - this.#graceMs - SLACK_MS);
  }

  #settle(signal: Signal): Outcome {
    if (signal.lane === 'fast') {
      const mids = this.#mids.get(keyOf(signal.venue, signal.instrument));
      return outcomeOf(signal, mids?.between(signal.publishedAt, signal.validUntil) ?? 'feed_gap', this.#clock);
    }
    const tape = this.#tapes.get(keyOf(signal.venue, signal.instrument));
    const until = signal.publishedAt + (isHorizon(signal.horizon) ? HORIZON_MS[signal.horizon] : 0);
    if (tape !== undefined) return outcomeOf(signal, tape.between(signal.publishedAt * 1000, until * 1000), this.#clock);
    return outcomeOf(signal, signal.publishedAt < (this.#seenFrom ?? 0) ? 'feed_gap' : 'no_trade', this.#clock);
  }

  #midsOf({ venue, instrument }: Tick): Mids {
    const key = keyOf(venue, instrument);
    let mids = this.#mids.get(key);
    if (mids === undefined) this.#mids.set(key, (mids = new Mids()));
    return mids;
  }

  #tape({ venue, instrument }: Tick): Tape {
    const key = keyOf(venue, instrument);
    let tape = this.#tapes.get(key);
    if (tape === undefined) this.#tapes.set(key, (tape = new Tape((this.#seenFrom ?? 0) * 1000)));
    return tape;
  }
}

/** Identity of a decision, the same for its outcome; a shadow one has its slot besides. */
export function decisionKey({ instrument, venue, horizon, t, shadow, slot }: Signal): string {
  return `${instrument}|${venue}|${horizon}|${t}${shadow ? `|${slot}` : ''}`;
}

function outcomeOf(signal: Signal, move: Move | VoidReason, clock: number): Outcome {
  if (typeof move === 'string') {
    const nothing = { entryPrice: 0, exitPrice: 0, logReturn: 0, resolvedAt: clock };
    return { signal, status: OutcomeStatus.OUTCOME_STATUS_VOID, voidReason: move, ...nothing, published: undefined };
  }
  const { entry, exit } = move;
  const status =
    exit > entry
      ? OutcomeStatus.OUTCOME_STATUS_UP
      : exit < entry
        ? OutcomeStatus.OUTCOME_STATUS_DOWN
        : OutcomeStatus.OUTCOME_STATUS_FLAT;
  return {
    signal,
    status,
    voidReason: '',
    entryPrice: entry,
    exitPrice: exit,
    logReturn: Math.log(exit / entry),
    resolvedAt: clock,
    published: undefined,
  };
}

/** Milliseconds from which an event on the log is seen: a candle tells of the minute before it. */
function startOf(tick: Tick, time: number): number {
  if (tick.event?.$case === 'candle') return tick.event.value.start;
  if (tick.event?.$case === 'clock') return tick.event.value.t;
  return Math.ceil((tick.receiveTime > 0 ? tick.receiveTime : time) / 1000);
}

function keyOf(venue: string, instrument: string): string {
  return `${venue}\u0000${instrument}`;
}
