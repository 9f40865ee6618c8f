-- Less than a tenth of the capacity is low, and a tenth is not any more: levels at just that number are low no longer. Nobody gets mail
-- about it, and each of them has crossed once more, as directions take turns.
WITH recovered AS (
    UPDATE stock_levels
    SET is_low = false,
        crossings = crossings + 1,
        version = version + 1
    WHERE is_low
      AND low_at IS NULL
      AND on_hand > (capacity - 1) / 10
    RETURNING item_id, site_id, crossings, on_hand
)
INSERT INTO stock_alerts (item_id, site_id, crossing, direction, on_hand)
SELECT item_id, site_id, crossings, 'up', on_hand
FROM recovered;
