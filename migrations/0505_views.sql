-- Who has looked at listings: each visitor once a day, by the day of the seller. Nobody can be told from what is kept.

-- Random, one for each day, and gone two days later: with it goes every way to find out whose a visit was.
CREATE TABLE visit_keys (
    day date PRIMARY KEY,
    key bytea NOT NULL CONSTRAINT visit_keys_length CHECK (length(key) = 32)
);

CREATE TABLE listing_views (
    listing_id uuid NOT NULL CONSTRAINT listing_views_of_listing REFERENCES listings (id),
    -- In the time zone that the seller had then.
    day        date NOT NULL,
    -- A hash by the day's key.
    visitor    bytea NOT NULL CONSTRAINT listing_views_visitor_length CHECK (length(visitor) = 8),
    first_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (listing_id, day, visitor)
);

-- What the rows above add up to.
CREATE TABLE listing_days (
    listing_id uuid NOT NULL CONSTRAINT listing_days_of_listing REFERENCES listings (id),
    day        date NOT NULL,
    views      bigint NOT NULL CONSTRAINT listing_days_views_positive CHECK (views > 0),
    PRIMARY KEY (listing_id, day)
);

-- In UTC for a zone that the server does not know.
CREATE FUNCTION day_in(zone text, at timestamptz) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (at AT TIME ZONE zone)::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (at AT TIME ZONE 'UTC')::date;
END $$;

-- Notes that these visitors have seen these listings, and counts those who had not on that day. Visitors are whole hashes here, and are
-- not kept like that. Rows are written in one order, whoever writes them.
CREATE FUNCTION note_views(listings uuid[], visitors bytea[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    now constant timestamptz := clock_timestamp();
    today constant date := (now AT TIME ZONE 'UTC')::date;
    counted bigint;
BEGIN
    -- It is never more than a day earlier or later anywhere.
    INSERT INTO visit_keys (day, key)
    SELECT today + n, uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    FROM generate_series(-1, 1) AS n
    WHERE NOT EXISTS (SELECT FROM visit_keys WHERE day = today + n)
    ON CONFLICT DO NOTHING;
    DELETE FROM visit_keys WHERE day < today - 1;
    WITH seen AS (
        SELECT l.id, day_in(o.time_zone, now) AS day, s.visitor
        FROM unnest(listings, visitors) AS s (listing_id, visitor)
        JOIN listings AS l ON l.id = s.listing_id
        JOIN orgs AS o ON o.id = l.seller_org_id
    ), new AS (
        INSERT INTO listing_views (listing_id, day, visitor, first_at)
        SELECT DISTINCT s.id, s.day, substring(sha256(k.key || s.visitor) FOR 8), now
        FROM seen AS s
        JOIN visit_keys AS k ON k.day = s.day
        ORDER BY 1, 2, 3
        ON CONFLICT DO NOTHING
        RETURNING listing_id, day
    ), days AS (
        INSERT INTO listing_days (listing_id, day, views)
        SELECT listing_id, day, count(*)
        FROM new
        GROUP BY listing_id, day
        ORDER BY listing_id, day
        ON CONFLICT (listing_id, day) DO UPDATE SET views = listing_days.views + excluded.views
    )
    SELECT count(*) INTO counted FROM new;
    RETURN counted;
END $$;
