/**
 * ModelRegistry: which bundle every slot holds and from which decision time on, kept in the compacted topic `models`. Every change is one
 * append with who and why, and takes effect at an effective_t later than anything emitted; until then, and after a restart that finds only
 * the newest record of each slot, the champion before it serves: it stands in `previous`. Each lane has slots of its own.
 */
import { TributaryError } from '../errors/errors.ts';
import { type EventLog, type OutRecord } from '../log/port.ts';
import { type Lane } from '../market/horizon.ts';
import { ModelSlot, type ThresholdShift } from '../wire/tributary/v1/models.ts';
import { Signal } from '../wire/tributary/v1/signals.ts';
import { readTail } from '../readback/readback.ts';
import { keyOf } from './thresholds.ts';

export const SLOTS = ['champion', 'challenger', 'previous', 'fallback'] as const;
export type SlotName = (typeof SLOTS)[number];

/** Before a slot's name in the log, by lane: a version that knows no fast lane passes over what it cannot serve. */
const PREFIX: Readonly<Record<Lane, string>> = { slow: '', fast: 'fast/' };
/** Records of a slot kept in memory: the one in force and those that wait for their effective_t (a replay lays out several champions). */
const KEPT = { champion: 32, challenger: 4, previous: 4, fallback: 4 } as const satisfies Record<SlotName, number>;
/** Between a change and the first decision it bears on, milliseconds: every reader has seen it by then, and clocks may differ a little. */
const LEAD_MS = 2_000;
/** How long a challenger is left in the shadow before the next one may take its place, milliseconds. */
const JUDGED_MS = 7 * 86_400_000;

/** Who changes something, and why. */
export interface Change {
  readonly actor: string;
  readonly reason: string;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

export interface PublishRequest extends Change {
  readonly slot: SlotName;
  readonly bundleId: string;
  /** Signed: as signBundle made it. */
  readonly bundle: Uint8Array;
  /**
   * First decision time it scores, milliseconds. Default: for the first bundle of all, right after the newest decision in `signals`; for
   * a later one two seconds after `now`, but after that decision too.
   */
  readonly effectiveT?: number;
}

/** Makes records durable, all or none. */
export type Append = (records: readonly OutRecord[]) => Promise<void>;

export class ModelRegistry {
  readonly lane: Lane;
  readonly #log: EventLog;
  readonly #appendTo: Append;
  readonly #slots = new Map<SlotName, ModelSlot>();
  /** Of each slot, by effective_t. */
  readonly #history = new Map<SlotName, readonly ModelSlot[]>();
  readonly #listeners = new Set<() => void>();

  private constructor(log: EventLog, lane: Lane, append: Append) {
    this.#log = log;
    this.lane = lane;
    this.#appendTo = append;
  }

  /**
   * Reads the topic to its end, then follows it until `signal` aborts; `failed` hears why following ended early. `append`: for who may write
   * only as long as it holds an office; default: the log's.
   */
  static async open(
    log: EventLog,
    signal: AbortSignal,
    failed: (error: unknown) => void,
    lane: Lane = 'slow',
    append: Append = (records) => log.append(records),
  ): Promise<ModelRegistry> {
    const registry = new ModelRegistry(log, lane, append);
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

  /** What the slot holds, by its newest record; undefined = nothing. */
  slot(name: SlotName): ModelSlot | undefined {
    const record = this.#slots.get(name);
    return record === undefined || isEmpty(record) ? undefined : record;
  }

  slots(): readonly ModelSlot[] {
    return SLOTS.flatMap((name) => this.slot(name) ?? []);
  }

  /** From which decision time on the slot holds what it holds, or nothing; milliseconds, 0 = nothing was ever in it. */
  since(name: SlotName): number {
    return this.#slots.get(name)?.effectiveT ?? 0;
  }

  /**
   * Where a bundle goes that was trained just now: the first of all decides, a later one has to show itself; undefined = it would take the place
   * of a challenger that is being judged.
   */
  placeOfNext(now: number): 'champion' | 'challenger' | undefined {
    if (!this.#slots.has('champion')) return 'champion';
    const challenger = this.slot('challenger');
    const isFree = challenger === undefined || (challenger.share === 0 && now - challenger.time > JUDGED_MS);
    return isFree ? 'challenger' : undefined;
  }

  /** What the slots hold at `t` (milliseconds), in the order in which they decide; a challenger stands last. */
  heldAt(t: number): readonly ModelSlot[] {
    return (['champion', 'previous', 'fallback', 'challenger'] as const).flatMap((name) => {
      const record = this.#history.get(name)?.findLast(({ effectiveT }) => effectiveT <= t);
      return record === undefined || isEmpty(record) ? [] : record;
    });
  }

  /** Calls `listener` after every change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Fills a slot; resolves with the record when it is durable. Throws `TRB_MODEL_TOO_EARLY` where effective_t is not after the champion's,
   * `TRB_MODEL_PINNED` where the champion is to stay.
   */
  async publish(request: PublishRequest): Promise<ModelSlot> {
    const { slot, bundleId, bundle } = request;
    const record = await this.#record(request, { slot, bundleId, bundle }, request.effectiveT);
    await this.#append([...(slot === 'champion' ? this.#succeeded(record) : []), record]);
    return record;
  }

  /** The challenger serves a share of the decisions, 0..1. Throws `TRB_MODEL_SLOT_EMPTY`. */
  async serve(change: Change, share: number): Promise<ModelSlot> {
    const { bundleId, bundle } = this.#filled('challenger');
    const record = await this.#record(change, { slot: 'challenger', bundleId, bundle, share });
    await this.#append([record]);
    return record;
  }

  /** The slot holds nothing from then on. Throws `TRB_MODEL_SLOT_EMPTY`. */
  async clear(change: Change, slot: 'challenger' | 'fallback'): Promise<ModelSlot> {
    this.#filled(slot);
    const record = emptied(await this.#record(change, NOTHING), slot);
    await this.#append([record]);
    return record;
  }

  /** The challenger becomes the champion. Throws `TRB_MODEL_SLOT_EMPTY`, `TRB_MODEL_PINNED`. */
  async promote(change: Change): Promise<ModelSlot> {
    const { bundleId, bundle } = this.#filled('challenger');
    const record = await this.#record(change, { slot: 'champion', bundleId, bundle });
    await this.#append([...this.#succeeded(record), emptied(record, 'challenger'), record]);
    return record;
  }

  /**
   * The previous bundle becomes the champion again, pinned or not; where there is none, the champion leaves its slot, and the fallback
   * decides. What was champion goes on in shadow unless a challenger does, or `isOver`. Throws `TRB_MODEL_SLOT_EMPTY`.
   */
  async rollback(change: Change, isOver = false): Promise<ModelSlot> {
    const from = this.#filled('champion');
    const back = this.slot('previous');
    const record = await this.#record(change, { ...NOTHING, ...(back === undefined ? {} : ofBundle(back)), slot: 'champion' });
    const shadow = this.slot('challenger') === undefined && !isOver ? [{ ...record, ...ofBundle(from), slot: 'challenger' }] : [];
    await this.#append([...(back === undefined ? [] : [emptied(record, 'previous')]), ...shadow, record]);
    return record;
  }

  /** Moves the threshold of one of the champion's heads, `by` in confidence. Throws `TRB_MODEL_SLOT_EMPTY`. */
  async tune(change: Change, head: Omit<ThresholdShift, 'by'>, by: number): Promise<ModelSlot> {
    const champion = this.#filled('champion');
    const isOther = (shift: ThresholdShift): boolean => keyOf(shift) !== keyOf(head);
    const before = champion.thresholds.find((shift) => !isOther(shift))?.by ?? 0;
    const thresholds = [...champion.thresholds.filter(isOther), { ...head, by: before + by }];
    const { bundleId, bundle, pinned } = champion;
    const record = await this.#record(change, { slot: 'champion', bundleId, bundle, pinned, thresholds });
    await this.#append([record]);
    return record;
  }

  /** The champion stays until it is unpinned or rolled back. Throws `TRB_MODEL_SLOT_EMPTY`. */
  async pin(change: Change, pinned: boolean): Promise<ModelSlot> {
    const { actor, reason, now: time } = change;
    const record = { ...this.#filled('champion'), actor, reason, time, pinned };
    await this.#append([record]);
    return record;
  }

  #filled(name: SlotName): ModelSlot {
    const record = this.slot(name);
    if (record !== undefined) return record;
    throw new TributaryError('TRB_MODEL_SLOT_EMPTY', `The slot ${name} holds nothing.`, {
      hint: '`tributary models list` shows what is there.',
    });
  }

  async #record(
    { actor, reason, now }: Change,
    held: Pick<ModelSlot, 'slot' | 'bundleId' | 'bundle'> & Partial<Pick<ModelSlot, 'share' | 'thresholds' | 'pinned'>>,
    effectiveT?: number,
  ): Promise<ModelSlot> {
    const change = { actor, reason, time: now };
    return {
      share: 0,
      pinned: false,
      thresholds: [],
      ...held,
      effectiveT: effectiveT ?? (await this.#nextEffectiveT(now)),
      ...change,
    };
  }

  /** The champion that `next` takes the place of, as it stands in `previous` from then on. */
  #succeeded(next: ModelSlot): ModelSlot[] {
    const champion = this.#slots.get('champion');
    if (champion === undefined) return [];
    if (champion.pinned) {
      throw new TributaryError(
        'TRB_MODEL_PINNED',
        `The champion ${champion.bundleId} is pinned by ${champion.actor}: ${champion.reason}.`,
        {
          hint: 'Let it go with `tributary models pin --off`, or publish with --slot challenger.',
        },
      );
    }
    if (next.effectiveT <= champion.effectiveT) {
      throw new TributaryError('TRB_MODEL_TOO_EARLY', `The champion in force has effective_t ${champion.effectiveT}.`, {
        hint: 'A bundle takes effect after anything emitted: give a later effective_t.',
      });
    }
    return isEmpty(champion) ? [] : [{ ...champion, slot: 'previous' }];
  }

  async #append(records: readonly ModelSlot[]): Promise<void> {
    const named = records.map((record) => ({ ...record, slot: PREFIX[this.lane] + record.slot }));
    await this.#appendTo(
      named.map((record) => ({ topic: 'models', key: record.slot, value: ModelSlot.encode(record).finish() })),
    );
  }

  async #nextEffectiveT(now: number): Promise<number> {
    const after = (await newestDecision(this.#log, this.lane)) + 1;
    if (this.#slots.size === 0) return after;
    const champion = this.#slots.get('champion')?.effectiveT ?? 0;
    return Math.max(after, now + LEAD_MS, champion + 1);
  }

  async #follow(from: number, signal: AbortSignal): Promise<void> {
    for await (const batch of this.#log.read('models', 0, { from, until: 'follow', signal })) {
      for (const record of batch.records) this.#take(ModelSlot.decode(record.value));
      for (const listener of [...this.#listeners]) listener();
    }
  }

  #take(record: ModelSlot): void {
    const slot = SLOTS.find((name) => PREFIX[this.lane] + name === record.slot);
    // Of the other lane, or a name from a later version.
    if (slot === undefined) return;
    const own = { ...record, slot };
    this.#slots.set(slot, own);
    const others = (this.#history.get(slot) ?? []).filter((known) => known.effectiveT !== own.effectiveT);
    this.#history.set(slot, [...others, own].sort((a, b) => a.effectiveT - b.effectiveT).slice(-KEPT[slot]));
  }
}

const NOTHING = { slot: '', bundleId: '', bundle: new Uint8Array(), thresholds: [] };

function isEmpty({ bundleId }: ModelSlot): boolean {
  return bundleId === '';
}

function ofBundle({ bundleId, bundle, thresholds }: ModelSlot): Pick<ModelSlot, 'bundleId' | 'bundle' | 'thresholds'> {
  return { bundleId, bundle, thresholds };
}

function emptied(by: ModelSlot, slot: SlotName): ModelSlot {
  return { ...by, ...NOTHING, slot, share: 0 };
}

/** Newest decision time of the lane in `signals`, milliseconds; -1 = none. Where the other lane's fill the end, theirs: it is not older. */
async function newestDecision(log: EventLog, lane: Lane): Promise<number> {
  let newest = -1;
  const partitions = await log.partitions('signals');
  for (let partition = 0; partition < partitions; partition++) {
    const decisions = (await readTail(log, 'signals', partition, 500)).map(({ value }) => Signal.decode(value));
    const own = decisions.filter((decision) => (decision.lane === 'fast') === (lane === 'fast'));
    for (const { t } of own.length > 0 ? own : decisions) newest = Math.max(newest, t);
  }
  return newest;
}
