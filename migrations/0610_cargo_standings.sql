-- Where each shipment stands by its reporter's events, kept by the transaction that records them (docs/decisions/0055). It can be made
-- anew from the log at any time, and repeats nothing that the log does not say.
--
-- Every column but the last two is the least or the greatest of something over the events that count, so adding an event needs no
-- other one and the order in which they come does not matter (market/src/cargo/rules/tally.rs). What cannot be added, a correction and
-- what it corrects, is ranked anew from the log.

CREATE TABLE cargo_standings (
    org             uuid NOT NULL,
    shipment        text COLLATE "C" NOT NULL,
    -- The latest status other than a cancellation, with what ranks it.
    status          cargo_status,
    status_at       timestamptz,
    status_sequence bigint,
    -- The first of each.
    delivered_at    timestamptz,
    returned_at     timestamptz,
    cancelled_at    timestamptz,
    moved_at        timestamptz,
    -- The latest position.
    latitude        double precision,
    longitude       double precision,
    seen_at         timestamptz,
    seen_sequence   bigint,
    -- From then on the row is out of date, because an event that was ahead counts: readers rank anew, and a sweep writes it down.
    next_at         timestamptz,
    -- Whether one of the events corrects another one.
    corrected       boolean NOT NULL DEFAULT false,
    CONSTRAINT cargo_standings_pkey PRIMARY KEY (org, shipment),
    CONSTRAINT cargo_standings_position_whole CHECK (num_nulls(latitude, longitude, seen_at, seen_sequence) IN (0, 4)),
    CONSTRAINT cargo_standings_status_not_cancelled CHECK (status <> 'cancelled'),
    CONSTRAINT cargo_standings_status_whole CHECK (num_nulls(status, status_at, status_sequence) IN (0, 3))
)
-- Rows change in place, on their own page, with every position that is reported.
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX cargo_standings_due ON cargo_standings (next_at) WHERE next_at IS NOT NULL;

-- Corrections are few, and looked for whenever an event comes to a shipment that has some.
CREATE INDEX cargo_events_corrections ON cargo_events (org, shipment) WHERE corrects IS NOT NULL;

-- What is in the log already counts as out of date from the beginning, so the same code ranks it.
INSERT INTO cargo_standings (org, shipment, next_at)
SELECT DISTINCT org, shipment, 'epoch'::timestamptz
FROM cargo_events;
