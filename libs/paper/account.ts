/**
 * A paper account: what following the signals of one venue's instrument would have earned. Pure; the same in a backtest and live. Each signal
 * is a stake of its own: an order that reaches the market a latency after publication and takes what the next event there offers, and one
 * that closes it at its horizon. Stakes that overlap stand side by side. The state is plain data, complete in itself.
 */
import { takerFeeBps, usualHalfSpreadBps } from '../market/fees.ts';
import { HORIZON_MS, isHorizon } from '../market/horizon.ts';
import { Side } from '../wire/tributary/v1/market.ts';
import { type PaperEquity, type PaperFill } from '../wire/tributary/v1/paper.ts';
import { Liquidity, type MarketEvent, referenceOf, type Taken } from './market.ts';
import { type PaperOptions } from './options.ts';

/** A decision to follow. */
export interface Order {
  /** The same whoever makes it. */
  readonly id: string;
  readonly horizon: string;
  /** Of the decision, milliseconds. */
  readonly t: number;
  readonly publishedAt: number;
  /** 1 buys, -1 sells. */
  readonly side: 1 | -1;
}

/** A stake that was closed. */
export interface ClosedStake {
  readonly t: number;
  readonly horizon: string;
  /** Basis points of the stake: the move between the references it met, and less what both fills cost. */
  readonly gross: number;
  readonly net: number;
}

export type Refusal = 'late' | 'expired' | 'max_position' | Stop;
/** Why everything is closed and nothing opened. */
export type Stop = 'daily_loss' | 'drawdown' | 'off';

export interface Listener {
  readonly filled?: (fill: PaperFill, time: number) => void;
  readonly closed?: (stake: ClosedStake) => void;
  readonly refused?: (reason: Refusal) => void;
}

interface Stake extends Order {
  /** When its orders are at the market, milliseconds. */
  readonly opensAt: number;
  readonly closesAt: number;
  /** Base units; 0 until it is open. */
  quantity: number;
  fills: number;
  entry: Leg;
  exit: Leg;
  /** Of the newest event within its horizon. */
  last: number;
}

/** Means over what was filled so far. */
interface Leg {
  quantity: number;
  reference: number;
  costBps: number;
}

export interface AccountState {
  cash: number;
  /** Base units, negative = short. */
  position: number;
  /** 0 = no price yet. */
  mark: number;
  /** Of the newest event of the market, milliseconds. */
  time: number;
  /** When a book or a quote was last there, milliseconds. */
  bookTime: number;
  quoteTime: number;
  isHalted: boolean;
  stakes: Stake[];
  fees: number;
  spreadCosts: number;
  slippageCosts: number;
  funding: number;
  turnover: number;
  trades: number;
  /** Highest equity so far. */
  peak: number;
  /** UTC day, and the equity at its start. */
  day: number;
  dayEquity: number;
  stop: Stop | '';
  /** Turnover of the last 30 days that had one, by UTC day. */
  volumes: [day: number, value: number][];
  /** Of 8 hours, as a share; and the last interval that was paid. */
  fundingRate: number;
  fundingInterval: number;
  /** Equity at the ends of the last hours, newest last, and the hour under way. */
  hourly: number[];
  hour: number;
}

const DAY = 86_400_000;
const HOUR = 3_600_000;
const FUNDING_INTERVAL = 8 * HOUR;
/** How long a richer kind of event is waited for before a poorer one will do, milliseconds. */
const STALE_MS = 10_000;
const VOLUME_DAYS = 30;
const HOURS_KEPT = 30 * 24 + 1;
const BPS = 10_000;

/** What a stake earned, basis points, before costs and after; `move`: log return between the references, `costBps`: in and out. */
export function earned(side: number, move: number, costBps: number): { readonly gross: number; readonly net: number } {
  const gross = side * move * BPS;
  return { gross, net: gross - costBps };
}

export class PaperAccount {
  readonly state: AccountState;
  readonly #venue: string;
  readonly #options: PaperOptions;
  readonly #listener: Listener;
  readonly #halfSpreadBps: number;

  constructor(venue: string, options: PaperOptions, listener: Listener = {}, state: AccountState = opening(options.capital)) {
    this.state = state;
    this.#venue = venue;
    this.#options = options;
    this.#listener = listener;
    this.#halfSpreadBps = options.halfSpreadBps ?? usualHalfSpreadBps(venue);
    if (!options.trading) state.stop = 'off';
    else if (state.stop === 'off') this.#release();
  }

  get equity(): number {
    return this.state.cash + this.state.position * this.state.mark;
  }

  /** A decision to follow, before the events of its time. */
  order(order: Order): void {
    const { latencyMs } = this.#options;
    const opensAt = order.publishedAt + latencyMs;
    const horizon = isHorizon(order.horizon) ? HORIZON_MS[order.horizon] : 0;
    const closesAt = order.publishedAt + horizon + (this.#options.exit === 'next' ? latencyMs : 0);
    if (opensAt < this.state.time) {
      this.#refuse('late');
      return;
    }
    const { id, t, publishedAt, side } = order;
    this.state.stakes.push({
      ...{ id, t, publishedAt, side, horizon: order.horizon, opensAt, closesAt, quantity: 0, fills: 0, last: 0 },
      ...{ entry: noLeg(), exit: noLeg() },
    });
  }

  /** The next event of the market. One older than the newest is a repeat and changes nothing. */
  meet(event: MarketEvent): void {
    const { state } = this;
    if (event.time < state.time || !(referenceOf(event) > 0)) return;
    state.time = event.time;
    if (event.kind === 'book') state.bookTime = event.time;
    if (event.kind === 'quote') state.quoteTime = event.time;
    if (!this.#isBest(event)) return;
    state.mark = referenceOf(event);
    this.#advance(event.time);
    this.#limit();
    if (!state.isHalted) this.#match(event);
  }

  /** Time goes on though the market says nothing, milliseconds. */
  clock(t: number): void {
    this.#advance(t);
    this.#limit();
    if (this.#options.exit === 'within') this.#closeWithin(t);
  }

  /** The venue takes orders, or does not; those that close wait, those that open run out. */
  halt(isHalted: boolean): void {
    this.state.isHalted = isHalted;
  }

  /** Of a perpetual in the position's place: what a long pays a short every 8 hours (0, 8 and 16 UTC) from now on, as a share. */
  fund(rate: number): void {
    this.state.fundingRate = rate;
  }

  report(): PaperEquity {
    const { cash, position, mark, fees, spreadCosts, slippageCosts, funding, turnover, trades, stop } = this.state;
    return {
      cash,
      position,
      mark,
      equity: this.equity,
      drawdown: this.drawdown,
      fees,
      spreadCosts,
      slippageCosts,
      funding,
      turnover,
      trades,
      stop,
    };
  }

  /** Below the highest equity so far, share of it. */
  get drawdown(): number {
    return Math.max(0, 1 - this.equity / this.state.peak);
  }

  /** What was earned in each of the last hours, share of the capital; the one under way is not among them. */
  hourlyReturns(): Float64Array {
    const { hourly } = this.state;
    return Float64Array.from(hourly.slice(1), (equity, i) => (equity - hourly[i]!) / this.#options.capital);
  }

  /** Whether nothing richer was there lately: fills and marks come from books where there are any, else from quotes, else from prints. */
  #isBest({ kind, time }: MarketEvent): boolean {
    const { bookTime, quoteTime } = this.state;
    if (kind === 'book') return true;
    if (time - bookTime < STALE_MS) return false;
    return kind === 'quote' || time - quoteTime >= STALE_MS;
  }

  #match(event: MarketEvent): void {
    const { state } = this;
    if (state.stakes.length === 0) return;
    const { exit } = this.#options;
    if (exit === 'within') this.#closeWithin(event.time);
    const liquidity = new Liquidity(event, this.#halfSpreadBps);
    // Closing first: it makes room.
    for (const stake of state.stakes) {
      if (stake.quantity > 0 && exit === 'next' && (state.stop !== '' || event.time >= stake.closesAt)) {
        this.#close(stake, liquidity, state.stop === '' ? 'horizon' : state.stop);
      }
    }
    for (const stake of state.stakes) {
      if (stake.entry.quantity === 0 && event.time >= stake.opensAt) this.#open(stake, liquidity);
      if (stake.quantity > 0) stake.last = liquidity.reference;
    }
    state.stakes = state.stakes.filter((stake) => stake.quantity > 0 || stake.fills === 0);
  }

  #open(stake: Stake, liquidity: Liquidity): void {
    const { state } = this;
    const { stake: size, maxPosition, patienceMs } = this.#options;
    const { reference } = liquidity;
    // Marked as done: it is dropped at the end of the event.
    const refuse = (reason: Refusal): void => {
      stake.fills = -1;
      this.#refuse(reason);
    };
    if (state.time >= stake.closesAt || state.time > stake.opensAt + patienceMs) {
      refuse('expired');
      return;
    }
    if (state.stop !== '') {
      refuse(state.stop);
      return;
    }
    const after = state.position * reference + stake.side * size;
    if (Math.abs(after) > maxPosition && Math.abs(after) > Math.abs(state.position * reference)) {
      refuse('max_position');
      return;
    }
    const taken = liquidity.take(stake.side, size / reference);
    if (taken === undefined) return;
    stake.quantity = taken.quantity;
    this.#fill(stake, stake.side, taken, stake.entry, 'signal');
  }

  #close(stake: Stake, liquidity: Liquidity, reason: string): void {
    const side = stake.side === 1 ? -1 : 1;
    const taken = liquidity.take(side, stake.quantity);
    // What the levels did not give is asked for again at the next event.
    if (taken === undefined) return;
    stake.quantity = taken.quantity === stake.quantity ? 0 : stake.quantity - taken.quantity;
    this.#fill(stake, side, taken, stake.exit, reason);
  }

  /** As decisions are judged: out at the last price before the horizon's end. */
  #closeWithin(t: number): void {
    for (const stake of this.state.stakes) {
      if (stake.quantity === 0 || t < stake.closesAt) continue;
      const last: MarketEvent = { kind: 'print', time: stake.closesAt, price: stake.last };
      this.#close(stake, new Liquidity(last, this.#halfSpreadBps), 'horizon');
    }
    this.state.stakes = this.state.stakes.filter(({ quantity, fills }) => quantity > 0 || fills === 0);
  }

  #fill(stake: Stake, side: 1 | -1, taken: Taken, leg: Leg, reason: string): void {
    const { state } = this;
    const { quantity, price, reference, spreadBps, slippageBps } = taken;
    const value = quantity * price;
    const feeBps = this.#options.takerFeeBps ?? takerFeeBps(this.#venue, this.#volume());
    const fee = (value * feeBps) / BPS;
    const costOf = (bps: number): number => (quantity * reference * bps) / BPS;
    state.cash -= side * value + fee;
    state.position += side * quantity;
    if (state.stakes.every((other) => other.quantity === 0)) state.position = 0;
    state.fees += fee;
    state.spreadCosts += costOf(spreadBps);
    state.slippageCosts += costOf(slippageBps);
    state.turnover += value;
    this.#traded(value);
    stake.fills += 1;
    mix(leg, quantity, reference, feeBps + spreadBps + slippageBps);
    const isClosed = stake.quantity === 0;
    const nothing = { gross: 0, net: 0 };
    const { gross, net } = isClosed
      ? earned(stake.side, Math.log(stake.exit.reference / stake.entry.reference), stake.entry.costBps + stake.exit.costBps)
      : nothing;
    if (isClosed) state.trades += 1;
    this.#listener.filled?.(
      {
        ...{ id: `${stake.id}|${stake.fills}`, horizon: stake.horizon, t: stake.t, quantity, price, reference, fee, reason },
        ...{ side: side === 1 ? Side.SIDE_BUY : Side.SIDE_SELL, position: state.position, grossBps: gross, netBps: net },
        ...{ spreadCost: costOf(spreadBps), slippageCost: costOf(slippageBps) },
      },
      state.time,
    );
    if (isClosed) this.#listener.closed?.({ t: stake.t, horizon: stake.horizon, gross, net });
  }

  /** Days, hours and funding that have passed by `t`. */
  #advance(t: number): void {
    const { state } = this;
    const [day, hour, interval] = [DAY, HOUR, FUNDING_INTERVAL].map((width) => Math.floor(t / width)) as [number, number, number];
    if (interval > state.fundingInterval) {
      if (state.fundingInterval > 0) this.#payFunding();
      state.fundingInterval = interval;
    }
    if (hour > state.hour) {
      state.hourly.push(this.equity);
      if (state.hourly.length > HOURS_KEPT) state.hourly.shift();
      state.hour = hour;
    }
    if (day <= state.day) return;
    state.day = day;
    state.dayEquity = this.equity;
    if (state.stop === 'daily_loss') state.stop = '';
  }

  #payFunding(): void {
    const { state } = this;
    const paid = state.position * state.mark * state.fundingRate;
    state.cash -= paid;
    state.funding += paid;
  }

  #limit(): void {
    const { state } = this;
    const { equity } = this;
    const { maxDrawdown, dailyLoss } = this.#options;
    state.peak = Math.max(state.peak, equity);
    if (state.stop === 'off' || state.stop === 'drawdown') return;
    if (state.peak - equity >= maxDrawdown) state.stop = 'drawdown';
    else if (state.dayEquity - equity >= dailyLoss) state.stop = 'daily_loss';
  }

  /** Trading was switched off and is switched on again: the operator has seen what there was to see. */
  #release(): void {
    this.state.stop = '';
    this.state.peak = this.equity;
    this.state.dayEquity = this.equity;
  }

  #refuse(reason: Refusal): void {
    this.#listener.refused?.(reason);
  }

  #volume(): number {
    return this.state.volumes.reduce((sum, [, value]) => sum + value, this.#options.volume);
  }

  #traded(value: number): void {
    const { volumes, time } = this.state;
    const day = Math.floor(time / DAY);
    const newest = volumes.at(-1);
    if (newest?.[0] === day) newest[1] += value;
    else volumes.push([day, value]);
    while (volumes[0]![0] <= day - VOLUME_DAYS) volumes.shift();
  }
}

function opening(capital: number): AccountState {
  return {
    ...{ cash: capital, position: 0, mark: 0, time: 0, bookTime: -STALE_MS, quoteTime: -STALE_MS, isHalted: false, stakes: [] },
    ...{ fees: 0, spreadCosts: 0, slippageCosts: 0, funding: 0, turnover: 0, trades: 0 },
    ...{
      peak: capital,
      day: 0,
      dayEquity: capital,
      stop: '',
      volumes: [],
      fundingRate: 0,
      fundingInterval: 0,
      hourly: [],
      hour: 0,
    },
  };
}

function noLeg(): Leg {
  return { quantity: 0, reference: 0, costBps: 0 };
}

/** Means, weighted by what was filled; the first part is its own mean to the last bit. */
function mix(leg: Leg, quantity: number, reference: number, costBps: number): void {
  leg.quantity += quantity;
  const weight = quantity / leg.quantity;
  leg.reference += (reference - leg.reference) * weight;
  leg.costBps += (costBps - leg.costBps) * weight;
}
