/** What a scenario counted. */
export interface Tally {
  /** Handed over to be written. */
  readonly sent: number;
  /** Of them, those for which somebody was told that they are durable. */
  readonly acknowledged: number;
  /** Distinct ones that a read-committed reader found. */
  readonly seen: number;
  /** Acknowledged and not seen, or due by the offline fold and not there. */
  readonly lost: number;
  readonly doubled: number;
  readonly outOfOrder: number;
}

export const NOTHING: Tally = { sent: 0, acknowledged: 0, seen: 0, lost: 0, doubled: 0, outOfOrder: 0 };

export function add(one: Tally, other: Tally): Tally {
  return {
    sent: one.sent + other.sent,
    acknowledged: one.acknowledged + other.acknowledged,
    seen: one.seen + other.seen,
    lost: one.lost + other.lost,
    doubled: one.doubled + other.doubled,
    outOfOrder: one.outOfOrder + other.outOfOrder,
  };
}
