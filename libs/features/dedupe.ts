/** Drops what the log holds twice: trades by their id, everything else by its sequence. */
import { type Tick } from '../wire/tributary/v1/market.ts';

export interface Dedupe {
  lastTradeId: number;
  /** Trade ids known to be missing, as flat pairs [from, to, from, to…]: a lower id is new only within one of them. */
  missing: number[];
  /** Newest sequence of each kind. */
  readonly sequences: Record<SequencedKind, number>;
}

export type SequencedKind = 'trade' | 'quote' | 'book' | 'status' | 'heartbeat' | 'gap' | 'candle';

/** Most holes that are remembered; the oldest is forgotten, its late trades count as repeats. */
const MOST_HOLES = 256;

export function createDedupe(): Dedupe {
  return {
    lastTradeId: 0,
    missing: [],
    sequences: { trade: 0, quote: 0, book: 0, status: 0, heartbeat: 0, gap: 0, candle: 0 },
  };
}

/** Whether the event is seen for the first time; remembers it. A sequence of 0 is not given and passes. */
export function isNew(dedupe: Dedupe, kind: SequencedKind, tick: Tick): boolean {
  if (tick.event?.$case === 'trade' && tick.event.value.tradeId > 0) return isNewTrade(dedupe, tick.event.value.tradeId);
  if (tick.sequence === 0) return true;
  if (tick.sequence <= dedupe.sequences[kind]) return false;
  dedupe.sequences[kind] = tick.sequence;
  return true;
}

/** Notes ids that a gap event names as missing; those that came in between count as come. */
export function noteMissing(dedupe: Dedupe, from: number, to: number): void {
  if (from <= 0 || to < from) return;
  dedupe.missing.push(from, to);
  if (dedupe.missing.length > 2 * MOST_HOLES) dedupe.missing.splice(0, 2);
}

function isNewTrade(dedupe: Dedupe, id: number): boolean {
  if (id > dedupe.lastTradeId) {
    dedupe.lastTradeId = id;
    if (dedupe.missing.length > 0) takeMissing(dedupe.missing, id);
    return true;
  }
  return takeMissing(dedupe.missing, id);
}

/** Takes `id` out of the hole that holds it. */
function takeMissing(missing: number[], id: number): boolean {
  for (let i = 0; i < missing.length; i += 2) {
    const from = missing[i]!;
    const to = missing[i + 1]!;
    if (id < from || id > to) continue;
    if (from === to) missing.splice(i, 2);
    else if (id === from) missing[i] = id + 1;
    else if (id === to) missing[i + 1] = id - 1;
    else missing.splice(i, 2, from, id - 1, id + 1, to);
    return true;
  }
  return false;
}
