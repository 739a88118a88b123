/**
 * The loop closed on the simulator: the services of a replay, the rollout among them, on a market that is drawn beforehand and comes into the log
 * a minute at a time, each when everything about the one before it is decided, settled and judged. Days of market time pass in minutes; the
 * services take their time from the market. The store is filled and models are trained as by the chart's CronJob: history by the venues' REST, again and
 * again, and `tributary train` on what ClickHouse knows by then.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { join } from 'node:path';
import { systemClock } from '#libs/clock/clock.ts';
import { candlesToTicks } from '#libs/history/candle-events.ts';
import { type CandleRow } from '#libs/history/rows.ts';
import { type Topic } from '#libs/log/topics.ts';
import { operatorKey, trustIn } from '#libs/registry/operator-key.ts';
import { carryOut, openRegistries, type Order, type Registries } from '#libs/registry/order.ts';
import { openStore } from '#libs/store/open.ts';
import { type Store } from '#libs/store/port.ts';
import { type HttpFront, startHttpFront } from '#libs/store/testing/http-front.ts';
import { ModelSlot } from '#libs/wire/tributary/v1/models.ts';
import { Outcome, Signal } from '#libs/wire/tributary/v1/signals.ts';
import { runBackfill } from '#services/backfill/service.ts';
import { type Chain, openChain } from '#services/replay/chain.ts';
import { feedHistory } from '#services/replay/feed.ts';
import { MarketClock } from '#services/replay/market-clock.ts';
import { ManualClock } from '#services/simulator/manual-clock.ts';
import { type SimulatorOptions } from '#services/simulator/options.ts';
import { startSimulator } from '#services/simulator/simulator.ts';
import { Processes } from '#tests/shapes/processes.ts';

const MINUTE = 60_000;
const HORIZONS = ['1m', '5m'] as const;
/** What a training learns from: the fewest that a head needs to be let speak. */
export const TRAINING_DAYS = 2;
const DATABASE = 'default';
/** The chart's CronJob asks every six hours; what Kraken keeps is gone after twelve. */
const HISTORY_EVERY = 12 * 60 * MINUTE;
/** Of the simulator: more than what Kraken keeps. */
const HISTORY_DAYS = 0.6;
/** After the end of a minute a venue has it for sure, milliseconds. */
const SETTLED_MS = 5_000;
/** Whatever hangs is ended by then. */
const LONGEST_MS = 900_000;

/** Something on the log, and when a reader had it (wall, milliseconds). */
export interface Seen<T> {
  readonly value: T;
  readonly at: number;
}

export interface LoopOptions {
  /** Made here. */
  readonly folder: string;
  /** The operator's; made where there is none. */
  readonly key: string;
  /** What the venues' REST serves. */
  readonly market: Required<Pick<SimulatorOptions, 'seed' | 'edge'>> &
    Pick<SimulatorOptions, 'leaderChangesAt'> & { readonly symbol: string };
  /** By minute: the same market, from where it begins; what comes after the last training may be another. */
  readonly rows: readonly CandleRow[];
  /** First decision, milliseconds: what comes before is history. */
  readonly from: number;
}

/** What a training leaves behind. */
export type Bundle = Pick<ModelSlot, 'bundle'> & { readonly told: string };

export class Loop {
  readonly decisions: Signal[] = [];
  readonly outcomes: Seen<Outcome>[] = [];
  readonly shadows: Outcome[] = [];
  /** Records of `models`, of whoever made them. */
  readonly changes: Seen<ModelSlot>[] = [];
  readonly store: Store;
  readonly #options: LoopOptions;
  readonly #clock: MarketClock;
  readonly #chain: Chain;
  readonly #front: HttpFront;
  readonly #processes: Processes;
  readonly #following: Promise<void>[];
  #registries!: Registries;

  private constructor(
    options: LoopOptions,
    parts: { readonly clock: MarketClock; readonly chain: Chain; readonly front: HttpFront; readonly store: Store },
  ) {
    this.#options = options;
    this.#clock = parts.clock;
    this.#chain = parts.chain;
    this.#front = parts.front;
    this.store = parts.store;
    this.#processes = new Processes(options.folder, LONGEST_MS);
    const follow = async <T>(topic: Topic, decode: (bytes: Uint8Array) => T, take: (value: T) => void): Promise<void> => {
      const { context, running } = this.#chain;
      for await (const { records } of context.log.read(topic, 0, { until: 'follow', signal: running }))
        for (const { value } of records) take(decode(value));
    };
    const seen =
      <T>(list: Seen<T>[]): ((value: T) => void) =>
      (value) =>
        list.push({ value, at: performance.now() });
    this.#following = [
      follow(
        'signals',
        (bytes) => Signal.decode(bytes),
        (value) => this.decisions.push(value),
      ),
      follow('outcomes', (bytes) => Outcome.decode(bytes), seen(this.outcomes)),
      follow(
        'shadow-outcomes',
        (bytes) => Outcome.decode(bytes),
        (value) => this.shadows.push(value),
      ),
      follow('models', (bytes) => ModelSlot.decode(bytes), seen(this.changes)),
    ];
  }

  static async start(options: LoopOptions): Promise<Loop> {
    const { folder, key, rows, from } = options;
    await mkdir(folder, { recursive: true });
    await operatorKey(key);
    const front = await startHttpFront(join(folder, 'store'));
    const store = await openStore({ url: front.url, database: DATABASE });
    const clock = new MarketClock(rows[0]!.start);
    const given = { path: join(folder, 'log'), partitions: 1, store, horizons: HORIZONS, from, clock, logLevel: 'error' };
    const chain = await openChain({ ...given, trust: trustIn(`${key}.pub`), rollout: {} }, new AbortController().signal);
    const loop = new Loop(options, { clock, chain, front, store });
    loop.#registries = await openRegistries(chain.context.log, ['slow'], chain.running, () => undefined);
    return loop;
  }

  /**
   * Lets time pass to the end of the candles. `prepare`: what is done before the first decision; `calendar`: what at a later time, milliseconds. Time
   * stands still meanwhile.
   */
  async run(prepare: () => Promise<void>, calendar: ReadonlyMap<number, () => Promise<void>>): Promise<void> {
    const { rows, from } = this.#options;
    const { context, ended, running } = this.#chain;
    const [history, live] = [
      rows.filter(({ start }) => start < from - MINUTE),
      rows.filter(({ start }) => start >= from - MINUTE),
    ];
    // What no training reads any more is not asked for.
    const lastTraining = Math.max(from, ...calendar.keys());
    const pace = async (t: number): Promise<void> => {
      await this.#chain.settled();
      this.#clock.advance(t);
      if (t % HISTORY_EVERY === 0 && t <= lastTraining) await this.#fetchHistory();
      await calendar.get(t)?.();
    };
    const done = (async () => {
      for (let t = rows[0]!.start + HISTORY_EVERY; t < from - MINUTE; t += HISTORY_EVERY) {
        this.#clock.advance(t);
        await this.#fetchHistory();
      }
      await feedHistory(context.log, candlesToTicks(history), {}, running);
      this.#clock.advance(from - MINUTE);
      await prepare();
      await feedHistory(context.log, candlesToTicks(live), { pace }, running);
      await this.#chain.caughtUp();
    })();
    await Promise.race([done, ended]);
  }

  /** As the chart's CronJob does: history into the store, then `tributary train --from clickhouse`. */
  async train(name: string, ...options: string[]): Promise<Bundle> {
    const { folder, key } = this.#options;
    await this.#fetchHistory();
    const out = join(folder, `${name}.json`);
    const store = ['--from', 'clickhouse', '--clickhouse', this.#front.url, '--clickhouse-database', DATABASE];
    const given = ['--days', `${TRAINING_DAYS}`, '--horizons', HORIZONS.join(','), '--key', key, '--out', out];
    await this.#processes.run(name, 'train', ...store, ...given, ...options);
    return { bundle: await readFile(out), told: this.#processes.output(name) };
  }

  /** What `tributary backfill` does: candles by the venues' REST, as they have them at this time of the market, as far as the store lacks them. */
  async #fetchHistory(): Promise<void> {
    const { symbol, ...market } = this.#options.market;
    const now = this.#clock.now();
    const simulator = await startSimulator({
      ...{ ...market, symbols: [symbol], historyDays: HISTORY_DAYS, rateLimits: false },
      clock: new ManualClock(now + SETTLED_MS),
    });
    const { context, running } = this.#chain;
    try {
      const { failures } = await runBackfill({
        ...{ store: this.store, venues: ['coinbase', 'kraken'], instruments: [symbol], days: TRAINING_DAYS },
        endpoints: { coinbase: { rest: simulator.urls.coinbaseRest }, kraken: { rest: simulator.urls.krakenRest } },
        // Paces requests on the wall.
        ...{ clock: systemClock, logger: context.logger, signal: running },
      });
      if (failures[0] !== undefined) throw failures[0].error;
    } finally {
      await simulator.stop();
    }
  }

  /** As `tributary models publish --slot` does. */
  async publish({ bundle }: Bundle, slot: Extract<Order, { action: 'publish' }>['slot'], actor: string): Promise<ModelSlot> {
    const now = this.#clock.now();
    const reason = `trained on what was known at ${new Date(now).toISOString().slice(0, 16)}`;
    const order: Order = { action: 'publish', slot, bundle: Buffer.from(bundle).toString('base64'), actor, reason };
    const record = await carryOut(this.#registries, order, trustIn(`${this.#options.key}.pub`)(), now);
    // Who publishes twice at a time has to know of the first.
    while (!this.#registries.slow!.slots().some(({ bundleId }) => bundleId === record.bundleId)) await turn();
    return record;
  }

  /** Of the services. */
  async metric(name: string): Promise<number> {
    const metric = await this.#chain.context.metrics.getSingleMetric(name)?.get();
    return metric?.values[0]?.value ?? NaN;
  }

  async close(): Promise<void> {
    await this.#processes.kill();
    await this.#chain.close();
    await Promise.allSettled(this.#following);
    await this.store.close();
    await this.#front.stop();
  }
}
