-- What was published, held against the same made once more (tributary parity): a row a partition and check.

CREATE TABLE IF NOT EXISTS parity (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  partition Int32, time DateTime64(3, 'UTC'), source LowCardinality(String), from_offset Int64, to_offset Int64,
  vectors Int64, vector_mismatches Int64, signals Int64, signal_mismatches Int64, signals_skipped Int64, findings String, restarted Bool
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (time, partition, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS parity_states (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  state_version LowCardinality(String), partition Int32, offset Int64, chunk Int32, chunks Int32, bytes Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 7 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
