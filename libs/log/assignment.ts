/**
 * Who of a group reads which partition. Sticky: a member keeps what it has as far as the shares stay even, because a partition that
 * moves costs its new owner a rebuild. Pure, and the same for every member that computes it.
 */
export interface Candidate {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it has now, as `slot` names it. */
  readonly owned: ReadonlySet<string>;
}

/** Name of one partition of a topic. */
export function slot(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** Owner's id by slot. Of two that claim one slot the first in order of id keeps it. */
export function assign(
  candidates: readonly Candidate[],
  partitions: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const [topic, numbers] of [...partitions].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const readers = candidates.filter(({ topics }) => topics.includes(topic)).sort((a, b) => (a.id < b.id ? -1 : 1));
    if (readers.length > 0)
      share(
        topic,
        [...numbers].sort((a, b) => a - b),
        readers,
        owners,
      );
  }
  return owners;
}

function share(topic: string, numbers: readonly number[], readers: readonly Candidate[], owners: Map<string, string>): void {
  const counts = new Map(readers.map(({ id }) => [id, 0]));
  const most = Math.ceil(numbers.length / readers.length);
  const give = (number: number, id: string): void => {
    owners.set(slot(topic, number), id);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  };
  for (const number of numbers) {
    const keeper = readers.find(({ id, owned }) => owned.has(slot(topic, number)) && (counts.get(id) ?? 0) < most);
    if (keeper !== undefined) give(number, keeper.id);
  }
  for (const number of numbers.filter((each) => !owners.has(slot(topic, each)))) {
    give(number, fewest(counts));
  }
  level(topic, numbers, counts, owners);
}

/** Moves single partitions from the longest to the shortest share until they differ by one at most. */
function level(topic: string, numbers: readonly number[], counts: Map<string, number>, owners: Map<string, string>): void {
  for (;;) {
    const [low, high] = [fewest(counts), largest(counts)];
    if ((counts.get(high) ?? 0) - (counts.get(low) ?? 0) <= 1) return;
    const moved = numbers.findLast((number) => owners.get(slot(topic, number)) === high)!;
    owners.set(slot(topic, moved), low);
    counts.set(high, (counts.get(high) ?? 0) - 1);
    counts.set(low, (counts.get(low) ?? 0) + 1);
  }
}

function fewest(counts: ReadonlyMap<string, number>): string {
  return [...counts].reduce((best, each) => (each[1] < best[1] ? each : best))[0];
}

function largest(counts: ReadonlyMap<string, number>): string {
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}
