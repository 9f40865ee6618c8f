-- The headers of a stored answer that name what was made: `Location`, and `Link` to its job. Null: there are none.
ALTER TABLE idempotency_keys ADD COLUMN headers jsonb;
