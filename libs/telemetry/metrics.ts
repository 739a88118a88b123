/**
 * Metrics, one way for all services: names are tributary_<service>_<what>_<base unit>[_total], in seconds, bytes and ratios, so that
 * `promtool check metrics` has nothing to say. Every series carries the store's source (live, sim, replay).
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** prom-client's own that break Prometheus' naming rules: gauges that end in _total. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** A registry with the process's own metrics: CPU, memory, garbage collection, event-loop lag. One per process. */
export function createMetrics(options: { readonly source?: string } = {}): Registry {
  const registry = new Registry();
  if (options.source !== undefined) registry.setDefaultLabels({ source: options.source });
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}

export interface ServiceMetrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  /** `collect` sets the values when they are asked for. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void,
  ): Gauge<L>;
  /** `buckets`: upper bounds, in the name's unit. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>;
}

/** Makes metrics named tributary_<service>_<name>; asked again for the same name, it hands out the same metric. */
export function serviceMetrics(registry: Registry, service: string): ServiceMetrics {
  const once = <M>(name: string, make: (full: string) => M): M => {
    const full = `tributary_${service}_${name}`;
    const known = registry.getSingleMetric(full);
    return known === undefined ? make(full) : (known as M);
  };
  const registers = [registry];
  return {
    counter: <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
      once(name, (full) => new Counter<L>({ name: full, help, labelNames: [...labels], registers })),
    gauge: <L extends string>(name: string, help: string, labels: readonly L[] = [], collect?: (gauge: Gauge<L>) => void) =>
      once(name, (full) => {
        const gauge: Gauge<L> = new Gauge<L>({
          name: full,
          help,
          labelNames: [...labels],
          registers,
          ...(collect === undefined ? {} : { collect: () => collect(gauge) }),
        });
        return gauge;
      }),
    histogram: <L extends string>(name: string, help: string, buckets: readonly number[], labels: readonly L[] = []) =>
      once(name, (full) => new Histogram<L>({ name: full, help, labelNames: [...labels], buckets: [...buckets], registers })),
  };
}
