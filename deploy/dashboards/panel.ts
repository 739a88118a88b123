/** What a dashboard of ours is made of, as plain data; `grafana.ts` turns it into Grafana's. */

export interface Query {
  /** PromQL; `$source` is the dashboard's choice of live, sim or replay. */
  readonly expr: string;
  /** Of a line: text with `{{label}}`. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  /** What it shows and when to worry. */
  readonly description: string;
  /** Grafana's name of a unit. */
  readonly unit: 's' | 'short' | 'percentunit' | 'reqps' | 'ops' | 'bytes';
  readonly queries: readonly Query[];
  /** Ends of the axis. */
  readonly min?: number;
  readonly max?: number;
}

export interface DashboardSpec {
  /** File name and part of the address. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly PanelSpec[];
}

/** A metric of the chosen source; `labels` = more matchers. */
export function of(metric: string, ...labels: readonly string[]): string {
  return `${metric}{${['source=~"$source"', ...labels].join(',')}}`;
}

/** Per second, over the time that Grafana chooses. */
export function rate(metric: string, ...labels: readonly string[]): string {
  return `rate(${of(metric, ...labels)}[$__rate_interval])`;
}

/** Something that should not happen: no series until it has happened once, which is nothing and not unknown. */
export function rare(metric: string, by: string): string {
  return `sum by (${by}) (${rate(metric)}) or vector(0)`;
}

export function quantile(q: number, histogram: string, by: readonly string[] = []): string {
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${rate(`${histogram}_bucket`)}))`;
}
