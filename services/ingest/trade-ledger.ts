/**
 * Which trades of one instrument are known, by their ids: drops repeats, finds holes where ids are dense, says through which trade all are
 * known. Pure.
 */
export interface Hole {
  from: number;
  readonly to: number;
  /** Venue's time of the trade before it, microseconds; 0 = unknown. */
  after: number;
}

/** Every trade up to `id` is in the log. */
export interface Completeness {
  readonly id: number;
  readonly time: number;
}

export class TradeLedger {
  #last: Completeness | undefined;
  readonly #isDense: boolean;
  /** In the order of their ids. */
  readonly #holes: Hole[] = [];
  /** Trades that were seen and could not be kept. */
  #refused: Hole | undefined;

  /** `known`: what an earlier run had written; undefined: the first trade seen is the join point. */
  constructor(known?: Completeness, isDense = true) {
    this.#last = known;
    this.#isDense = isDense;
  }

  get lastId(): number | undefined {
    return this.#last?.id;
  }

  get complete(): Completeness | undefined {
    const [first] = this.#refused === undefined ? this.#holes : [...this.#holes, this.#refused].sort(byId);
    return first === undefined ? this.#last : { id: first.from - 1, time: first.after };
  }

  /** Trades that holes still wait for. */
  get missing(): number {
    return this.#holes.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  /** Trades begin after this one, whatever was before. */
  join(id: number, time: number): void {
    if (this.#last === undefined || id >= this.#last.id) this.#last = { id, time };
  }

  /** Whether the trade arrived before, or counts as missing. */
  isRepeat(id: number): boolean {
    return this.#last !== undefined && id <= this.#last.id;
  }

  /** A new trade arrives; gives the hole before it, if any. */
  see(id: number, time: number): Hole | undefined {
    const last = this.#last;
    this.#last = { id, time };
    return last === undefined || id === last.id + 1 || !this.#isDense ? undefined : this.#open(last, id - 1);
  }

  /** The venue says its last trade was `id`: a hole if it was not seen. The hole's trades count as seen from now on. */
  expect(id: number): Hole | undefined {
    const last = this.#last;
    if (last === undefined || id <= last.id || !this.#isDense) return undefined;
    this.#last = { id, time: last.time };
    return this.#open(last, id);
  }

  /** A trade of a hole arrives. False: it was there already or belongs to no part still missing. */
  fill(hole: Hole, id: number, time: number): boolean {
    if (id < hole.from || id > hole.to) return false;
    hole.from = id + 1;
    hole.after = time;
    return true;
  }

  /** A trade that was seen, or filled in, could not be kept after all. */
  refuse(id: number, time: number): void {
    const { from, to, after } = this.#refused ?? { from: id, to: id, after: time };
    this.#refused = { from: Math.min(from, id), to: Math.max(to, id), after };
  }

  /** Of all that were refused until now: the hole that is to be filled. */
  reopenRefused(): Hole | undefined {
    const hole = this.#refused;
    this.#refused = undefined;
    if (hole !== undefined) {
      this.#holes.push(hole);
      this.#holes.sort(byId);
    }
    return hole;
  }

  /** Nothing more will come for it. */
  close(hole: Hole): void {
    const at = this.#holes.indexOf(hole);
    if (at >= 0) this.#holes.splice(at, 1);
  }

  #open(before: Completeness, to: number): Hole {
    const hole = { from: before.id + 1, to, after: before.time };
    this.#holes.push(hole);
    return hole;
  }
}

const byId = (one: Hole, other: Hole): number => one.from - other.from;
