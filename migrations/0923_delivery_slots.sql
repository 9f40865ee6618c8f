-- Slots of deliveries: when goods are delivered from a site, and how many deliveries there are at once.

-- Beside the site's hours, whose clock, closed days and lock are theirs, too. In tables of their own, since programs of before read all
-- windows of a site as those of its collections, and delete all of them when they set its hours.
CREATE TABLE site_delivery_hours (
    site_id      uuid CONSTRAINT site_delivery_hours_once PRIMARY KEY
                 CONSTRAINT site_delivery_hours_of_site REFERENCES site_hours (site_id),
    slot_minutes smallint NOT NULL CONSTRAINT site_delivery_hours_slot_range CHECK (slot_minutes BETWEEN 5 AND 480),
    -- How many deliveries there are at once.
    capacity     smallint NOT NULL CONSTRAINT site_delivery_hours_capacity_range CHECK (capacity BETWEEN 1 AND 100)
);

CREATE TABLE site_delivery_windows (
    site_id uuid NOT NULL CONSTRAINT site_delivery_windows_of_hours REFERENCES site_delivery_hours (site_id),
    -- 1 is Monday.
    weekday smallint NOT NULL CONSTRAINT site_delivery_windows_weekday_range CHECK (weekday BETWEEN 1 AND 7),
    -- Minutes of the day, by the clock on the wall.
    opens   smallint NOT NULL,
    closes  smallint NOT NULL,
    CONSTRAINT site_delivery_windows_once PRIMARY KEY (site_id, weekday, opens),
    CONSTRAINT site_delivery_windows_in_order CHECK (opens >= 0 AND closes > opens AND closes <= 1440)
);

-- Windows of a day are apart, in the table that the trigger is of.
CREATE OR REPLACE FUNCTION refuse_window_twice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at_once bigint;
BEGIN
    PERFORM FROM site_hours WHERE site_id = new.site_id FOR NO KEY UPDATE;
    EXECUTE format('SELECT count(*) FROM %I.%I WHERE site_id = $1 AND weekday = $2 AND opens < $3 AND closes > $4',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME)
        INTO at_once
        USING new.site_id, new.weekday, new.closes, new.opens;
    IF at_once > 1 THEN
        RAISE EXCEPTION 'site % is open twice at a time', new.site_id
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER site_delivery_windows_apart AFTER INSERT OR UPDATE ON site_delivery_windows FOR EACH ROW
EXECUTE FUNCTION refuse_window_twice();

-- A delivery takes a slot of the site that it comes from; without a site it is a wish, which takes no room.
ALTER TABLE appointments
    DROP CONSTRAINT appointments_collected_at_site,
    ADD CONSTRAINT appointments_collected_at_site CHECK (kind <> 'collection' OR site_id IS NOT NULL) NOT VALID;
ALTER TABLE appointments VALIDATE CONSTRAINT appointments_collected_at_site;
-- An order is collected at a site at one time, and delivered at one time, wherever that comes from.
DROP INDEX appointments_one_live;
CREATE UNIQUE INDEX appointments_one_live ON appointments (order_id, kind, (CASE kind WHEN 'collection' THEN site_id END))
    NULLS NOT DISTINCT WHERE status IN ('proposed', 'booked');
DROP INDEX appointments_at_site;
CREATE INDEX appointments_at_site ON appointments (site_id, kind, starts_at) WHERE status IN ('proposed', 'booked');

-- No more appointments of a kind at once than the site has room for: those at one site are made one after the other. What is there
-- already stays when its hours change.
CREATE OR REPLACE FUNCTION refuse_full_slot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    room smallint;
BEGIN
    PERFORM FROM site_hours WHERE site_id = new.site_id FOR NO KEY UPDATE;
    -- In statements of their own: they see what was committed while this one waited. Where nothing is delivered by slots any more
    -- there is no room for it.
    IF new.kind = 'collection' THEN
        SELECT capacity INTO room FROM site_hours WHERE site_id = new.site_id;
    ELSE
        SELECT capacity INTO room FROM site_delivery_hours WHERE site_id = new.site_id;
    END IF;
    IF (SELECT count(*)
        FROM appointments
        WHERE site_id = new.site_id
          AND kind = new.kind
          AND status IN ('proposed', 'booked')
          AND starts_at < new.ends_at
          AND starts_at > new.starts_at - interval '24 hours'
          AND ends_at > new.starts_at) > coalesce(room, 0)
    THEN
        RAISE EXCEPTION 'site % has no room then', new.site_id
            USING ERRCODE = 'check_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_within_capacity';
    END IF;
    RETURN NULL;
END $$;

-- Storage is owed for goods whose buyer has said to collect them. A program of before takes a delivery that is accepted for a collection,
-- and would freeze terms for it: it fails instead.
CREATE FUNCTION refuse_terms_uncollected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM appointments
        WHERE order_id = new.order_id
          AND site_id = new.site_id
          AND kind = 'collection'
          AND status = 'booked')
    THEN
        RAISE EXCEPTION 'no collection of order % is booked at site %', new.order_id, new.site_id
            USING ERRCODE = 'check_violation', TABLE = 'storage_terms', CONSTRAINT = 'storage_terms_of_collection';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER storage_terms_of_collection AFTER INSERT ON storage_terms FOR EACH ROW
EXECUTE FUNCTION refuse_terms_uncollected();
