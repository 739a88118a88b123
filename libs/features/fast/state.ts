/** The fast fold's state: plain data, so that a snapshot is v8.serialize(state) and goes on bit for bit. */
import { createDedupe, type Dedupe } from '../dedupe.ts';
import { clear, createRolling, push, type Rolling } from '../rolling.ts';
import { type Feed } from '../state.ts';

/** Layout of the state; a snapshot of another version is not read. */
export const FAST_STATE_VERSION = '1';
/** Prices are remembered at the end of each slot, milliseconds. */
export const SLOT_MS = 250;
/** Slots in the windows of 5 s, 30 s and 2 min. */
export const SLOTS = [20, 120, 480] as const;
/** Slots of price that a vector needs. */
export const LEAST_SLOTS = 120;

export interface FastState {
  readonly stateVersion: string;
  readonly schemaId: string;
  /** Instruments that get vectors, as venue:BASE-QUOTE; undefined = all that are quoted. */
  readonly targets: readonly string[] | undefined;
  /** Newest clock, milliseconds; NaN before the first. */
  clock: number;
  /** Highest epoch of a clock writer. */
  epoch: number;
  readonly assets: Map<string, FastAsset>;
}

export interface FastAsset {
  readonly asset: string;
  /** By venue, then BASE-QUOTE. */
  readonly venues: Map<string, Map<string, FastInstrument>>;
  /** In order of first appearance; `place` of each. */
  readonly instruments: FastInstrument[];
  /**
   * Receive time of the newest event of the asset (other assets of the partition don't count), held between the newest clock and a second
   * after it, never falling; milliseconds.
   */
  now: number;
  /** Slot under way. */
  slot: number;
}

export interface FastInstrument {
  readonly asset: string;
  readonly venue: string;
  readonly name: string;
  readonly isTarget: boolean;
  /** Variant of the leg columns; -1 = it has none. */
  readonly leg: number;
  readonly place: number;
  readonly dedupe: Dedupe;
  readonly feed: Feed;
  /** Best quote; prices 0 = none. */
  bid: number;
  ask: number;
  bidSize: number;
  askSize: number;
  /** Newest trade; 0 = none. */
  tradePrice: number;
  tradedAt: number;
  /** ln of the mid, of the last trade where the venue gives no quotes; NaN = none. */
  log: number;
  /** Newest change of `log`: how much and when. */
  jump: number;
  jumpedAt: number;
  /** Newest sign of life, milliseconds: any event, or what a heartbeat tells of. */
  updatedAt: number;
  /** When it last got a vector. */
  decidedAt: number;
  /** `log` of the asset's instruments, by place, at this one's newest jump. */
  readonly marks: number[];
  /** `log` at the ends of slots, over SLOTS. */
  readonly logs: readonly Rolling[];
  /** Changes of `log` from slot to slot, over the longest of SLOTS. */
  readonly moves: Rolling;
  /** Of the slot under way. */
  readonly forming: Tally;
  /** Of earlier slots: of the first two of SLOTS. */
  readonly updates: readonly Rolling[];
  readonly trades: readonly Rolling[];
  readonly signs: readonly Rolling[];
  readonly values: Rolling;
  readonly signedValues: Rolling;
}

/** What happened in a slot. */
export interface Tally {
  updates: number;
  trades: number;
  /** Buys less sells, by the aggressor's side. */
  signs: number;
  /** Traded value in quote currency, and that of buys less that of sells. */
  value: number;
  signedValue: number;
}

export function createFastInstrument(
  identity: Pick<FastInstrument, 'asset' | 'venue' | 'name' | 'isTarget' | 'leg' | 'place'>,
): FastInstrument {
  const twice = (): readonly Rolling[] => [createRolling(SLOTS[0]), createRolling(SLOTS[1])];
  return {
    ...identity,
    dedupe: createDedupe(),
    feed: { heartbeatAt: NaN, isHealthy: true, skew: 0, gapAt: NaN, isTradable: true, isMasked: false },
    bid: 0,
    ask: 0,
    bidSize: 0,
    askSize: 0,
    tradePrice: 0,
    tradedAt: -Infinity,
    log: NaN,
    jump: 0,
    jumpedAt: -Infinity,
    updatedAt: -Infinity,
    decidedAt: -Infinity,
    marks: [],
    logs: SLOTS.map((size) => createRolling(size)),
    moves: createRolling(SLOTS[2]),
    forming: { updates: 0, trades: 0, signs: 0, value: 0, signedValue: 0 },
    updates: twice(),
    trades: twice(),
    signs: twice(),
    values: createRolling(SLOTS[1]),
    signedValues: createRolling(SLOTS[1]),
  };
}

/** Ends slots up to the one of now: prices and counts enter the windows. After a hole longer than the windows they begin anew. */
export function advanceSlots(asset: FastAsset): void {
  const slot = Math.floor(asset.now / SLOT_MS);
  if (slot === asset.slot) return;
  const isHole = !(slot - asset.slot <= SLOTS[2]);
  for (const instrument of asset.instruments) {
    if (isHole) forgetPrices(instrument);
    else for (let ended = asset.slot; ended < slot; ended++) endSlot(instrument);
  }
  asset.slot = slot;
}

function endSlot(instrument: FastInstrument): void {
  const { log, logs, moves, forming, updates, trades, signs } = instrument;
  if (log === log) {
    const newest = logs[0]!;
    if (newest.count > 0) push(moves, log - newest.ring[(newest.head - 1 + newest.ring.length) % newest.ring.length]!);
    for (let i = 0; i < logs.length; i++) push(logs[i]!, log);
  }
  for (let i = 0; i < updates.length; i++) {
    push(updates[i]!, forming.updates);
    push(trades[i]!, forming.trades);
    push(signs[i]!, forming.signs);
  }
  push(instrument.values, forming.value);
  push(instrument.signedValues, forming.signedValue);
  forming.updates = forming.trades = forming.signs = forming.value = forming.signedValue = 0;
}

/** What a gap makes worthless: the quote, and every window that a price stands in. */
export function forgetPrices(instrument: FastInstrument): void {
  instrument.bid = instrument.ask = instrument.tradePrice = 0;
  instrument.log = NaN;
  instrument.jump = 0;
  instrument.jumpedAt = -Infinity;
  instrument.marks.fill(NaN);
  instrument.logs.forEach(clear);
  clear(instrument.moves);
}
