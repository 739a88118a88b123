-- What the context service remembers: which source had made how many requests, and how many of its series had been published.
-- The values themselves are in context_values; the memory stays in the compacted topic, which keeps the newest.

CREATE TABLE IF NOT EXISTS context_states (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  source LowCardinality(String), month LowCardinality(String), calls Int64, series Int32
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
