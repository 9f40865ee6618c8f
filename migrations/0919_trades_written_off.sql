-- What was packed for a trade that has ended unpaid does not leave any more, whatever a carrier reports. This comes first: whoever acts on
-- one of these shipments meanwhile looks at the movements below when they commit.
UPDATE shipments AS s
SET status = 'cancelled',
    ended_at = clock_timestamp(),
    status_since = clock_timestamp(),
    acted_at = clock_timestamp(),
    version = s.version + 1
FROM orders AS o
WHERE o.id = s.order_id
  AND o.source = 'trade'
  AND o.status IN ('expired', 'cancelled')
  AND s.status = 'pending';

-- What has left unpaid and is written off leaves the stock book by a movement of its own kind: no payment has taken it.
ALTER TABLE stock_movements
    DROP CONSTRAINT stock_movements_kind_known,
    ADD CONSTRAINT stock_movements_kind_known
        CHECK (kind IN ('adjust', 'import', 'transfer_out', 'transfer_in', 'reserve', 'free', 'take', 'return',
                        'quarantine', 'release', 'write_off'));
