-- Paper trading: fills (kind fill) and the accounts at each minute (kind equity), amounts in the quote currency; position after it.
--   SELECT time, sum(equity) FROM paper FINAL WHERE kind = 'equity' GROUP BY time ORDER BY time

CREATE TABLE IF NOT EXISTS paper (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'), kind LowCardinality(String),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), time DateTime64(3, 'UTC'),
  source LowCardinality(String), position Float64,
  id String, horizon LowCardinality(String), t DateTime64(3, 'UTC'), side Int32, quantity Float64, price Float64, reference Float64,
  fee Float64, spread_cost Float64, slippage_cost Float64, reason LowCardinality(String), gross_bps Float64, net_bps Float64,
  cash Float64, mark Float64, equity Float64, drawdown Float64, fees Float64, spread_costs Float64, slippage_costs Float64,
  funding Float64, turnover Float64, trades Int64, stop LowCardinality(String)
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, kind, time, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- States of the accounts, without what is in them.
CREATE TABLE IF NOT EXISTS paper_states (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  account LowCardinality(String), version LowCardinality(String), signals_offset Int64, bytes Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (account, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 3 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
