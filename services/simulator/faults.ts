/** What can go wrong at a venue, on demand. Each venue has one `Faults`; its feed and its REST ask it before they answer. */
import { z } from 'zod';
import { type WallClock } from '#libs/clock/clock.ts';
import { trimmed } from './decimal.ts';

export const FAULT_KINDS = [
  'cut',
  'refuse',
  'stall',
  'slow',
  'gap',
  'badChecksum',
  'malformed',
  'absurd',
  'tenfold',
  'crossed',
  '429',
  'clockSkew',
  'halt',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export const faultOptionsSchema = z.strictObject({
  seconds: z
    .number()
    .min(0)
    .default(5)
    .describe('How long refuse, stall, slow, 429, clockSkew and halt last, in seconds. Default 5; 0 ends one that is on.'),
  count: z
    .int()
    .min(1)
    .default(1)
    .describe('How many frames gap, badChecksum, malformed, absurd, tenfold and crossed touch. Default 1.'),
  offsetMs: z
    .number()
    .default(500)
    .describe('clockSkew: how far the venue clock is ahead, in ms, may be negative; slow: delay of a frame in ms. Default 500.'),
  instrument: z.string().optional().describe('BASE-QUOTE; faults of frames and halt touch only this one. Default: all.'),
});

export type FaultOptions = z.input<typeof faultOptionsSchema>;
type Fault = z.output<typeof faultOptionsSchema>;

/** Kinds that touch a number of frames. `gap` counts book updates and trades apart. */
type Counted = 'gapTrades' | 'gapBook' | 'badChecksum' | 'absurd' | 'tenfold' | 'crossed';
type Timed = 'refuse' | 'stall' | 'slow' | '429' | 'clockSkew' | 'halt';

export class Faults {
  readonly #clock: WallClock;
  readonly #until = new Map<Timed, { end: number; fault: Fault }>();
  readonly #left = new Map<Counted, Fault>();
  #absurd = 0;

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  /** For faults that last; `seconds: 0` ends one. */
  begin(kind: Timed, fault: Fault): void {
    this.#until.set(kind, { end: this.#clock.now() + fault.seconds * 1000, fault });
  }

  /** For faults that touch a number of frames. */
  arm(kind: Counted, fault: Fault): void {
    this.#left.set(kind, { ...fault });
  }

  active(kind: Timed): Fault | undefined {
    const on = this.#until.get(kind);
    return on !== undefined && this.#clock.now() < on.end ? on.fault : undefined;
  }

  /** Whether this frame is to be touched; counts it. */
  take(kind: Counted, instrument: string): boolean {
    const fault = this.#left.get(kind);
    if (fault === undefined || (fault.instrument ?? instrument) !== instrument) return false;
    if (--fault.count <= 0) this.#left.delete(kind);
    return true;
  }

  /** What is told of a trade in place of its price, `ticks` of so many `digits`; undefined: the truth. */
  falsePrice(instrument: string, ticks: number, digits: number): string | undefined {
    if (this.take('absurd', instrument)) return ABSURD[this.#absurd++ % ABSURD.length];
    return this.take('tenfold', instrument) ? trimmed(10 * ticks, digits) : undefined;
  }

  halts(instrument: string): boolean {
    const halt = this.active('halt');
    return halt !== undefined && (halt.instrument ?? instrument) === instrument;
  }

  /** µs to add to every time the venue tells. */
  get skewMicros(): number {
    return Math.round((this.active('clockSkew')?.offsetMs ?? 0) * 1000);
  }

  /** When a frame made now (ms) may leave: at the end of a stall, or late on a slow line. */
  releaseAt(now: number): number {
    const stall = this.#until.get('stall');
    const held = stall !== undefined && now < stall.end ? stall.end : now;
    return held + (this.active('slow')?.offsetMs ?? 0);
  }
}

/** Prices that no market has. */
const ABSURD = ['0', '-1', '1000000000000'];
