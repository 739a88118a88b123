-- Context values: what sources outside the venues published, each vintage once. Fed by backfill and, from the archived log, by the view
-- below; the same value from both has the same (source, series, seq). Times in milliseconds since the Unix epoch.

ALTER TABLE ticks ADD COLUMN IF NOT EXISTS observed_at Int64;
ALTER TABLE ticks ADD COLUMN IF NOT EXISTS valid_for Int64;
ALTER TABLE features ADD COLUMN IF NOT EXISTS context_age Int64 DEFAULT -1;

CREATE TABLE IF NOT EXISTS context_values (
  source LowCardinality(String), series LowCardinality(String), seq Int64, value Float64,
  observed_at Int64, published_at Int64, available_at Int64, valid_for Int64, inserted_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree ORDER BY (source, series, seq)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS context_values_from_log TO context_values AS
SELECT source, series, seq, value, observed_at, intDiv(published_at, 1000) AS published_at, effective_t AS available_at, valid_for
FROM ticks WHERE kind = 'reference' AND valid_for > 0;

-- Which periods [from, to) of a source's history have been asked for.
CREATE TABLE IF NOT EXISTS context_coverage (
  source LowCardinality(String), asset LowCardinality(String), from_time DateTime64(3, 'UTC'), to_time DateTime64(3, 'UTC'),
  inserted_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree ORDER BY (source, asset, from_time, to_time)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
