-- What is known of a shipment on its way: where it was last seen and heard of, since when it is silent, its milestones, and how long
-- journeys like it took (docs/decisions/0059).

-- When an act of somebody here last decided its status: what a log says of an earlier time does not know of it yet.
ALTER TABLE shipments ADD COLUMN acted_at timestamptz;
-- When it came to its status, as whoever said so dates it.
ALTER TABLE shipments ADD COLUMN status_since timestamptz;

CREATE TABLE shipment_traces (
    shipment_id  uuid PRIMARY KEY CONSTRAINT shipment_traces_of_shipment REFERENCES shipments (id),
    -- Counts every change of the shipment and of this: what subscribers are told is in its order.
    seq          bigint NOT NULL DEFAULT 1,
    -- Whether it has left and is not at its end.
    moving       boolean NOT NULL DEFAULT false,
    -- The last act or event; the clock here, as a tracker's may be anything.
    heard_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Since when its shipper knows that it is silent.
    stalled_at   timestamptz CONSTRAINT shipment_traces_stalled_silent CHECK (stalled_at > heard_at),
    latitude     double precision,
    longitude    double precision,
    seen_at      timestamptz,
    -- The number of the last mark that was carried over: an earlier one brings nothing.
    heard_change bigint NOT NULL DEFAULT 0,
    CONSTRAINT shipment_traces_position CHECK (
        num_nulls(latitude, longitude, seen_at) IN (0, 3)
        AND latitude BETWEEN -90 AND 90
        AND longitude BETWEEN -180 AND 180
    ),
    CONSTRAINT shipment_traces_stalled_moving CHECK (moving OR stalled_at IS NULL)
) WITH (fillfactor = 50);
CREATE INDEX shipment_traces_silent ON shipment_traces (heard_at) WHERE moving AND stalled_at IS NULL;
CREATE TRIGGER shipment_traces_counted BEFORE UPDATE ON shipment_traces FOR EACH ROW
    WHEN (new.seq <> old.seq + 1 OR new.shipment_id <> old.shipment_id)
EXECUTE FUNCTION refuse_change('shipment_traces_counted');

-- Each status that it came to; of one that it came to again only the first time.
CREATE TABLE shipment_milestones (
    shipment_id uuid NOT NULL CONSTRAINT shipment_milestones_of_shipment REFERENCES shipments (id),
    status      cargo_status NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT shipment_milestones_pkey PRIMARY KEY (shipment_id, status)
);

-- How long delivered shipments were on their way between two sites. One that was never seen to leave says nothing about that.
CREATE TABLE shipment_journeys (
    shipment_id uuid PRIMARY KEY CONSTRAINT shipment_journeys_of_shipment REFERENCES shipments (id),
    from_site   uuid NOT NULL CONSTRAINT shipment_journeys_from REFERENCES sites (id),
    to_site     uuid NOT NULL CONSTRAINT shipment_journeys_to REFERENCES sites (id),
    from_region uuid NOT NULL CONSTRAINT shipment_journeys_from_region REFERENCES regions (id),
    to_region   uuid NOT NULL CONSTRAINT shipment_journeys_to_region REFERENCES regions (id),
    ended_at    timestamptz NOT NULL,
    took        interval NOT NULL CONSTRAINT shipment_journeys_took_time CHECK (took >= interval '1 minute')
);
CREATE INDEX shipment_journeys_by_sites ON shipment_journeys (from_site, to_site, ended_at DESC) INCLUDE (took);
CREATE INDEX shipment_journeys_by_regions ON shipment_journeys (from_region, to_region, ended_at DESC) INCLUDE (took);

-- Keeps the three beside the shipment, whoever writes it.
CREATE FUNCTION trace_shipment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        INSERT INTO shipment_traces (shipment_id, moving)
        VALUES (new.id, new.picked_up_at IS NOT NULL AND new.ended_at IS NULL);
    ELSE
        UPDATE shipment_traces
        SET seq = seq + 1,
            moving = new.picked_up_at IS NOT NULL AND new.ended_at IS NULL,
            heard_at = clock_timestamp(),
            stalled_at = NULL
        WHERE shipment_id = new.id;
    END IF;
    IF tg_op = 'INSERT' OR new.status <> old.status THEN
        INSERT INTO shipment_milestones (shipment_id, status, at)
        VALUES (new.id, new.status, coalesce(new.status_since, new.created_at))
        ON CONFLICT DO NOTHING;
    END IF;
    IF new.status = 'delivered' THEN
        INSERT INTO shipment_journeys (shipment_id, from_site, to_site, from_region, to_region, ended_at, took)
        SELECT new.id, a.id, b.id, a.region_id, b.region_id, new.ended_at, new.ended_at - new.picked_up_at
        FROM sites AS a, sites AS b
        WHERE a.id = new.from_site
          AND b.id = new.to_site
          AND new.ended_at - new.picked_up_at >= interval '1 minute'
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

INSERT INTO shipment_traces (shipment_id, moving)
SELECT id, picked_up_at IS NOT NULL AND ended_at IS NULL
FROM shipments;
INSERT INTO shipment_milestones (shipment_id, status, at)
SELECT id, 'pending'::cargo_status, created_at
FROM shipments
UNION ALL
SELECT id, 'picked_up'::cargo_status, picked_up_at
FROM shipments
WHERE picked_up_at IS NOT NULL
UNION ALL
SELECT id, status, ended_at
FROM shipments
WHERE ended_at IS NOT NULL;
INSERT INTO shipment_journeys (shipment_id, from_site, to_site, from_region, to_region, ended_at, took)
SELECT s.id, a.id, b.id, a.region_id, b.region_id, s.ended_at, s.ended_at - s.picked_up_at
FROM shipments AS s
JOIN sites AS a ON a.id = s.from_site
JOIN sites AS b ON b.id = s.to_site
WHERE s.status = 'delivered'
  AND s.ended_at - s.picked_up_at >= interval '1 minute';

CREATE TRIGGER shipments_traced AFTER INSERT OR UPDATE ON shipments FOR EACH ROW EXECUTE FUNCTION trace_shipment();
