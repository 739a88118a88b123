-- Of a champion: what its heads' thresholds were moved by, `venue instrument horizon` and confidence.

ALTER TABLE models ADD COLUMN IF NOT EXISTS threshold_heads Array(String);
ALTER TABLE models ADD COLUMN IF NOT EXISTS threshold_shifts Array(Float64);
