/**
 * What the faulted run left in its log, held against what should be there: vectors against an offline fold of these very `ticks`, decisions
 * against the bundle asked offline, outcomes against the pure join, trades against the simulator's ledger, the archive against the log.
 * One pass over `ticks`, partition by partition.
 */
import { systemClock } from '#libs/clock/clock.ts';
import { featureSchema } from '#libs/features/catalogue.ts';
import { createDedupe, type Dedupe, isNew, noteMissing } from '#libs/features/dedupe.ts';
import { createFold, foldTick } from '#libs/features/fold.ts';
import { type EventLog, type LogRecord } from '#libs/log/port.ts';
import { type Topic } from '#libs/log/topics.ts';
import { SLOW_HORIZONS } from '#libs/market/horizon.ts';
import { type Trust } from '#libs/registry/operator-key.ts';
import { ModelRegistry } from '#libs/registry/registry.ts';
import { createLogger } from '#libs/telemetry/logger.ts';
import { FeatureVector } from '#libs/wire/tributary/v1/features.ts';
import { type Heartbeat, Tick } from '#libs/wire/tributary/v1/market.ts';
import { PaperEvent } from '#libs/wire/tributary/v1/paper.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { decisionKey, OutcomeJoin } from '#services/evaluation/outcomes.ts';
import { EVALUATION_GROUP } from '#services/evaluation/service.ts';
import { FEATURES_GROUP } from '#services/features/service.ts';
import { decide, deciderOf } from '#services/inference/decide.ts';
import { INFERENCE_GROUP } from '#services/inference/service.ts';
import { ServingModels } from '#services/inference/serving.ts';
import { Windows } from '#services/inference/window.ts';
import { type LedgerTrade } from '#services/simulator/ledger.ts';

/** Defaults of the services. */
const GRACE_MS = 2_000;
const STALE_MS = 65_000;
const MINUTE_MS = 60_000;

export interface Finding {
  readonly kind: 'lost' | 'doubled' | 'outOfOrder';
  /** When it should have been, milliseconds. */
  readonly time: number;
  readonly what: string;
}

/** Something that was due and came, milliseconds. */
export interface Arrival {
  readonly what: string;
  readonly due: number;
  readonly at: number;
}

export interface Beat {
  readonly venue: string;
  readonly instrument: string;
  /** Milliseconds. */
  readonly time: number;
  readonly isHealthy: boolean;
}

export interface Evidence {
  readonly findings: readonly Finding[];
  readonly arrivals: readonly Arrival[];
  readonly beats: readonly Beat[];
  readonly vectors: readonly FeatureVector[];
  /** Records of `ticks`. */
  readonly ticks: number;
  readonly signals: number;
  readonly outcomes: number;
}

export async function examine(log: EventLog, ledger: readonly LedgerTrade[], trust: Trust): Promise<Evidence> {
  const examination = new Examination(log, trust);
  for (let partition = 0; partition < (await log.partitions('ticks')); partition++) await examination.partition(partition);
  examination.compareTrades(ledger);
  return examination;
}

class Examination implements Evidence {
  readonly findings: Finding[] = [];
  readonly arrivals: Arrival[] = [];
  readonly beats: Beat[] = [];
  readonly vectors: FeatureVector[] = [];
  ticks = 0;
  signals = 0;
  outcomes = 0;
  readonly #log: EventLog;
  readonly #trust: Trust;
  /** Trades of the effective input, by venue and instrument: of each id how often it came, and its price. */
  readonly #trades = new Map<string, { readonly dedupe: Dedupe; readonly seen: Map<number, { count: number; price: number }> }>();

  constructor(log: EventLog, trust: Trust) {
    this.#log = log;
    this.#trust = trust;
  }

  async partition(partition: number): Promise<void> {
    const features = await this.#read('features', partition, FeatureVector);
    const signals = await this.#read('signals', partition, Signal);
    const outcomes = await this.#read('outcomes', partition, Outcome);
    this.signals += signals.length;
    this.outcomes += outcomes.length;
    this.vectors.push(...features.map(({ message }) => message));
    const folded = await this.#foldTicks(partition, signals);
    this.#compare(
      'vector',
      folded.vectors,
      features.map(({ message }) => message),
      {
        keyOf: ({ venue, instrument, t }) => `${venue}:${instrument}:${t}`,
        timeOf: ({ t }) => t,
        bytesOf: (vector) => FeatureVector.encode(vector).finish(),
      },
    );
    const timeOf = ({ publishedAt }: Signal): number => publishedAt;
    this.#compare(
      'decision',
      await this.#decide(partition, features, signals),
      signals.map(({ message }) => message),
      { keyOf: decisionKey, timeOf, bytesOf: (signal) => Signal.encode(signal).finish() },
    );
    this.#compare(
      'outcome',
      folded.outcomes,
      outcomes.map(({ message }) => message),
      {
        keyOf: ({ signal }) => decisionKey(signal!),
        timeOf: ({ resolvedAt }) => resolvedAt,
        bytesOf: (outcome) => Outcome.encode(outcome).finish(),
      },
    );
    await this.#takePaper(partition);
    for (const { message, record } of features) this.#arrived('vector', message.t, record);
    for (const { message, record } of signals) this.#arrived('decision', message.t, record);
    for (const { message, record } of outcomes) this.#arrived('outcome', message.resolvedAt, record);
  }

  /** None missing of those from the first in the log to the last, none with another price. */
  compareTrades(ledger: readonly LedgerTrade[]): void {
    const made = new Map<string, LedgerTrade[]>();
    for (const trade of ledger) {
      const key = `${trade.venue}:${trade.instrument}`;
      const list = made.get(key) ?? [];
      made.set(key, list);
      list.push(trade);
    }
    for (const [key, { seen }] of this.#trades) {
      const [first, last] = [...seen.keys()].reduce(([a, b], id) => [Math.min(a, id), Math.max(b, id)], [Infinity, -Infinity]);
      for (const { tradeId, time, price } of made.get(key) ?? []) {
        if (tradeId < first || tradeId > last) continue;
        const { count, price: told } = seen.get(tradeId) ?? { count: 0, price: NaN };
        if (count === 1 && told === Number(price)) continue;
        const kind = count > 1 ? 'doubled' : 'lost';
        this.findings.push({
          kind,
          time: time / 1000,
          what: `trade ${tradeId} of ${key} at ${price}: ${count} times, at ${told}`,
        });
      }
    }
  }

  async #foldTicks(
    partition: number,
    signals: readonly Read<Signal>[],
  ): Promise<{ readonly vectors: FeatureVector[]; readonly outcomes: Outcome[] }> {
    const featuresEnd = (await this.#log.committed(FEATURES_GROUP, 'ticks', partition)) ?? 0;
    const evaluationEnd = (await this.#log.committed(EVALUATION_GROUP, 'ticks', partition)) ?? 0;
    const [vectors, outcomes]: [FeatureVector[], Outcome[]] = [[], []];
    const state = createFold();
    const join = new OutcomeJoin(GRACE_MS);
    for (const { message } of signals) join.expect(message);
    let clock = -Infinity;
    const values = new Set<string>();
    for await (const { records } of this.#log.read('ticks', partition)) {
      for (const record of records) {
        this.ticks++;
        const tick = Tick.decode(record.value);
        if (record.offset < featuresEnd) foldTick(state, tick, record.offset, (vector) => vectors.push(vector));
        if (record.offset < evaluationEnd) join.fold(tick, (outcome) => outcomes.push(outcome));
        this.#take(tick);
        if (tick.event?.$case === 'reference') {
          const { source, series, seq, publishedAt, validFor } = tick.event.value;
          const what = `${source} ${series} ${seq} in partition ${partition}`;
          // Of rates and prices repeats are dropped by the fold.
          if (validFor > 0 && values.has(what)) this.findings.push({ kind: 'doubled', time: publishedAt / 1000, what });
          values.add(what);
        }
        if (tick.event?.$case !== 'clock') continue;
        const { t } = tick.event.value;
        if (t <= clock) {
          const kind = t === clock ? 'doubled' : 'outOfOrder';
          this.findings.push({ kind, time: t, what: `clock ${t} in partition ${partition}` });
        }
        if (clock > 0 && t > clock + 1000) this.arrivals.push({ what: 'clock', due: clock + 1000, at: record.timestamp });
        clock = Math.max(clock, t);
      }
    }
    return { vectors, outcomes };
  }

  #take(tick: Tick): void {
    const { event, venue, instrument } = tick;
    const key = `${venue}:${instrument}`;
    if (event?.$case === 'heartbeat') this.#beat(tick, event.value);
    if (event?.$case !== 'trade' && event?.$case !== 'gap') return;
    const trades = this.#trades.get(key) ?? { dedupe: createDedupe(), seen: new Map<number, { count: number; price: number }>() };
    this.#trades.set(key, trades);
    if (event.$case === 'gap') noteMissing(trades.dedupe, event.value.fromTradeId, event.value.toTradeId);
    else if (isNew(trades.dedupe, 'trade', tick)) {
      const { tradeId, price } = event.value;
      trades.seen.set(tradeId, { count: (trades.seen.get(tradeId)?.count ?? 0) + 1, price });
    }
  }

  /** Each fill once, and of each account each minute once, none missing between its first and its last. */
  async #takePaper(partition: number): Promise<void> {
    const seen = new Set<string>();
    const minutes = new Map<string, number>();
    for (const { message } of await this.#read('paper', partition, PaperEvent)) {
      const { venue, instrument, time, event } = message;
      const account = `${venue}:${instrument}`;
      const what = event?.$case === 'fill' ? `fill ${event.value.id}` : `equity of ${account} at ${time}`;
      if (seen.has(what)) this.findings.push({ kind: 'doubled', time, what });
      seen.add(what);
      if (event?.$case !== 'equity') continue;
      const due = (minutes.get(account) ?? time - MINUTE_MS) + MINUTE_MS;
      if (time !== due)
        this.findings.push({ kind: time > due ? 'lost' : 'outOfOrder', time: due, what: `equity of ${account} at ${due}` });
      minutes.set(account, Math.max(time, due));
    }
  }

  readonly #lastBeats = new Map<string, number>();

  #beat({ venue, instrument, receiveTime }: Tick, { healthy }: Heartbeat): void {
    const time = receiveTime / 1000;
    const key = `${venue}:${instrument}`;
    const last = this.#lastBeats.get(key);
    if (last !== undefined && time > last + 1_000) this.arrivals.push({ what: `heartbeat ${key}`, due: last + 1_000, at: time });
    this.#lastBeats.set(key, time);
    this.beats.push({ venue, instrument, time, isHealthy: healthy });
  }

  #arrived(what: string, due: number, { timestamp }: LogRecord): void {
    this.arrivals.push({ what, due, at: timestamp });
  }

  /** What the service must have decided of each vector that it has passed, given when it published. */
  async #decide(
    partition: number,
    features: readonly Read<FeatureVector>[],
    signals: readonly Read<Signal>[],
  ): Promise<Signal[]> {
    const end = (await this.#log.committed(INFERENCE_GROUP, 'features', partition)) ?? 0;
    const published = new Map(signals.map(({ message }) => [decisionKey(message), message]));
    const stop = new AbortController();
    const registry = await ModelRegistry.open(this.#log, stop.signal, () => undefined);
    const { id: schemaId } = featureSchema();
    const silent = { logger: createLogger({ level: 'silent' }), clock: systemClock };
    const models = new ServingModels(registry, featureSchema(), this.#trust, silent, () => undefined);
    const windows = new Windows();
    const decisions: Signal[] = [];
    for (const { record, message: vector } of features) {
      if (record.offset >= end || !windows.add(vector)) continue;
      const { venue, instrument, t } = vector;
      // The champion, trained today and without networks: it is never too old, and nothing is to be consulted.
      const consulted = (await models.at(t)).map((model) => ({
        ...model,
        window: windows.ending(venue, instrument, model.scorer.lags),
        opinions: undefined,
        isStale: false,
        hasFailed: false,
      }));
      for (const horizon of SLOW_HORIZONS) {
        const model = deciderOf(consulted, { vector, horizon, schemaId });
        const publishedAt = published.get(decisionKey({ ...Signal.create(), venue, instrument, t, horizon }))?.publishedAt ?? t;
        const isStale = publishedAt - t > STALE_MS;
        decisions.push(
          decide({ vector, horizon, model, isShadow: false, schemaId, isStale, isTooSlow: false, publishedAt, source: 'sim' }),
        );
      }
    }
    stop.abort();
    return decisions;
  }

  async #read<T>(topic: Topic, partition: number, message: { decode(bytes: Uint8Array): T }): Promise<Read<T>[]> {
    const found: Read<T>[] = [];
    for await (const { records } of this.#log.read(topic, partition))
      for (const record of records) found.push({ record, message: message.decode(record.value) });
    return found;
  }

  #compare<T>(what: string, expected: readonly T[], actual: readonly T[], { keyOf, timeOf, bytesOf }: Comparison<T>): void {
    const wanted = new Map(expected.map((each) => [keyOf(each), each]));
    const seen = new Set<string>();
    let newest = -Infinity;
    for (const each of actual) {
      const key = keyOf(each);
      const found = (kind: Finding['kind'], detail: string): void => {
        this.findings.push({ kind, time: timeOf(each), what: `${what} ${key}${detail}` });
      };
      const offline = wanted.get(key);
      if (seen.has(key)) found('doubled', '');
      else if (offline === undefined) found('doubled', ': not in the offline fold');
      else if (!Buffer.from(bytesOf(offline)).equals(bytesOf(each))) found('lost', ': another value than offline');
      if (timeOf(each) < newest) found('outOfOrder', '');
      newest = Math.max(newest, timeOf(each));
      seen.add(key);
    }
    for (const [key, each] of wanted)
      if (!seen.has(key)) this.findings.push({ kind: 'lost', time: timeOf(each), what: `${what} ${key}` });
  }
}

interface Read<T> {
  readonly record: LogRecord;
  readonly message: T;
}

interface Comparison<T> {
  readonly keyOf: (each: T) => string;
  readonly timeOf: (each: T) => number;
  readonly bytesOf: (each: T) => Uint8Array;
}
