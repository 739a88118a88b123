-- Of a challenger: the share of the decisions that it serves.

ALTER TABLE models ADD COLUMN IF NOT EXISTS share Float64 DEFAULT 0;
