-- Snapshots of the prices that decisions are measured against: that there was one, not what it held.

CREATE TABLE IF NOT EXISTS outcome_states (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  state_version LowCardinality(String), partition Int32, offset Int64, chunk Int32, chunks Int32, bytes Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 7 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
