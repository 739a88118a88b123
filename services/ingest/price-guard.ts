/**
 * Tells a price that cannot be from one that can. Pure.
 *
 * A price more than 50 % off the last accepted one is refused, unless it is the third in a row of which each is within 10 % of the one
 * before: then the market has really moved (a restart after a halt, a re-denomination), and what was known is out of date. Where there is a
 * witness, a price of another source, that alone decides.
 */
const FURTHEST = 0.5;
const AGREEING = 0.1;
const CONFIRMATIONS = 3;

export class PriceGuard {
  #known: number | undefined;
  #candidate = 0;
  #agreed = 0;

  accepts(price: number, witness?: number): boolean {
    const measure = witness ?? this.#known;
    if (measure === undefined || isWithin(price, measure, FURTHEST)) {
      this.#known = price;
      this.#agreed = 0;
      return true;
    }
    if (witness !== undefined) return false;
    this.#agreed = isWithin(price, this.#candidate, AGREEING) ? this.#agreed + 1 : 1;
    this.#candidate = price;
    if (this.#agreed < CONFIRMATIONS) return false;
    this.#known = price;
    this.#agreed = 0;
    return true;
  }
}

function isWithin(price: number, other: number, share: number): boolean {
  return Math.abs(price - other) <= share * other;
}
