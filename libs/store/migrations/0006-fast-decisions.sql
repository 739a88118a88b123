-- Decisions of the fast lane are many and of seconds: they are kept for a month.
ALTER TABLE signals MODIFY TTL toDateTime(log_time) + INTERVAL 400 DAY, toDateTime(log_time) + INTERVAL 30 DAY DELETE WHERE lane = 'fast';
ALTER TABLE outcomes MODIFY TTL toDateTime(log_time) + INTERVAL 400 DAY, toDateTime(log_time) + INTERVAL 30 DAY DELETE WHERE lane = 'fast';
ALTER TABLE shadow MODIFY TTL toDateTime(log_time) + INTERVAL 400 DAY, toDateTime(log_time) + INTERVAL 30 DAY DELETE WHERE lane = 'fast';
ALTER TABLE shadow_outcomes MODIFY TTL toDateTime(log_time) + INTERVAL 400 DAY, toDateTime(log_time) + INTERVAL 30 DAY DELETE WHERE lane = 'fast';
