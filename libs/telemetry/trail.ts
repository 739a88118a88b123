/**
 * What became of one vector, from the frame to its decisions: each stage is a log line (level debug) and a span (where there is a collector),
 * both with the same id. The id is a hash of what the vector is about, so that services need not tell it each other: who knows venue, instrument
 * and t of a signal knows its trace, and who knows the trace knows every span. `undefined` where nobody listens: then a stage costs one comparison.
 */
import { createHash } from 'node:crypto';
import { type Lane } from '../market/horizon.ts';
import { type Logger } from './logger.ts';
import { type Attributes, type SpanExport } from './otlp.ts';

/** What a vector and its decisions are about. */
export interface Subject {
  readonly venue: string;
  readonly instrument: string;
  /** Decision time, milliseconds. */
  readonly t: number;
  readonly lane: string;
}

/** Each follows from the one before it. */
const STAGES = ['ingest', 'features', 'inference', 'publish'] as const;
export type Stage = (typeof STAGES)[number];

/** Of how many vectors one is traced, by its id, which all services see alike. In the fast lane there are several a second. */
const ONE_IN: Readonly<Record<Lane, number>> = { slow: 1, fast: 100 };

/** 32 hexadecimal digits: `printf kraken:BTC-USD:1700000000000 | sha256sum | cut -c1-32`. */
export function traceIdOf({ venue, instrument, t }: Subject): string {
  return hash(`${venue}:${instrument}:${t}`, 32);
}

export class Trail {
  readonly #logger: Logger | undefined;
  readonly #spans: SpanExport | undefined;

  private constructor(logger: Logger | undefined, spans: SpanExport | undefined) {
    this.#logger = logger;
    this.#spans = spans;
  }

  static open(logger: Logger, spans?: SpanExport): Trail | undefined {
    const heard = logger.isLevelEnabled('debug') ? logger : undefined;
    return heard === undefined && spans === undefined ? undefined : new Trail(heard, spans);
  }

  /** `[start, end]`: microseconds. `which`: where a stage has several, for instance a horizon. */
  stage(
    stage: Stage,
    about: Subject,
    [start, end]: readonly [number, number],
    attributes: Attributes,
    { which = '', isFirst = stage === STAGES[0] }: { readonly which?: string; readonly isFirst?: boolean } = {},
  ): void {
    const trace = traceIdOf(about);
    const { venue, instrument, t, lane } = about;
    const told = { venue, instrument, t, lane, ...attributes };
    const name = which === '' ? stage : `${stage} ${which}`;
    this.#logger?.debug({ trace, ...told, ms: (end - start) / 1000 }, name);
    if (this.#spans === undefined || !isSampled(trace, lane === 'fast' ? 'fast' : 'slow')) return;
    const parent = isFirst ? {} : { parentSpanId: hash(`${trace}:${STAGES[STAGES.indexOf(stage) - 1]!}`, 16) };
    const ids = { traceId: trace, spanId: hash(`${trace}:${name}`, 16), ...parent };
    this.#spans.add({ ...ids, name, start, end, attributes: told });
  }
}

const isSampled = (trace: string, lane: Lane): boolean => Number.parseInt(trace.slice(0, 8), 16) % ONE_IN[lane] === 0;

const hash = (text: string, digits: number): string => createHash('sha256').update(text).digest('hex').slice(0, digits);
