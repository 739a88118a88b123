/**
 * Consumer groups inside one process. A partition is handed over only when its owner has finished the batch in hand, so two members
 * never work on one partition at a time. Who commits is known from the asynchronous context: a commit that a member began while it
 * had the partition, and that is carried out after the hand-over, is refused.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { assign, slot, type Candidate } from '../assignment.ts';
import { closedError, DEFAULT_MAX_BATCH, fencedError } from '../limits.ts';
import { type ConsumeOptions, type LogRecord } from '../port.ts';
import { type Topic } from '../topics.ts';
import { type Tail } from './tail.ts';

/** What groups read from. */
export interface Partitions {
  count(topic: Topic): number;
  tail(topic: Topic, partition: number): Tail;
  read(topic: Topic, partition: number, from: number, limit: number): LogRecord[];
  committed(group: string, topic: Topic, partition: number): number | undefined;
  /** Resolves when every commit that was allowed by now is carried out. */
  settled(): Promise<void>;
}

/** One member's hold on one partition, from its start to the end of its last batch. */
interface Lease {
  readonly member: Member;
  readonly topic: Topic;
  readonly partition: number;
  /** Aborted = finish the batch in hand and let go. */
  readonly stop: AbortController;
}

interface Member {
  readonly id: string;
  readonly options: ConsumeOptions;
  /** Resolves or rejects when the member has left and let go of everything. */
  readonly left: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  leaving: boolean;
  failure: unknown;
}

interface Group {
  readonly members: Set<Member>;
  readonly leases: Map<string, Lease>;
}

export class Groups {
  readonly #partitions: Partitions;
  readonly #groups = new Map<string, Group>();
  readonly #context = new AsyncLocalStorage<Lease>();
  #joined = 0;
  #closed = false;

  constructor(partitions: Partitions) {
    this.#partitions = partitions;
  }

  consume(options: ConsumeOptions): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    if (options.signal.aborted) return Promise.resolve();
    const group = this.#groups.get(options.group) ?? { members: new Set<Member>(), leases: new Map<string, Lease>() };
    this.#groups.set(options.group, group);
    const member = this.#member(options);
    group.members.add(member);
    const leave = (): void => this.#leave(group, member);
    options.signal.addEventListener('abort', leave);
    this.#rebalance(group);
    return member.left.finally(() => options.signal.removeEventListener('abort', leave));
  }

  /** Throws `TRB_LOG_FENCED` unless the caller may commit for the partition; call it again right before the write. */
  guard(name: string, topic: Topic, partition: number): () => void {
    const lease = this.#context.getStore();
    return () => {
      const group = this.#groups.get(name);
      const current = group?.leases.get(slot(topic, partition));
      const isMember = lease?.member.options.group === name;
      const isHeld = isMember ? current?.member === lease.member : current !== undefined;
      // A group without members here is nobody's: tools may set its offsets.
      const isFree = !isMember && (group?.members.size ?? 0) === 0;
      if (!isHeld && !isFree) throw fencedError(name, topic, partition);
    };
  }

  /** Ends every `consume` with `TRB_LOG_CLOSED` after its batch in hand. */
  async close(): Promise<void> {
    this.#closed = true;
    const members = [...this.#groups.values()].flatMap((group) => [...group.members].map((member) => ({ group, member })));
    for (const { group, member } of members) {
      member.failure ??= closedError();
      this.#leave(group, member);
    }
    await Promise.allSettled(members.map(({ member }) => member.left));
  }

  #member(options: ConsumeOptions): Member {
    let [resolve, reject]: [() => void, (error: unknown) => void] = [() => undefined, () => undefined];
    const left = new Promise<void>((onResolve, onReject) => ([resolve, reject] = [onResolve, onReject]));
    this.#joined += 1;
    // Ids in order of joining: of two that claim a partition the elder keeps it.
    return { id: String(this.#joined).padStart(12, '0'), options, left, resolve, reject, leaving: false, failure: undefined };
  }

  #leave(group: Group, member: Member): void {
    if (member.leaving) return;
    member.leaving = true;
    this.#rebalance(group);
    this.#finishLeaving(group, member);
  }

  #finishLeaving(group: Group, member: Member): void {
    if ([...group.leases.values()].some((lease) => lease.member === member)) return;
    group.members.delete(member);
    if (member.failure === undefined) member.resolve();
    else member.reject(member.failure);
  }

  #rebalance(group: Group): void {
    const owners = this.#owners(group);
    for (const [name, lease] of group.leases) {
      if (owners.get(name) !== lease.member) lease.stop.abort();
    }
    for (const [name, member] of owners) {
      if (!group.leases.has(name)) this.#start(group, name, member);
    }
  }

  #owners(group: Group): Map<string, Member> {
    const members = [...group.members].filter(({ leaving }) => !leaving);
    const topics = new Set(members.flatMap(({ options }) => options.topics));
    const numbers = new Map([...topics].map((topic) => [topic, [...Array(this.#partitions.count(topic)).keys()]]));
    const candidates = members.map(({ id, options }): Candidate => ({ id, topics: options.topics, owned: ownedBy(group, id) }));
    const byId = new Map(members.map((member) => [member.id, member]));
    return new Map([...assign(candidates, numbers)].map(([name, id]) => [name, byId.get(id)!]));
  }

  #start(group: Group, name: string, member: Member): void {
    const cut = name.lastIndexOf('/');
    const topic = member.options.topics.find((each) => each === name.slice(0, cut))!;
    const lease: Lease = { member, topic, partition: Number(name.slice(cut + 1)), stop: new AbortController() };
    group.leases.set(name, lease);
    void this.#context
      .run(lease, () => this.#pump(lease))
      .catch((error: unknown) => (member.failure ??= error))
      .then(() => this.#letGo(group, name, lease));
  }

  #letGo(group: Group, name: string, lease: Lease): void {
    const { member, topic, partition } = lease;
    group.leases.delete(name);
    if (member.failure !== undefined) this.#leave(group, member);
    else if (!member.leaving) this.#tell(member, topic, partition);
    this.#rebalance(group);
    if (member.leaving) this.#finishLeaving(group, member);
  }

  #tell(member: Member, topic: Topic, partition: number): void {
    try {
      member.options.revoked?.(topic, partition);
    } catch (error) {
      member.failure ??= error;
    }
  }

  async #pump({ member: { options }, topic, partition, stop: { signal } }: Lease): Promise<void> {
    // A commit that the last owner was still allowed may be on its way to the disk.
    await this.#partitions.settled();
    const committed = this.#partitions.committed(options.group, topic, partition);
    let position = (await options.start?.(topic, partition, committed)) ?? committed ?? 0;
    const tail = this.#partitions.tail(topic, partition);
    while (!signal.aborted) {
      const records = this.#partitions.read(topic, partition, position, options.maxBatch ?? DEFAULT_MAX_BATCH);
      if (records.length === 0) {
        await tail.reaches(Math.max(position, tail.end), signal);
        continue;
      }
      position = records.at(-1)!.offset + 1;
      await options.handle({ topic, partition, records, endOffset: tail.end });
      const rest = options.restMs?.(topic, partition) ?? 0;
      // A handler that never waits must not keep the timers and sockets of the process waiting.
      await (rest > 0 ? delay(rest, undefined, { signal }).catch(() => undefined) : turn());
    }
  }
}

function ownedBy(group: Group, id: string): Set<string> {
  const own = [...group.leases].filter(([, lease]) => lease.member.id === id && !lease.stop.signal.aborted);
  return new Set(own.map(([name]) => name));
}
