-- Every archived row names its place in the log (log_partition, log_offset) and when it was appended (log_time). A table's sorting key ends
-- with that place, so that a row inserted twice becomes one (ReplacingMergeTree; read with FINAL where it matters), beyond the
-- deduplication of whole batches by token. Inserts are synced to disk: the log forgets its offsets after them.

CREATE TABLE IF NOT EXISTS store_info (key String, value String)
ENGINE = ReplacingMergeTree ORDER BY key SETTINGS non_replicated_deduplication_window = 100;

-- The long log of `ticks`: one row an event of any kind; columns of other kinds hold their default, which costs next to nothing on disk.
-- Numbers of side, status and gap_kind are those of proto/tributary/v1/market.proto.
CREATE TABLE IF NOT EXISTS ticks (
  log_partition Int32, log_offset Int64 CODEC(Delta, ZSTD), log_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  kind LowCardinality(String), asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String),
  exchange_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD), receive_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD), sequence Int64 CODEC(Delta, ZSTD),
  trade_id Int64, price Float64, size Float64, aggressor Int32, repaired Bool,
  bid Float64, bid_size Float64, ask Float64, ask_size Float64,
  bid_prices Array(Float64), bid_sizes Array(Float64), ask_prices Array(Float64), ask_sizes Array(Float64),
  bid_value_10bps Float64, ask_value_10bps Float64, bid_value_50bps Float64, ask_value_50bps Float64,
  order_flow Array(Float64), updates Int32,
  status Int32, tick_size Float64, renamed_to String,
  healthy Bool, last_frame_time Int64, clock_skew Int64, gaps Int64, checksum_failures Int64, reconnects Int64, conflated_quotes Int64,
  complete_through_trade_id Int64, complete_through_time Int64,
  gap_kind Int32, from_trade_id Int64, to_trade_id Int64, detail String,
  source LowCardinality(String), series LowCardinality(String), seq Int64, value Float64, published_at Int64, effective_t Int64,
  t Int64, writer_epoch Int64,
  start Int64, open Float64, high Float64, low Float64, close Float64, volume Float64, trades Int32
) ENGINE = ReplacingMergeTree PARTITION BY toDate(log_time) ORDER BY (kind, instrument, venue, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

CREATE VIEW IF NOT EXISTS trades AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, exchange_time, receive_time, sequence,
  trade_id, price, size, transform(aggressor, [1, 2], ['buy', 'sell'], '') AS aggressor, repaired FROM ticks WHERE kind = 'trade';
CREATE VIEW IF NOT EXISTS quotes AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, exchange_time, receive_time, sequence,
  bid, bid_size, ask, ask_size FROM ticks WHERE kind = 'quote';
CREATE VIEW IF NOT EXISTS book_slices AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, exchange_time, receive_time, sequence,
  bid_prices, bid_sizes, ask_prices, ask_sizes, bid_value_10bps, ask_value_10bps, bid_value_50bps, ask_value_50bps, order_flow, updates
  FROM ticks WHERE kind = 'book';
CREATE VIEW IF NOT EXISTS instrument_status AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, exchange_time, receive_time,
  transform(status, [1, 2, 3, 4, 5, 6, 7], ['online', 'halted', 'auction', 'cancel_only', 'post_only', 'limit_only', 'delisted'], '') AS status,
  tick_size, renamed_to FROM ticks WHERE kind = 'status';
CREATE VIEW IF NOT EXISTS heartbeats AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, receive_time,
  healthy, last_frame_time, clock_skew, gaps, checksum_failures, reconnects, conflated_quotes,
  complete_through_trade_id, complete_through_time FROM ticks WHERE kind = 'heartbeat';
CREATE VIEW IF NOT EXISTS gaps AS SELECT log_partition, log_offset, log_time, asset, venue, instrument, receive_time,
  transform(gap_kind, [1, 2, 3, 4, 5, 6, 7], ['disconnect', 'trades', 'checksum', 'crossed_book', 'stale', 'malformed', 'overflow'], '') AS gap_kind,
  from_trade_id, to_trade_id, detail FROM ticks WHERE kind = 'gap';
-- `references` and `clocks` stand in every partition of the log: once each here.
CREATE VIEW IF NOT EXISTS reference_values AS SELECT source, series, seq, any(value) AS value, any(published_at) AS published_at,
  any(effective_t) AS effective_t FROM ticks WHERE kind = 'reference' GROUP BY source, series, seq;
CREATE VIEW IF NOT EXISTS clocks AS SELECT t, max(writer_epoch) AS writer_epoch, min(log_time) AS first_log_time FROM ticks WHERE kind = 'clock' GROUP BY t;

-- History by minute: each (venue, instrument, minute) enters once; origin says what it was built from. A missing minute had no trade.
CREATE TABLE IF NOT EXISTS candles (
  venue LowCardinality(String), instrument LowCardinality(String), start DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
  open Float64, high Float64, low Float64, close Float64, volume Float64, trades Int32,
  origin LowCardinality(String), inserted_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree PARTITION BY toYear(start) ORDER BY (start, venue, instrument)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- Which minutes [from, to) of history have been asked for: what lies in one of them and is no candle had no trade.
CREATE TABLE IF NOT EXISTS candle_coverage (
  venue LowCardinality(String), instrument LowCardinality(String), from_time DateTime64(3, 'UTC'), to_time DateTime64(3, 'UTC'),
  origin LowCardinality(String), inserted_at DateTime DEFAULT now()
) ENGINE = ReplacingMergeTree ORDER BY (venue, instrument, from_time, to_time)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS features (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), t DateTime64(3, 'UTC'), lane LowCardinality(String),
  schema_id LowCardinality(String), values Array(Float32), quality UInt32, last_price Float64, last_price_age Int64, bid Float64, ask Float64,
  late_events UInt32, source_offset Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, lane, t, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 3 DAY DELETE WHERE lane = 'fast'
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS feature_schemas (id String, columns Array(String), registered_at DateTime DEFAULT now())
ENGINE = ReplacingMergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100;

-- Snapshots of the fold: that they were made. The bytes stay in the compacted topic, which keeps the newest.
CREATE TABLE IF NOT EXISTS feature_states (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  state_version LowCardinality(String), partition Int32, offset Int64, chunk Int32, chunks Int32, bytes Int64
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 7 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS signals (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), horizon LowCardinality(String),
  t DateTime64(3, 'UTC'), lane LowCardinality(String), direction Int32, probability_up Float64, confidence Float64, threshold Float64,
  reference_price Float64, reference_kind Int32, cost_bps Float64, quality UInt32, abstain_reason LowCardinality(String),
  bundle_id LowCardinality(String), slot LowCardinality(String), published_at DateTime64(3, 'UTC'), valid_until DateTime64(3, 'UTC'),
  source LowCardinality(String)
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, horizon, t, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

-- A signal and what came of it; status is the number of OutcomeStatus in proto/tributary/v1/signals.proto.
CREATE TABLE IF NOT EXISTS outcomes (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  asset LowCardinality(String), venue LowCardinality(String), instrument LowCardinality(String), horizon LowCardinality(String),
  t DateTime64(3, 'UTC'), lane LowCardinality(String), direction Int32, probability_up Float64, confidence Float64, threshold Float64,
  reference_price Float64, reference_kind Int32, cost_bps Float64, quality UInt32, abstain_reason LowCardinality(String),
  bundle_id LowCardinality(String), slot LowCardinality(String), published_at DateTime64(3, 'UTC'), valid_until DateTime64(3, 'UTC'),
  source LowCardinality(String),
  status Int32, void_reason LowCardinality(String), entry_price Float64, exit_price Float64, log_return Float64, resolved_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (instrument, venue, horizon, t, log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 400 DAY SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS models (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  slot LowCardinality(String), bundle_id String, effective_t DateTime64(3, 'UTC'), actor String, reason String, time DateTime64(3, 'UTC'),
  bundle String CODEC(ZSTD(3))
) ENGINE = ReplacingMergeTree ORDER BY (slot, effective_t, log_partition, log_offset) SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS dead_letter (
  log_partition Int32, log_offset Int64, log_time DateTime64(3, 'UTC'),
  topic LowCardinality(String), partition Int32, offset Int64, key String, value String, service LowCardinality(String),
  code LowCardinality(String), detail String, time DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(log_time) ORDER BY (log_partition, log_offset)
TTL toDateTime(log_time) + INTERVAL 90 DAY SETTINGS non_replicated_deduplication_window = 1000;
