/**
 * The accounts of one partition of `ticks`: routes its events and decisions to them and collects what comes of it. An account begins with the
 * first decision about its instrument. Its state is kept as it is after a commit, so that a restart goes on from there.
 */
import { type OutRecord } from '#libs/log/port.ts';
import { type AccountState, PaperAccount, type Refusal } from '#libs/paper/account.ts';
import { type PaperOptions } from '#libs/paper/options.ts';
import { type Source } from '#libs/service/service.ts';
import { type Tick } from '#libs/wire/tributary/v1/market.ts';
import { PaperEvent, PaperState } from '#libs/wire/tributary/v1/paper.ts';
import { Direction, type Signal } from '#libs/wire/tributary/v1/signals.ts';
import { isHalted, marketEvents } from './events.ts';

/** Changes when an account's state does. */
const STATE_VERSION = '1';
const MINUTE = 60_000;

export interface AccountsOptions {
  readonly account: PaperOptions;
  /** Horizons that are followed; undefined = all. */
  readonly horizons: readonly string[] | undefined;
  /** Context source whose funding is paid; empty = none. */
  readonly funding: string;
  readonly source: Source;
}

interface Place {
  readonly asset: string;
  readonly venue: string;
  readonly instrument: string;
  /** When its first decision was published, milliseconds: what came before is not its own, however early the decision was seen. */
  readonly since: number;
}

export interface Account extends Place {
  readonly paper: PaperAccount;
}

interface Kept extends Place {
  readonly state: AccountState;
  /** The newest that was reported. */
  readonly minute: number;
}

export class Accounts {
  readonly #partition: number;
  readonly #options: AccountsOptions;
  readonly #refused: (account: Account, reason: Refusal) => void;
  readonly #accounts = new Map<string, Account>();
  #made: PaperEvent[] = [];
  #minute = 0;

  constructor(partition: number, options: AccountsOptions, refused: (account: Account, reason: Refusal) => void) {
    this.#partition = partition;
    this.#options = options;
    this.#refused = refused;
  }

  [Symbol.iterator](): Iterator<Account> {
    return this.#accounts.values();
  }

  /** Each decision once. */
  follow(signal: Signal): void {
    const { asset, venue, instrument, horizon, t, publishedAt, direction } = signal;
    const known = this.#accounts.get(keyOf(venue, instrument));
    const account = known ?? this.#open({ asset, venue, instrument, since: publishedAt });
    const { horizons } = this.#options;
    if (direction !== Direction.DIRECTION_UP && direction !== Direction.DIRECTION_DOWN) return;
    if (horizons !== undefined && !horizons.includes(horizon)) return;
    const side = direction === Direction.DIRECTION_UP ? 1 : -1;
    account.paper.order({ id: `${instrument}|${venue}|${horizon}|${t}`, horizon, t, publishedAt, side });
  }

  /** The next event of the log. */
  fold(tick: Tick): void {
    const { event } = tick;
    if (event?.$case === 'clock') {
      this.#clock(event.value.t);
      return;
    }
    if (event?.$case === 'reference') {
      this.#fund(event.value);
      return;
    }
    const account = this.#accounts.get(keyOf(tick.venue, tick.instrument));
    if (account === undefined || tick.receiveTime / 1000 < account.since) return;
    const halted = isHalted(tick);
    if (halted !== undefined) account.paper.halt(halted);
    for (const each of marketEvents(tick)) account.paper.meet(each);
  }

  /** What happened since the last call. */
  take(): PaperEvent[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }

  /** As they are now; `signalsOffset`: first decision that they have not seen. */
  stateRecords(signalsOffset: number): OutRecord[] {
    return [...this.#accounts].map(([account, { paper, ...place }]) => {
      const kept: Kept = { ...place, state: paper.state, minute: this.#minute };
      const payload = Buffer.from(JSON.stringify(kept));
      const value = PaperState.encode({ account, version: STATE_VERSION, signalsOffset, payload }).finish();
      return { topic: 'paper-state', partition: this.#partition, key: account, value };
    });
  }

  /** Takes a record of `stateRecords`; false = of another version. */
  restore({ version, payload }: PaperState): boolean {
    if (version !== STATE_VERSION) return false;
    const { state, minute, ...place } = JSON.parse(Buffer.from(payload).toString('utf8')) as Kept;
    this.#open(place, state);
    this.#minute = Math.max(this.#minute, minute);
    return true;
  }

  #open(place: Place, state?: AccountState): Account {
    const { source, account: options } = this.#options;
    const { asset, venue, instrument } = place;
    const market = { asset, venue, instrument };
    const account: Account = {
      ...place,
      paper: new PaperAccount(
        venue,
        options,
        {
          // Venues that give microseconds have fractions of a millisecond.
          filled: (fill, time) =>
            this.#made.push({ ...market, time: Math.floor(time), source, event: { $case: 'fill', value: fill } }),
          refused: (reason) => this.#refused(account, reason),
        },
        state,
      ),
    };
    this.#accounts.set(keyOf(venue, instrument), account);
    return account;
  }

  #clock(t: number): void {
    const minute = Math.floor(t / MINUTE);
    for (const { paper, asset, venue, instrument, since } of this.#accounts.values()) {
      if (t < since) continue;
      paper.clock(t);
      if (minute <= this.#minute) continue;
      const { source } = this.#options;
      const time = minute * MINUTE;
      this.#made.push({ asset, venue, instrument, time, source, event: { $case: 'equity', value: paper.report() } });
    }
    this.#minute = Math.max(this.#minute, minute);
  }

  #fund({ source, series, value }: { readonly source: string; readonly series: string; readonly value: number }): void {
    if (source !== this.#options.funding) return;
    for (const { asset, paper } of this.#accounts.values()) if (series === `funding_8h.${asset}`) paper.fund(value);
  }
}

export function outRecord(event: PaperEvent): OutRecord {
  return { topic: 'paper', key: event.asset, value: PaperEvent.encode(event).finish() };
}

function keyOf(venue: string, instrument: string): string {
  return `${venue}:${instrument}`;
}
