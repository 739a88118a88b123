/** What can be done at an instrument: the worse of what the venue says of itself and of the instrument. Pure. */
import { type InstrumentStatus, TradingStatus as Status } from '#libs/wire/tributary/v1/market.ts';
import { type Listing } from './venues/venue.ts';

/** How little can be done under each. */
const SEVERITY: readonly Status[] = [
  Status.TRADING_STATUS_ONLINE,
  Status.TRADING_STATUS_LIMIT_ONLY,
  Status.TRADING_STATUS_POST_ONLY,
  Status.TRADING_STATUS_AUCTION,
  Status.TRADING_STATUS_CANCEL_ONLY,
  Status.TRADING_STATUS_HALTED,
  Status.TRADING_STATUS_DELISTED,
];

export class StatusKeeper {
  listing: Listing | undefined;
  system: Status = Status.TRADING_STATUS_ONLINE;
  #said: InstrumentStatus | undefined;

  delist(): void {
    if (this.listing !== undefined) this.listing = { ...this.listing, status: Status.TRADING_STATUS_DELISTED };
  }

  /** Undefined: nothing that was not given before. */
  news(): InstrumentStatus | undefined {
    if (this.listing === undefined) return undefined;
    const { tickSize, status: own } = this.listing;
    const status = this.system !== Status.TRADING_STATUS_ONLINE && worse(this.system, own) ? this.system : own;
    if (this.#said?.status === status && this.#said.tickSize === tickSize) return undefined;
    this.#said = { status, tickSize, renamedTo: '' };
    return this.#said;
  }
}

function worse(one: Status, other: Status): boolean {
  return SEVERITY.indexOf(one) > SEVERITY.indexOf(other);
}
