/** From the tick to the signal: what waits, what flows, how long it takes. */
import { type DashboardSpec, of, quantile, rare, rate } from './panel.ts';

export const pipeline: DashboardSpec = {
  uid: 'tributary-pipeline',
  title: 'Pipeline',
  description: 'Lag, throughput and latency of every service between the log and the signals.',
  panels: [
    {
      title: 'Tick to signal, p50 and p99',
      description:
        'By lane: from the clock, or in the fast lane the quote, that made the vector to the decision that readers can see. No horizon shorter than the fast p99 is offered.',
      unit: 's',
      queries: [
        { expr: quantile(0.5, 'tributary_inference_tick_to_signal_seconds', ['lane']), legend: '{{lane}} p50' },
        { expr: quantile(0.99, 'tributary_inference_tick_to_signal_seconds', ['lane']), legend: '{{lane}} p99' },
      ],
    },
    {
      title: 'Age of the newest clock event',
      description: 'Time advances by these; growing = the clock has stopped and nothing is decided.',
      unit: 's',
      queries: [{ expr: `time() - max(${of('tributary_clock_time_seconds')})`, legend: 'age' }],
    },
    {
      title: 'Lag',
      description: 'Records in the log that a service has not read. Growing = it is too slow, or stands still.',
      unit: 'short',
      queries: [
        { expr: `sum(${of('tributary_features_lag_records')})`, legend: 'features' },
        { expr: `sum(${of('tributary_inference_lag_records')})`, legend: 'inference' },
        { expr: `sum(${of('tributary_evaluation_lag_records')})`, legend: 'evaluation' },
        { expr: `sum(${of('tributary_paper_lag_records')})`, legend: 'paper, which reads two seconds behind' },
        { expr: `sum(${of('tributary_archive_lag_records')})`, legend: 'archive' },
      ],
    },
    {
      title: 'Throughput',
      description: 'What each service finishes, a second.',
      unit: 'ops',
      queries: [
        { expr: `sum(${rate('tributary_features_events_total')})`, legend: 'events folded' },
        { expr: `sum by (lane) (${rate('tributary_features_instrument_vectors_total')})`, legend: '{{lane}} vectors' },
        { expr: `sum by (lane) (${rate('tributary_inference_signals_total')})`, legend: '{{lane}} decisions' },
        { expr: `sum(${rate('tributary_archive_rows_total')})`, legend: 'rows archived' },
      ],
    },
    {
      title: 'Records that wait for the log',
      description: 'Backpressure: at ingest, before they are written. Quotes are conflated meanwhile.',
      unit: 'short',
      queries: [
        { expr: of('tributary_ingest_queue_depth_records'), legend: '{{venue}} waiting' },
        { expr: rare('tributary_ingest_conflated_quotes_total', 'venue'), legend: '{{venue}} conflated a second' },
      ],
    },
    {
      title: 'Folding one batch, p99',
      description: 'The event loop is held as long.',
      unit: 's',
      queries: [{ expr: quantile(0.99, 'tributary_features_batch_seconds'), legend: 'p99' }],
    },
    {
      title: 'Inserts into ClickHouse, p99, and tries again',
      description: 'By topic, with the waiting for a store that is away.',
      unit: 's',
      queries: [
        { expr: quantile(0.99, 'tributary_archive_insert_seconds', ['topic']), legend: '{{topic}}' },
        { expr: `sum(${rate('tributary_archive_retries_total')})`, legend: 'tries again a second' },
      ],
    },
    {
      title: 'Vectors without a decision, and late events',
      description:
        'Masked: a feed has a hole or is silent. Late: stamped before the newest vector; they count into the next bar.',
      unit: 'ops',
      queries: [
        { expr: `sum(${rate('tributary_features_masked_vectors_total')})`, legend: 'masked' },
        { expr: `sum(${rate('tributary_features_late_events_total')})`, legend: 'late' },
      ],
    },
    {
      title: 'Event-loop lag, p99',
      description: 'Of each process. Above 100 ms something computes where it should not.',
      unit: 's',
      queries: [{ expr: of('nodejs_eventloop_lag_p99_seconds'), legend: '{{tributary_service}} {{instance}}' }],
    },
    {
      title: 'Memory',
      description: 'Resident, of each process; the limits are in the values of the chart.',
      unit: 'bytes',
      queries: [{ expr: of('process_resident_memory_bytes'), legend: '{{tributary_service}} {{instance}}' }],
    },
  ],
};
