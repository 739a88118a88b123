/**
 * How the slots compare: what came of the decisions of the bundle that each holds, published or in shadow, and, for a shadow, how the published
 * decisions did on the very same prices. A pure accumulator, as LiveAccuracy is.
 */
import { type Lane } from '#libs/market/horizon.ts';
import { isMove } from '#libs/registry/rollout.ts';
import { wilson } from '#libs/validation/intervals.ts';
import { Direction, type Outcome, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { isRight } from './accuracy.ts';

/** Null = nothing to divide by yet. Shares are 0..1, of decisions whose price moved. */
export interface SlotRow {
  readonly lane: Lane;
  readonly slot: string;
  readonly bundleId: string;
  readonly venue: string;
  readonly symbol: string;
  readonly horizon: string;
  /** Decisions with a probability whose price moved. */
  readonly moves: number;
  /** Of all of them; the lower and upper end of its 95 % Wilson interval. */
  readonly accuracy: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Those that spoke, or would have. */
  readonly emittedMoves: number;
  readonly emittedAccuracy: number | null;
  /** Of a shadow: moves on which the published decision had a probability too, and both accuracies on them. */
  readonly pairedMoves: number;
  readonly pairedAccuracy: number | null;
  readonly publishedAccuracy: number | null;
}

interface Tally {
  readonly signal: Signal;
  moves: number;
  right: number;
  emitted: number;
  emittedRight: number;
  paired: number;
  pairedRight: number;
  publishedRight: number;
}

export class SlotAccuracy {
  /** By lane and slot: the bundle it was last seen with, and from which decision time on. */
  readonly #bundles = new Map<string, { readonly bundleId: string; readonly since: number }>();
  readonly #tallies = new Map<string, Tally>();

  /** Takes an outcome of `outcomes` or of `shadow-outcomes`. Those of a bundle that the slot held before do not count. */
  add({ signal, status, published }: Outcome): void {
    if (signal === undefined || signal.slot === '' || !this.#isCurrent(signal)) return;
    // Without a probability there is nothing that could be right or wrong.
    if (signal.confidence < 0.5 || !isMove(status)) return;
    const tally = this.#of(signal);
    const right = Number(isRight(signal, status));
    tally.moves++;
    tally.right += right;
    if (signal.direction !== Direction.DIRECTION_ABSTAIN) {
      tally.emitted++;
      tally.emittedRight += right;
    }
    if (published === undefined || published.confidence < 0.5) return;
    tally.paired++;
    tally.pairedRight += right;
    tally.publishedRight += Number(isRight(published, status));
  }

  /** One row per (lane, slot, symbol, venue, horizon), sorted. */
  snapshot(): SlotRow[] {
    return [...this.#tallies.keys()].sort().map((key) => rowOf(this.#tallies.get(key)!));
  }

  #isCurrent(signal: Signal): boolean {
    const { bundleId, t } = signal;
    const slot = slotKey(signal);
    const known = this.#bundles.get(slot);
    if (known?.bundleId === bundleId) return true;
    if (known !== undefined && t < known.since) return false;
    this.#bundles.set(slot, { bundleId, since: t });
    for (const [key, tally] of this.#tallies) if (slotKey(tally.signal) === slot) this.#tallies.delete(key);
    return true;
  }

  #of(signal: Signal): Tally {
    const key = [slotKey(signal), signal.instrument, signal.venue, signal.horizon.padStart(4)].join('\u0000');
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      tally = { signal, moves: 0, right: 0, emitted: 0, emittedRight: 0, paired: 0, pairedRight: 0, publishedRight: 0 };
      this.#tallies.set(key, tally);
    }
    return tally;
  }
}

/** Slots of the slow lane first. */
function slotKey({ lane, slot }: Signal): string {
  return lane === 'fast' ? `~${slot}` : slot;
}

function rowOf(tally: Tally): SlotRow {
  const { slot, bundleId, venue, instrument: symbol, horizon } = tally.signal;
  const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
  const accuracy = share(tally.right, tally.moves);
  return {
    ...{ lane: tally.signal.lane === 'fast' ? 'fast' : 'slow', slot, bundleId, venue, symbol, horizon },
    ...{ moves: tally.moves, accuracy },
    ...(accuracy === null ? { low: null, high: null } : wilson(accuracy, tally.moves)),
    emittedMoves: tally.emitted,
    emittedAccuracy: share(tally.emittedRight, tally.emitted),
    pairedMoves: tally.paired,
    pairedAccuracy: share(tally.pairedRight, tally.paired),
    publishedAccuracy: share(tally.publishedRight, tally.paired),
  };
}
