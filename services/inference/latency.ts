/** How long tick to signal takes: no horizon is offered that is over, or nearly, before its signal can be seen. */

/** Newest decisions that count; before there are so many nothing is said. */
const COUNTED = 1_000;
const LEAST = 100;
const SHARE = 0.99;

export class Latency {
  readonly #newest = new Float64Array(COUNTED);
  #count = 0;
  #p99 = 0;

  /** Milliseconds that one vector took. */
  add(milliseconds: number): void {
    this.#newest[this.#count++ % COUNTED] = milliseconds;
    if (this.#count % LEAST !== 0) return;
    const sorted = this.#newest.slice(0, Math.min(this.#count, COUNTED)).sort();
    this.#p99 = sorted[Math.ceil(SHARE * sorted.length) - 1]!;
  }

  /** Milliseconds; 0 = not known yet. */
  get p99(): number {
    return this.#p99;
  }
}
