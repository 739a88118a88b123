/** Metrics of the context service. `provider` is the context source's id: `source` says whether the data is live. */
import { type Counter, type Gauge, type Registry } from 'prom-client';
import { serviceMetrics } from '#libs/telemetry/metrics.ts';

export const STATES = ['on', 'needs_key', 'blocked', 'spent'] as const;
/**
 * `needs_key`: off until a key is given; `blocked`: it refuses us (401, 403, 451), tried again once a day; `spent`: the month's requests
 * are used up.
 */
export type SourceState = (typeof STATES)[number];

export interface Gauged {
  readonly provider: string;
  readonly state: SourceState;
  /** Requests of the month so far, and those to be expected until its end. */
  readonly calls: number;
  readonly projected: number;
  /** Series and the time their newest value took effect, milliseconds. */
  readonly newest: ReadonlyMap<string, number>;
}

export class ContextMetrics {
  readonly requests: Counter<'provider' | 'code'>;
  readonly failures: Counter<'provider' | 'code'>;
  readonly values: Counter<'provider'>;
  readonly refused: Counter<'provider' | 'reason'>;

  /** `gauged` is asked whenever the metrics are read. */
  constructor(registry: Registry, now: () => number, gauged: () => readonly Gauged[]) {
    const metrics = serviceMetrics(registry, 'context');
    this.requests = metrics.counter('requests_total', 'Requests by how they ended: ok, or the error’s code', [
      'provider',
      'code',
    ]);
    this.failures = metrics.counter('failures_total', 'Polls that gave nothing, by code of the error', ['provider', 'code']);
    this.values = metrics.counter('values_total', 'Values published', ['provider']);
    this.refused = metrics.counter('refused_values_total', 'Values that were not believed, by reason', ['provider', 'reason']);
    const age = metrics.gauge('last_value_age_seconds', 'Since the newest value of a series took effect', ['provider', 'series']);
    const month = metrics.gauge('calls_month', 'Requests of this UTC month so far, failed ones included', ['provider']);
    const projected = metrics.gauge('projected_calls_month', 'Requests to be expected by the end of this UTC month', [
      'provider',
    ]);
    const state = metrics.gauge('source_state', '1 for the state that a source is in', ['provider', 'state']);
    whenRead(age, () => {
      age.reset();
      for (const { provider, newest } of gauged()) {
        for (const [series, effective] of newest) age.set({ provider, series }, Math.max(0, now() - effective) / 1000);
      }
    });
    whenRead(month, () => gauged().forEach(({ provider, calls }) => month.set({ provider }, calls)));
    whenRead(projected, () => gauged().forEach((each) => projected.set({ provider: each.provider }, each.projected)));
    whenRead(state, () => {
      for (const { provider, state: current } of gauged()) {
        for (const each of STATES) state.set({ provider, state: each }, each === current ? 1 : 0);
      }
    });
  }
}

/** A service that starts again in the same process has the same metrics: the newest `update` counts. */
function whenRead<L extends string>(gauge: Gauge<L>, update: () => void): void {
  Object.assign(gauge, { collect: update });
}
