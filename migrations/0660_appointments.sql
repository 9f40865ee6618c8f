-- Appointments: when goods of an order are collected at a site of its seller, and when its buyer would like them to be delivered.

-- When goods are collected at a site.
CREATE TABLE site_hours (
    site_id      uuid CONSTRAINT site_hours_once PRIMARY KEY,
    org_id       uuid NOT NULL,
    -- The clock on the wall there.
    time_zone    text NOT NULL CONSTRAINT site_hours_zone_length CHECK (length(time_zone) BETWEEN 1 AND 64),
    slot_minutes smallint NOT NULL CONSTRAINT site_hours_slot_range CHECK (slot_minutes BETWEEN 5 AND 480),
    -- How many appointments there are at once.
    capacity     smallint NOT NULL CONSTRAINT site_hours_capacity_range CHECK (capacity BETWEEN 1 AND 100),
    CONSTRAINT site_hours_of_site FOREIGN KEY (site_id, org_id) REFERENCES sites (id, org_id)
) WITH (fillfactor = 80);
CREATE INDEX site_hours_of_org ON site_hours (org_id, site_id);

CREATE TABLE site_windows (
    site_id uuid NOT NULL CONSTRAINT site_windows_of_site REFERENCES site_hours (site_id),
    -- 1 is Monday.
    weekday smallint NOT NULL CONSTRAINT site_windows_weekday_range CHECK (weekday BETWEEN 1 AND 7),
    -- Minutes of the day, by the clock on the wall.
    opens   smallint NOT NULL,
    closes  smallint NOT NULL,
    CONSTRAINT site_windows_once PRIMARY KEY (site_id, weekday, opens),
    CONSTRAINT site_windows_in_order CHECK (opens >= 0 AND closes > opens AND closes <= 1440)
);

CREATE TABLE site_closed_days (
    site_id uuid NOT NULL CONSTRAINT site_closed_days_of_site REFERENCES site_hours (site_id),
    day     date NOT NULL,
    CONSTRAINT site_closed_days_once PRIMARY KEY (site_id, day)
);

-- Windows of a day are apart. Whoever changes those of a site has locked its hours. Not an exclusion constraint: that needs an
-- extension, which an installation may not have.
CREATE FUNCTION refuse_window_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM site_hours WHERE site_id = new.site_id FOR NO KEY UPDATE;
    IF (SELECT count(*)
        FROM site_windows
        WHERE site_id = new.site_id
          AND weekday = new.weekday
          AND opens < new.closes
          AND closes > new.opens) > 1
    THEN
        RAISE EXCEPTION 'site % is open twice at a time', new.site_id
            USING ERRCODE = 'check_violation', TABLE = 'site_windows', CONSTRAINT = 'site_windows_apart';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER site_windows_apart AFTER INSERT OR UPDATE ON site_windows FOR EACH ROW EXECUTE FUNCTION refuse_window_twice();

CREATE TABLE appointments (
    id            uuid PRIMARY KEY,
    order_id      uuid NOT NULL,
    seller_org_id uuid NOT NULL,
    kind          text NOT NULL CONSTRAINT appointments_kind_known CHECK (kind IN ('collection', 'delivery')),
    -- Where goods are collected. A delivery goes where buyer and seller have agreed.
    site_id       uuid,
    status        text NOT NULL
                  CONSTRAINT appointments_status_known
                  -- Passed: the time of a delivery is over, whatever became of it.
                  CHECK (status IN ('proposed', 'booked', 'redeemed', 'cancelled', 'missed', 'passed')),
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    -- SHA-256 of the pass that was issued last. The pass itself is random, and nowhere.
    pass_hash     bytea CONSTRAINT appointments_pass_length CHECK (octet_length(pass_hash) = 32),
    -- When both sides were reminded, or when it was made, if that was so late that it needs no reminder.
    reminded_at   timestamptz,
    created_by    uuid NOT NULL REFERENCES users (id),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at      timestamptz,
    -- Counts every change.
    version       bigint NOT NULL DEFAULT 1,
    CONSTRAINT appointments_of_seller FOREIGN KEY (order_id, seller_org_id) REFERENCES orders (id, seller_org_id),
    CONSTRAINT appointments_at_own_site FOREIGN KEY (site_id, seller_org_id) REFERENCES sites (id, org_id),
    CONSTRAINT appointments_within_hours FOREIGN KEY (site_id) REFERENCES site_hours (site_id),
    CONSTRAINT appointments_in_order CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '24 hours'),
    CONSTRAINT appointments_collected_at_site CHECK ((kind = 'collection') = (site_id IS NOT NULL)),
    CONSTRAINT appointments_pass_of_collection CHECK (pass_hash IS NULL OR kind = 'collection'),
    CONSTRAINT appointments_redeemed_by_pass CHECK (status <> 'redeemed' OR pass_hash IS NOT NULL),
    CONSTRAINT appointments_missed_by_kind
        CHECK (CASE status WHEN 'missed' THEN kind = 'collection' WHEN 'passed' THEN kind = 'delivery' ELSE true END),
    CONSTRAINT appointments_ended CHECK ((status IN ('proposed', 'booked')) = (ended_at IS NULL))
) WITH (fillfactor = 80);
-- An order is collected at a site at one time, and wanted at one time.
CREATE UNIQUE INDEX appointments_one_live ON appointments (order_id, kind, site_id) NULLS NOT DISTINCT
    WHERE status IN ('proposed', 'booked');
CREATE UNIQUE INDEX appointments_pass_once ON appointments (pass_hash) WHERE pass_hash IS NOT NULL;
CREATE INDEX appointments_of_order ON appointments (order_id, id);
CREATE INDEX appointments_at_site ON appointments (site_id, starts_at) WHERE status IN ('proposed', 'booked');
CREATE INDEX appointments_over ON appointments (ends_at, id) WHERE status IN ('proposed', 'booked');
CREATE INDEX appointments_to_remind ON appointments (starts_at, id) WHERE status = 'booked' AND reminded_at IS NULL;
CREATE TRIGGER appointments_per_order BEFORE INSERT ON appointments FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'order_id', 'orders', 'true', 100, 'appointments_per_order', 'an order has at most 100 appointments');
CREATE TRIGGER appointments_status_moves BEFORE UPDATE OF status ON appointments FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('appointments_status_moves',
    'proposed>booked', 'proposed>cancelled', 'booked>redeemed', 'booked>cancelled', 'booked>missed', 'booked>passed');
CREATE TRIGGER appointments_fixed BEFORE UPDATE ON appointments FOR EACH ROW
    WHEN (ROW (old.order_id, old.seller_org_id, old.kind, old.site_id, old.created_by, old.created_at)
          IS DISTINCT FROM
          ROW (new.order_id, new.seller_org_id, new.kind, new.site_id, new.created_by, new.created_at)
          OR old.ended_at IS NOT NULL)
EXECUTE FUNCTION refuse_change('appointments_fixed');
CREATE TRIGGER appointments_kept BEFORE DELETE OR TRUNCATE ON appointments FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('appointments_kept');

-- No more appointments at once than the site has room for: those at one site are made one after the other. What is there already
-- stays when its hours change.
CREATE FUNCTION refuse_full_slot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    room smallint;
BEGIN
    SELECT capacity INTO room FROM site_hours WHERE site_id = new.site_id FOR NO KEY UPDATE;
    IF (SELECT count(*)
        FROM appointments
        WHERE site_id = new.site_id
          AND status IN ('proposed', 'booked')
          AND starts_at < new.ends_at
          AND starts_at > new.starts_at - interval '24 hours'
          AND ends_at > new.starts_at) > room
    THEN
        RAISE EXCEPTION 'site % has no room then', new.site_id
            USING ERRCODE = 'check_violation', TABLE = 'appointments', CONSTRAINT = 'appointments_within_capacity';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER appointments_within_capacity AFTER INSERT OR UPDATE OF starts_at, ends_at ON appointments FOR EACH ROW
    WHEN (new.site_id IS NOT NULL AND new.status IN ('proposed', 'booked'))
EXECUTE FUNCTION refuse_full_slot();
