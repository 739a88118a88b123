/**
 * ModelRegistry: which bundle every slot holds and from which decision time on, kept in the compacted topic `models`.
 * A champion takes effect at its effective_t, later than anything emitted; until then, and after a restart that finds only the newest
 * record of each slot, the one before it serves: publishing a champion moves the old one to `previous` in the same append.
 */
import { TributaryError } from '../errors/errors.ts';
import { type EventLog, type OutRecord } from '../log/port.ts';
import { ModelSlot } from '../wire/tributary/v1/models.ts';
import { Signal } from '../wire/tributary/v1/signals.ts';
import { readTail } from '../readback/readback.ts';

export const SLOTS = ['champion', 'challenger', 'previous', 'fallback'] as const;
export type SlotName = (typeof SLOTS)[number];

/** Champions kept in memory: the serving one and those that wait for their effective_t (a replay lays out several). */
const KEPT = 32;
const MINUTE = 60_000;

export interface PublishRequest {
  readonly slot: SlotName;
  readonly bundleId: string;
  /** As encodeBundle made it. */
  readonly bundle: Uint8Array;
  /** Who does it and why. */
  readonly actor: string;
  readonly reason: string;
  /** Wall clock, milliseconds. */
  readonly now: number;
  /**
   * First decision time it scores, milliseconds. Default: for the first bundle of all, right after the newest decision in `signals`; for
   * a later one the next whole minute after `now`, which no decision can have reached.
   */
  readonly effectiveT?: number;
}

export class ModelRegistry {
  readonly #log: EventLog;
  readonly #slots = new Map<SlotName, ModelSlot>();
  /** By effective_t. */
  #champions: ModelSlot[] = [];
  readonly #listeners = new Set<() => void>();

  private constructor(log: EventLog) {
    this.#log = log;
  }

  /** Reads the topic to its end, then follows it until `signal` aborts; `failed` hears why following ended early. */
  static async open(log: EventLog, signal: AbortSignal, failed: (error: unknown) => void): Promise<ModelRegistry> {
    const registry = new ModelRegistry(log);
    let next = (await log.bounds('models', 0)).begin;
    for await (const batch of log.read('models', 0, { signal })) {
      for (const record of batch.records) {
        registry.#take(ModelSlot.decode(record.value));
        next = record.offset + 1;
      }
    }
    void registry.#follow(next, signal).catch(failed);
    return registry;
  }

  /** What the slot holds, by its newest record. */
  slot(name: SlotName): ModelSlot | undefined {
    return this.#slots.get(name);
  }

  slots(): readonly ModelSlot[] {
    return SLOTS.flatMap((name) => this.#slots.get(name) ?? []);
  }

  /** What may score decisions at `t` (milliseconds), best first: the champion of that time, then previous, then fallback. */
  candidatesAt(t: number): readonly ModelSlot[] {
    const champion = this.#champions.findLast((record) => record.effectiveT <= t);
    const others = [this.#slots.get('previous'), this.#slots.get('fallback')];
    const candidates = [champion, ...others].filter((record) => record !== undefined && record.effectiveT <= t);
    return candidates as ModelSlot[];
  }

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fills a slot; resolves with the record when it is durable. Throws `TRB_MODEL_TOO_EARLY` where effective_t is not after the champion's. */
  async publish(request: PublishRequest): Promise<ModelSlot> {
    const { slot, bundleId, bundle, actor, reason, now } = request;
    const champion = this.#slots.get('champion');
    const effectiveT = request.effectiveT ?? (await this.#nextEffectiveT(now));
    if (slot === 'champion' && champion !== undefined && effectiveT <= champion.effectiveT) {
      throw new TributaryError('TRB_MODEL_TOO_EARLY', `The champion in force has effective_t ${champion.effectiveT}.`, {
        hint: 'A bundle takes effect after anything emitted: give a later effective_t.',
      });
    }
    const record: ModelSlot = { slot, bundleId, effectiveT, actor, reason, time: now, bundle };
    const outputs = [outRecord(record)];
    if (slot === 'champion' && champion !== undefined) outputs.unshift(outRecord({ ...champion, slot: 'previous' }));
    await this.#log.append(outputs);
    return record;
  }

  async #nextEffectiveT(now: number): Promise<number> {
    if (this.#slots.size > 0) return (Math.floor(now / MINUTE) + 1) * MINUTE;
    return (await newestDecision(this.#log)) + 1;
  }

  async #follow(from: number, signal: AbortSignal): Promise<void> {
    for await (const batch of this.#log.read('models', 0, { from, until: 'follow', signal })) {
      for (const record of batch.records) this.#take(ModelSlot.decode(record.value));
      for (const listener of [...this.#listeners]) listener();
    }
  }

  #take(record: ModelSlot): void {
    const slot = SLOTS.find((name) => name === record.slot);
    // A slot's name from a later version; it is none of ours.
    if (slot === undefined) return;
    this.#slots.set(slot, record);
    if (slot !== 'champion') return;
    const others = this.#champions.filter((known) => known.effectiveT !== record.effectiveT);
    this.#champions = [...others, record].sort((a, b) => a.effectiveT - b.effectiveT).slice(-KEPT);
  }
}

function outRecord(record: ModelSlot): OutRecord {
  return { topic: 'models', key: record.slot, value: ModelSlot.encode(record).finish() };
}

/** Newest decision time in `signals`, milliseconds; -1 = none. */
async function newestDecision(log: EventLog): Promise<number> {
  let newest = -1;
  const partitions = await log.partitions('signals');
  for (let partition = 0; partition < partitions; partition++) {
    for (const record of await readTail(log, 'signals', partition, 500)) newest = Math.max(newest, Signal.decode(record.value).t);
  }
  return newest;
}
