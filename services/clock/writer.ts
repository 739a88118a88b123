/** One holder of the clock's office at work: a clock event for each second, into every partition at once. */
import { type Counter, type Gauge } from 'prom-client';
import { describeError, TributaryError } from '#libs/errors/errors.ts';
import { type OutRecord } from '#libs/log/port.ts';
import { type ServiceContext } from '#libs/service/service.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { Tick } from '#libs/wire/tributary/v1/market.ts';

export const OFFICE = { group: 'clock', topic: 'models', partition: 0 } as const;
/** Beyond this the venues' clocks are believed, not ours; microseconds. */
const MAX_SKEW = 250_000;
/** After an event that the brokers did not confirm, ms. */
const RETRY_DELAY = 20;

export class ClockWriter {
  readonly #context: ServiceContext;
  readonly #intervalMs: number;
  readonly #skew: () => number | undefined;
  readonly #written: Counter;
  readonly #held: Counter;
  readonly #time: Gauge;
  #isHeld = false;

  /** `skew`: venues' clocks minus ours, microseconds. */
  constructor(context: ServiceContext, intervalMs: number, skew: () => number | undefined) {
    this.#context = context;
    this.#intervalMs = intervalMs;
    this.#skew = skew;
    const metrics = serviceMetrics(context.metrics, 'clock');
    this.#written = metrics.counter('events_total', 'Clock events written to every partition');
    this.#held = metrics.counter('held_events_total', 'Clock events not written because our clock was off the venues’');
    this.#time = metrics.gauge('time_seconds', 'Time of the newest clock event, seconds since the Unix epoch');
  }

  /** Writes from `nextSecond` (seconds since the epoch) or now, whichever is later, until `signal` aborts. */
  async run(nextSecond: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#context;
    const partitions = await log.partitions('ticks');
    let earliest = nextSecond * 1000;
    let epoch: number | undefined;
    while (!signal.aborted) {
      const now = clock.now();
      const t = now - (now % this.#intervalMs);
      if (t >= earliest && this.#isTrusted()) {
        // A new writer's first second is later than all of its predecessor's: it serves as the epoch. After a failure there may have been another.
        epoch ??= t;
        try {
          await log.commit({ ...OFFICE, offset: t / 1000 + 1, outputs: clockRecords(t, epoch, partitions) });
        } catch (error) {
          earliest = await this.#afterFailure(error, signal);
          epoch = undefined;
          continue;
        }
        this.#written.inc();
        this.#time.set(t / 1000);
        this.#context.health.set('clock', { ready: true, detail: 'writing' });
      }
      earliest = Math.max(earliest, t + this.#intervalMs);
      await clock.sleep(Math.max(1, t + this.#intervalMs - clock.now()), signal);
    }
  }

  /** The earliest time that may be written next, milliseconds: the office is kept where the log can say whether the event was written. */
  async #afterFailure(error: unknown, signal: AbortSignal): Promise<number> {
    if (signal.aborted || !(error instanceof TributaryError && error.canRetry)) throw error;
    this.#context.logger.warn(`a clock event is tried again unless it was written: ${describeError(error)}`);
    const { clock, log } = this.#context;
    await clock.sleep(RETRY_DELAY, signal);
    return ((await log.committed(OFFICE.group, OFFICE.topic, OFFICE.partition)) ?? 0) * 1000;
  }

  #isTrusted(): boolean {
    const skew = this.#skew();
    const isOff = skew !== undefined && Math.abs(skew) > MAX_SKEW;
    if (isOff) {
      this.#held.inc();
      this.#context.health.set('clock', { ready: false, detail: `held: our clock is ${skew / 1000} ms off the venues’` });
    }
    if (isOff && !this.#isHeld) this.#context.logger.error({ skew }, 'the clock is held: set this machine’s time (NTP)');
    if (!isOff && this.#isHeld) this.#context.logger.info('the clock goes on');
    this.#isHeld = isOff;
    return !isOff;
  }
}

function clockRecords(t: number, epoch: number, partitions: number): OutRecord[] {
  const value = Tick.encode(
    Tick.fromPartial({ receiveTime: t * 1000, event: { $case: 'clock', value: { t, writerEpoch: epoch } } }),
  ).finish();
  return Array.from({ length: partitions }, (_, partition) => ({ topic: 'ticks', key: '', value, partition }));
}
