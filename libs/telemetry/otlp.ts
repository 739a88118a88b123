/**
 * Spans to a collector: OTLP over HTTP, in its JSON form (opentelemetry.io/docs/specs/otlp), which every collector takes on port 4318. What
 * it does not take is counted and dropped: nothing waits for a collector.
 */
import { messageOf } from '../errors/errors.ts';
import { type Logger } from './logger.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** Microseconds since the Unix epoch. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
}

export interface SpanExport {
  add(span: Span): void;
  /** Sends what is left, once. */
  close(): Promise<void>;
}

export interface SpanExportOptions {
  /** Of the collector, without the path: http://host:4318. */
  readonly url: string;
  /** Who speaks: service.name and whatever else belongs to the process. */
  readonly resource: Attributes;
  readonly logger: Logger;
}

const SCOPE = { name: 'tributary' };
const SEND_EVERY_MS = 1_000;
const MOST_IN_ONE_REQUEST = 512;
/** Spans that wait; some megabytes. */
const MOST_WAITING = 8_192;
const ANSWER_WITHIN_MS = 5_000;
const INTERNAL = 1;

export function openSpanExport({ url, resource, logger }: SpanExportOptions): SpanExport {
  const address = new URL('v1/traces', url.endsWith('/') ? url : `${url}/`);
  const about = { attributes: keyValues(resource) };
  let waiting: Span[] = [];
  let dropped = 0;
  let isAway = false;
  let sending: Promise<void> = Promise.resolve();

  const send = async (): Promise<void> => {
    while (waiting.length > 0) {
      const spans = waiting.splice(0, MOST_IN_ONE_REQUEST);
      const body = JSON.stringify({
        resourceSpans: [{ resource: about, scopeSpans: [{ scope: SCOPE, spans: spans.map(toOtlp) }] }],
      });
      const failure = await post(address, body);
      if (failure === undefined) {
        if (dropped > 0) logger.warn({ dropped }, 'traces arrive; some were dropped');
        [dropped, isAway] = [0, false];
        continue;
      }
      if (!isAway) logger.warn(`no traces arrive at ${address.href}: ${failure}; they are dropped until they do`);
      isAway = true;
      dropped += spans.length + waiting.length;
      waiting = [];
    }
  };
  const flush = (): Promise<void> => (sending = sending.then(send));
  const timer = setInterval(() => void flush(), SEND_EVERY_MS);
  timer.unref();
  return {
    add(span) {
      if (waiting.length < MOST_WAITING) waiting.push(span);
      else dropped++;
    },
    close() {
      clearInterval(timer);
      return flush();
    },
  };
}

/** Why it did not arrive; undefined = it did. */
async function post(address: URL, body: string): Promise<string | undefined> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(address, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    await answer.body?.cancel();
    return answer.ok ? undefined : `it answered ${answer.status}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function toOtlp({ traceId, spanId, parentSpanId, name, start, end, attributes }: Span): unknown {
  const ids = { traceId, spanId, ...(parentSpanId === undefined ? {} : { parentSpanId }) };
  const times = { startTimeUnixNano: nanoseconds(start), endTimeUnixNano: nanoseconds(Math.max(start, end)) };
  return { ...ids, name, kind: INTERNAL, ...times, attributes: keyValues(attributes) };
}

/** 64-bit integers are strings in Protobuf's JSON. */
const nanoseconds = (microseconds: number): string => `${BigInt(Math.round(microseconds)) * 1000n}`;

const keyValues = (attributes: Attributes): unknown[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

function anyValue(value: Attributes[string]): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: `${value}` } : { doubleValue: value };
}
