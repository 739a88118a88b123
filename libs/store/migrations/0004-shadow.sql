-- What the slots that do not decide would have said, and what came of it; beside signals and outcomes, so that nobody takes one for the other.
-- Unfamiliarity: how far a vector lies from the training data, above 1 the model does not speak; 0 = not known.

ALTER TABLE signals ADD COLUMN IF NOT EXISTS unfamiliarity Float64 DEFAULT 0;
ALTER TABLE outcomes ADD COLUMN IF NOT EXISTS unfamiliarity Float64 DEFAULT 0;
ALTER TABLE models ADD COLUMN IF NOT EXISTS pinned Bool DEFAULT false;

CREATE TABLE IF NOT EXISTS shadow (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), horizon LowCardinality(String),
  t DateTime64(3, 'UTC'), lane LowCardinality(String), direction Int32, probability_up Float64, confidence Float64, threshold Float64,
  reference_price Float64, reference_kind Int32, cost_bps Float64, quality UInt32, abstain_reason LowCardinality(String),
  bundle_id LowCardinality(String), slot LowCardinality(String), published_at DateTime64(3, 'UTC'), valid_until DateTime64(3, 'UTC'),
  source LowCardinality(String), unfamiliarity Float64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, horizon, t, slot, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS shadow_outcomes (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), horizon LowCardinality(String),
  t DateTime64(3, 'UTC'), lane LowCardinality(String), direction Int32, probability_up Float64, confidence Float64, threshold Float64,
  reference_price Float64, reference_kind Int32, cost_bps Float64, quality UInt32, abstain_reason LowCardinality(String),
  bundle_id LowCardinality(String), slot LowCardinality(String), published_at DateTime64(3, 'UTC'), valid_until DateTime64(3, 'UTC'),
  source LowCardinality(String), unfamiliarity Float64,
  status Int32, void_reason LowCardinality(String), entry_price Float64, exit_price Float64, log_return Float64, resolved_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, horizon, t, slot, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
