-- When a shipment is to be delivered, as the log said last; NULL: it says nothing (docs/decisions/0059).
ALTER TABLE shipment_traces
    ADD COLUMN expected_at timestamptz,
    ADD COLUMN expected_type cargo_event_type,
    ADD COLUMN expected_reported_at timestamptz,
    ADD CONSTRAINT shipment_traces_expected CHECK (
        num_nulls(expected_at, expected_type, expected_reported_at) IN (0, 3)
        AND expected_type <> 'actual'
    );
