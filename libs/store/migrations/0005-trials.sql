-- What model searches have tried: one row for each trial on each inner fold, at each budget, whatever came of it. A search is resumed by what
-- stands here, and whoever judges the best of many has to count all of them (a Sharpe ratio deflated by every trial ever run).
-- `trials` has FINAL's meaning only: two workers that did the same trial left the same numbers twice. NaN = not computable.

CREATE TABLE IF NOT EXISTS trials (
  -- Hash of what all trials of a search share: method, data, heads, folds, seed. The same command has the same one.
  search_id LowCardinality(String),
  -- Hash of the configuration, which is JSON: {"model": …, its settings}.
  trial_id LowCardinality(String), model LowCardinality(String), config String,
  -- Share of the rows (trees, logistic) or epochs (networks) that it was given, and the inner fold, from 0, in order of time.
  budget Float64, fold Int32, seed Int64,
  -- done or failed (then with its error).
  status LowCardinality(String), error String,
  -- Out of fold, over the moves of all heads together.
  moves Int32, log_loss Float64, brier Float64, accuracy Float64, coverage_at_68 Float64,
  -- Paper strategy: one stake where it says 0.68 or more, in and out as a taker, all heads together. Net returns of an hour, basis points, hours
  -- without a trade among them; Sharpe ratios per hour before and after costs (libs/validation/sharpe.ts).
  decisions Int32, signals Int32, hours Int32, net_mean_bps Float64, net_deviation_bps Float64, gross_sharpe Float64, net_sharpe Float64,
  -- Which of how many workers, when it began, how long it took.
  worker LowCardinality(String), started DateTime64(3, 'UTC'), took_seconds Float64
) ENGINE = ReplacingMergeTree ORDER BY (search_id, trial_id, budget, fold)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
