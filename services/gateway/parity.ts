/** The newest check of parity of each partition, as metrics: the job that made it is over before anybody could ask it. */
import { type Registry } from 'prom-client';
import { type EventLog } from '#libs/log/port.ts';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';
import { ParityReport } from '#libs/wire/tributary/v1/parity.ts';

export class ParityMetrics {
  readonly #compared;
  readonly #mismatches;
  readonly #time;

  constructor(registry: Registry) {
    const metrics = serviceMetrics(registry, 'parity');
    const labels = ['partition', 'kind'] as const;
    this.#compared = metrics.gauge('compared', 'Made once more by the last check of parity, by kind: vector, signal.', labels);
    this.#mismatches = metrics.gauge('mismatches', 'Of those, the ones that differ from what was published.', labels);
    this.#time = metrics.gauge('checked_timestamp_seconds', 'When the last check of parity was made.', ['partition']);
  }

  show({ partition, vectors, vectorMismatches, signals, signalMismatches, time }: ParityReport): void {
    this.#compared.set({ partition, kind: 'vector' }, vectors);
    this.#compared.set({ partition, kind: 'signal' }, signals);
    this.#mismatches.set({ partition, kind: 'vector' }, vectorMismatches);
    this.#mismatches.set({ partition, kind: 'signal' }, signalMismatches);
    this.#time.set({ partition }, time / 1000);
  }
}

/** Runs until `signal` aborts. */
export async function followParity(log: EventLog, registry: Registry, signal: AbortSignal): Promise<void> {
  const metrics = new ParityMetrics(registry);
  for await (const { records } of log.read('parity', 0, { until: 'follow', signal }))
    for (const { value } of records) metrics.show(ParityReport.decode(value));
}
