/** What the venues send, how old it is, and what is missing of it. */
import { type DashboardSpec, of, quantile, rare, rate } from './panel.ts';

export const feeds: DashboardSpec = {
  uid: 'tributary-feeds',
  title: 'Feeds',
  description: 'By venue: what comes, how late, with which holes.',
  panels: [
    {
      title: 'Frames received',
      description: 'WebSocket frames a second. Zero for a venue that trades: it is silent, see the runbook of VenueSilent.',
      unit: 'reqps',
      queries: [{ expr: `sum by (venue) (${rate('tributary_ingest_frames_total')})`, legend: '{{venue}}' }],
    },
    {
      title: 'Events into the log by kind',
      description: 'Trades, quotes, book levels and the rest, a second.',
      unit: 'ops',
      queries: [{ expr: `sum by (venue, kind) (${rate('tributary_ingest_events_total')})`, legend: '{{venue}} {{kind}}' }],
    },
    {
      title: 'Latency from the venue, p50 and p99',
      description: "From the venue's time of an event to its receipt here; clocks that differ are part of it, see the skew.",
      unit: 's',
      queries: [
        { expr: quantile(0.5, 'tributary_ingest_exchange_latency_seconds', ['venue']), legend: '{{venue}} p50' },
        { expr: quantile(0.99, 'tributary_ingest_exchange_latency_seconds', ['venue']), legend: '{{venue}} p99' },
      ],
    },
    {
      title: 'Clock of the venue minus ours',
      description: 'As last measured. Beyond 250 ms for sure, the clock stops writing and nothing is decided.',
      unit: 's',
      queries: [{ expr: of('tributary_ingest_clock_skew_seconds'), legend: '{{venue}}' }],
    },
    {
      title: 'Vectors of a feed that was stale',
      description: 'A second, by instrument: no heartbeat for three seconds, or no price for too long. Nothing is said on them.',
      unit: 'ops',
      queries: [
        {
          expr: `sum by (instrument) (${rate('tributary_features_flagged_vectors_total', 'quality=~"stale_.+"')}) or vector(0)`,
          legend: '{{instrument}}',
        },
      ],
    },
    {
      title: 'Gaps',
      description: 'Holes in what was received, a second. The venue is masked while one is open.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_ingest_gaps_total', 'venue, kind'), legend: '{{venue}} {{kind}}' }],
    },
    {
      title: 'Trades known to be missing, and filled in',
      description: 'What REST is asked for, and what it gave a second.',
      unit: 'short',
      queries: [
        { expr: of('tributary_ingest_missing_trades'), legend: '{{venue}} missing' },
        { expr: rare('tributary_ingest_repaired_trades_total', 'venue'), legend: '{{venue}} repaired a second' },
      ],
    },
    {
      title: 'Books that did not match their checksum',
      description: 'A second. Each one ends in a new snapshot of the book.',
      unit: 'ops',
      queries: [{ expr: rare('tributary_ingest_checksum_failures_total', 'venue'), legend: '{{venue}}' }],
    },
    {
      title: 'Connections again, and what could not be read',
      description:
        'A second. Replaced: by a connection that was opened before the old one ended (done), or was not as good (failed). Malformed: frames that are none, prices that cannot be.',
      unit: 'ops',
      queries: [
        { expr: rare('tributary_ingest_reconnects_total', 'venue'), legend: '{{venue}} reconnects' },
        { expr: rare('tributary_ingest_rotations_total', 'venue, outcome'), legend: '{{venue}} replaced, {{outcome}}' },
        { expr: rare('tributary_ingest_malformed_total', 'venue, reason'), legend: '{{venue}} {{reason}}' },
      ],
    },
  ],
};
