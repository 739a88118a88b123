/**
 * What the context service remembers of a source: what it has published of each series, so that a value is published once, and the
 * requests of the month. It stands in the compacted topic `context-state` and is written in one commit with the values it belongs to:
 * after a restart nothing is published twice, and the month's count goes on.
 */
import { type EventLog, type OutRecord } from '#libs/log/port.ts';
import { ContextState } from '#libs/wire/tributary/v1/features.ts';
import { monthOf } from './plan.ts';

export interface PublishedSeries {
  lastSeq: number;
  /** Value by observedAt, oldest first: the newest few. */
  readonly recent: Map<number, number>;
}

/** Polls give the newest few values of a series; older ones than these are no news. */
export const MOST_RECENT = 12;

export class SourceMemory {
  readonly source: string;
  readonly series = new Map<string, PublishedSeries>();
  #month = '';
  #calls = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** Requests made in the UTC month of `now`, failed ones included. */
  calls(now: number): number {
    return this.#month === monthOf(now) ? this.#calls : 0;
  }

  count(now: number, calls = 1): void {
    this.#calls = this.calls(now) + calls;
    this.#month = monthOf(now);
  }

  published(name: string): PublishedSeries {
    let series = this.series.get(name);
    if (series === undefined) this.series.set(name, (series = { lastSeq: 0, recent: new Map() }));
    return series;
  }

  record(): OutRecord {
    const series = [...this.series].map(([name, { lastSeq, recent }]) => ({
      series: name,
      lastSeq,
      observedAt: [...recent.keys()],
      values: [...recent.values()],
    }));
    const state = { source: this.source, series, month: this.#month, calls: this.#calls };
    return { topic: 'context-state', key: this.source, partition: 0, value: ContextState.encode(state).finish() };
  }

  static from({ source, series, month, calls }: ContextState): SourceMemory {
    const memory = new SourceMemory(source);
    memory.#month = month;
    memory.#calls = calls;
    for (const { series: name, lastSeq, observedAt, values } of series) {
      memory.series.set(name, { lastSeq, recent: new Map(observedAt.map((time, i) => [time, values[i]!])) });
    }
    return memory;
  }
}

/** By source. */
export async function readMemory(log: EventLog, signal?: AbortSignal): Promise<Map<string, SourceMemory>> {
  const memory = new Map<string, SourceMemory>();
  const options = { until: 'end', ...(signal && { signal }) } as const;
  for await (const { records } of log.read('context-state', 0, options)) {
    for (const { key, value } of records) memory.set(key, SourceMemory.from(ContextState.decode(value)));
  }
  return memory;
}
