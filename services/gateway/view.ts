/** What the page and `/api/status` show: a bounded view of the log, kept up to date record by record. Pure; no I/O. */
import { FIRST_CONNECTION } from '#libs/market/gap.ts';
import { type Signal, Direction } from '#libs/wire/tributary/v1/signals.ts';
import { type Heartbeat, type Tick } from '#libs/wire/tributary/v1/market.ts';

/** One second of one venue's price. */
export interface PricePoint {
  /** Milliseconds. */
  readonly t: number;
  /** Mid where there is a quote, else the last trade; quote currency. */
  readonly price: number;
}

export interface PriceSeries {
  readonly venue: string;
  readonly instrument: string;
  readonly points: readonly PricePoint[];
}

export interface FeedRow {
  readonly venue: string;
  readonly instrument: string;
  readonly healthy: boolean;
  /** Milliseconds between the last heartbeat and the last clock; undefined before the first clock. */
  readonly silentMs: number | undefined;
  readonly skewMs: number;
  readonly gaps: number;
  readonly checksumFailures: number;
  readonly reconnects: number;
  readonly conflatedQuotes: number;
  /** Median of exchange-to-receive over the last 100 trades and quotes, milliseconds; may be negative (their clock is ahead). */
  readonly latencyMs: number | undefined;
}

interface InstrumentView {
  readonly venue: string;
  readonly instrument: string;
  readonly partition: number;
  price: number;
  points: PricePoint[];
  heartbeat: Heartbeat | undefined;
  heartbeatAt: number;
  latencies: number[];
}

const SECONDS_SHOWN = 1_800;
const SIGNALS_SHOWN = 200;
const LATENCIES_KEPT = 100;

export class LiveView {
  readonly #instruments = new Map<string, InstrumentView>();
  readonly #latest = new Map<string, Signal>();
  /** Of each lane: the fast one would push the other's out. */
  readonly #recent = { slow: [] as Signal[], fast: [] as Signal[] };
  #clock = 0;
  #gaps = 0;

  get gaps(): number {
    return this.#gaps;
  }

  applyTick(tick: Tick, partition: number): void {
    const event = tick.event;
    if (event === undefined) return;
    switch (event.$case) {
      case 'clock':
        this.#sample(partition, event.value.t);
        break;
      case 'trade':
        this.#priced(tick, partition, event.value.price, true);
        break;
      case 'quote':
        this.#priced(tick, partition, (event.value.bid + event.value.ask) / 2, true);
        break;
      case 'candle':
        this.#priced(tick, partition, event.value.close, false);
        break;
      case 'heartbeat': {
        const view = this.#of(tick, partition);
        view.heartbeat = event.value;
        view.heartbeatAt = tick.receiveTime / 1000;
        break;
      }
      case 'gap':
        if (event.value.detail !== FIRST_CONNECTION) this.#gaps += 1;
        break;
      default:
    }
  }

  applySignal(signal: Signal): void {
    this.#latest.set(`${signal.venue}:${signal.instrument}:${signal.horizon}`, signal);
    if (signal.direction === Direction.DIRECTION_ABSTAIN) return;
    const recent = this.#recent[signal.lane === 'fast' ? 'fast' : 'slow'];
    recent.push(signal);
    if (recent.length > SIGNALS_SHOWN) recent.shift();
  }

  /** Points after `since` (milliseconds), every instrument. */
  prices(since = 0): PriceSeries[] {
    return [...this.#instruments.values()]
      .filter((view) => view.points.length > 0)
      .map(({ venue, instrument, points }) => ({ venue, instrument, points: points.filter((point) => point.t > since) }));
  }

  feeds(): FeedRow[] {
    return [...this.#instruments.values()]
      .filter((view) => view.heartbeat !== undefined)
      .map((view) => {
        const heartbeat = view.heartbeat!;
        return {
          venue: view.venue,
          instrument: view.instrument,
          healthy: heartbeat.healthy,
          silentMs: this.#clock === 0 ? undefined : Math.max(0, this.#clock - view.heartbeatAt),
          skewMs: heartbeat.clockSkew / 1000,
          gaps: heartbeat.gaps,
          checksumFailures: heartbeat.checksumFailures,
          reconnects: heartbeat.reconnects,
          conflatedQuotes: heartbeat.conflatedQuotes,
          latencyMs: median(view.latencies),
        };
      });
  }

  /** The newest decision of each (venue, instrument, horizon), abstentions too. */
  decisions(): Signal[] {
    return [...this.#latest.values()];
  }

  /** The newest emitted signals, at most so many of each lane, oldest first. */
  recentSignals(most = SIGNALS_SHOWN): readonly Signal[] {
    const { slow, fast } = this.#recent;
    const shown = [...slow.slice(-most), ...fast.slice(-most)];
    return shown.sort((a, b) => a.publishedAt - b.publishedAt);
  }

  #priced(tick: Tick, partition: number, price: number, live: boolean): void {
    const view = this.#of(tick, partition);
    view.price = price;
    if (!live || tick.exchangeTime === 0) return;
    view.latencies.push((tick.receiveTime - tick.exchangeTime) / 1000);
    if (view.latencies.length > LATENCIES_KEPT) view.latencies.shift();
  }

  #sample(partition: number, t: number): void {
    this.#clock = Math.max(this.#clock, t);
    for (const view of this.#instruments.values()) {
      if (view.partition !== partition || Number.isNaN(view.price)) continue;
      view.points.push({ t, price: view.price });
      if (view.points.length > SECONDS_SHOWN) view.points.shift();
    }
  }

  #of(tick: Tick, partition: number): InstrumentView {
    const key = `${tick.venue}:${tick.instrument}`;
    let view = this.#instruments.get(key);
    if (view === undefined) {
      view = {
        venue: tick.venue,
        instrument: tick.instrument,
        partition,
        price: NaN,
        points: [],
        heartbeat: undefined,
        heartbeatAt: 0,
        latencies: [],
      };
      this.#instruments.set(key, view);
    }
    return view;
  }
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
