-- When a shipment is to be delivered, as plans and estimates say: few rows among many, looked for whenever a shipment of ours has news
-- (docs/decisions/0059).
CREATE INDEX cargo_events_expected ON cargo_events (org, shipment, recorded_at DESC, sequence DESC, id DESC)
    WHERE type <> 'actual' AND status = 'delivered';
