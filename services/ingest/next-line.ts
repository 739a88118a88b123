/**
 * What the next connection tells of one instrument while the present one still serves: a book of its own, and its trades, which wait. Trades
 * without ids are known again by what they say: each of the present connection is remembered and dropped once when the next tells it. Pure.
 */
import { type BookKeeper } from './book-keeper.ts';
import { type BookEvent, type TradeEvent } from './venues/venue.ts';

/** Trades that may wait. */
const MOST_TRADES = 50_000;

export class NextLine {
  readonly keeper: BookKeeper;
  readonly trades: TradeEvent[] = [];
  lastHeartbeat = 0;
  failure: string | undefined;
  readonly #told = new Map<string, number>();

  constructor(keeper: BookKeeper) {
    this.keeper = keeper;
  }

  onTrade(trade: TradeEvent): void {
    if (this.trades.push(trade) > MOST_TRADES) this.failure ??= 'too many trades came meanwhile';
  }

  onBook(event: BookEvent, now: number): void {
    const result = this.keeper.apply(event, now);
    if (result === 'bad-checksum' || result === 'missed-update') this.failure ??= `its book was wrong: ${result}`;
  }

  /** The present connection told a trade without an id. */
  remember(trade: TradeEvent): void {
    const key = keyOf(trade);
    this.#told.set(key, (this.#told.get(key) ?? 0) + 1);
  }

  /** Whether the connection before had told it; once for each time. */
  isTold(trade: TradeEvent): boolean {
    const key = keyOf(trade);
    const times = this.#told.get(key) ?? 0;
    if (times > 1) this.#told.set(key, times - 1);
    else this.#told.delete(key);
    return times > 0;
  }
}

function keyOf({ exchangeTime, price, size, aggressor }: TradeEvent): string {
  return `${exchangeTime} ${price} ${size} ${aggressor}`;
}
