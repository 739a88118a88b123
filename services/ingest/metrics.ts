/** What ingest tells Prometheus. Several venues may run in one process and share the registry. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface IngestMetrics {
  frame(channel: string): void;
  event(kind: string): void;
  gap(kind: string): void;
  malformed(reason: string): void;
  reconnect(): void;
  rotation(outcome: 'done' | 'failed'): void;
  checksumFailure(): void;
  conflatedQuotes(count: number): void;
  missedDeletes(count: number): void;
  repairedTrades(count: number): void;
  missingTrades(count: number): void;
  droppedCaptureFrame(): void;
  queueDepth(records: number): void;
  clockSkew(micros: number, errorMicros: number): void;
  /** Microseconds from the venue's time of an event to its receipt; clocks that differ can make it negative, which counts as 0. */
  latency(micros: number): void;
}

const LATENCIES = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export function createIngestMetrics(registry: Registry, venue: string): IngestMetrics {
  const counter = (name: string, help: string, label?: string) => {
    const labelNames = label === undefined ? ['venue'] : ['venue', label];
    const found = registry.getSingleMetric(name);
    const metric = found instanceof Counter ? found : new Counter({ name, help, labelNames, registers: [registry] });
    const children = new Map<string, Counter.Internal>();
    return (value: string, count = 1) => {
      let child = children.get(value);
      if (child === undefined) {
        child = metric.labels(label === undefined ? { venue } : { venue, [label]: value });
        children.set(value, child);
      }
      child.inc(count);
    };
  };
  const gauge = (name: string, help: string) => {
    const found = registry.getSingleMetric(name);
    return (found instanceof Gauge ? found : new Gauge({ name, help, labelNames: ['venue'], registers: [registry] })).labels({
      venue,
    });
  };
  const name = 'tributary_ingest_exchange_latency_seconds';
  const found = registry.getSingleMetric(name);
  const help = 'Time from the event at the venue to its receipt here.';
  const latency = (
    found instanceof Histogram
      ? found
      : new Histogram({ name, help, labelNames: ['venue'], buckets: LATENCIES, registers: [registry] })
  ).labels({ venue });

  const frames = counter('tributary_ingest_frames_total', 'Frames received.', 'channel');
  const events = counter('tributary_ingest_events_total', 'Events given to the log.', 'kind');
  const gaps = counter('tributary_ingest_gaps_total', 'Holes in what was received.', 'kind');
  const malformed = counter('tributary_ingest_malformed_total', 'What could not be read or believed.', 'reason');
  const reconnects = counter('tributary_ingest_reconnects_total', 'Connections after the first.');
  const rotations = counter(
    'tributary_ingest_rotations_total',
    'Connections replaced by a new one that served before they ended (done), or whose next one did not come up (failed).',
    'outcome',
  );
  const checksums = counter('tributary_ingest_checksum_failures_total', 'Books that did not match their checksum.');
  const conflated = counter(
    'tributary_ingest_conflated_quotes_total',
    'Quotes replaced by a newer one before they were written.',
  );
  const deletes = counter('tributary_ingest_missed_deletes_total', 'Levels removed by the venue that were not in the book.');
  const repaired = counter('tributary_ingest_repaired_trades_total', 'Trades filled in by REST.');
  const capture = counter('tributary_ingest_capture_dropped_frames_total', 'Frames that the capture file was too slow for.');
  const depth = gauge('tributary_ingest_queue_depth_records', 'Records that wait for the log.');
  const missing = gauge('tributary_ingest_missing_trades', 'Trades known to be missing, which REST is asked for.');
  const skew = gauge('tributary_ingest_clock_skew_seconds', 'Clock of the venue minus ours, as last measured.');
  const skewError = gauge('tributary_ingest_clock_skew_error_seconds', 'How far off the measured skew of the clocks may be.');
  return {
    frame: (channel) => frames(channel),
    event: (kind) => events(kind),
    gap: (kind) => gaps(kind),
    malformed: (reason) => malformed(reason),
    reconnect: () => reconnects(''),
    rotation: (outcome) => rotations(outcome),
    checksumFailure: () => checksums(''),
    conflatedQuotes: (count) => conflated('', count),
    missedDeletes: (count) => deletes('', count),
    repairedTrades: (count) => repaired('', count),
    missingTrades: (count) => missing.set(count),
    droppedCaptureFrame: () => capture(''),
    queueDepth: (records) => depth.set(records),
    clockSkew(micros, errorMicros) {
      skew.set(micros / 1e6);
      skewError.set(errorMicros / 1e6);
    },
    latency: (micros) => latency.observe(Math.max(0, micros / 1e6)),
  };
}
