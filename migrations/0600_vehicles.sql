-- The fleet: vehicles of organisations, what they can carry, and when they are in maintenance.

CREATE TABLE vehicles (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES orgs (id),
    name          text NOT NULL CONSTRAINT vehicles_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- A number plate, or whatever else is painted on it.
    registration  text NOT NULL CONSTRAINT vehicles_registration_length CHECK (length(registration) BETWEEN 1 AND 50),
    max_weight_g  bigint NOT NULL CONSTRAINT vehicles_max_weight_range CHECK (max_weight_g BETWEEN 1 AND 1000000000000000),
    max_volume_ml bigint NOT NULL CONSTRAINT vehicles_max_volume_range CHECK (max_volume_ml BETWEEN 1 AND 1000000000000000),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set: it is not used any more.
    archived_at   timestamptz,
    -- Counts the changes that people make.
    version       bigint NOT NULL DEFAULT 1,
    -- What shipments refer to.
    CONSTRAINT vehicles_of_org UNIQUE (id, org_id)
);
CREATE UNIQUE INDEX vehicles_registration_once ON vehicles (org_id, registration) WHERE archived_at IS NULL;
CREATE INDEX vehicles_by_org ON vehicles (org_id, id) WHERE archived_at IS NULL;
CREATE TRIGGER vehicles_per_org BEFORE INSERT ON vehicles FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'archived_at IS NULL', 1000, 'vehicles_per_org', 'an organisation has at most 1000 vehicles');

CREATE TABLE maintenance_windows (
    id         uuid PRIMARY KEY,
    vehicle_id uuid NOT NULL CONSTRAINT maintenance_windows_of_vehicle REFERENCES vehicles (id),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    reason     text CONSTRAINT maintenance_windows_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
    CONSTRAINT maintenance_windows_in_order CHECK (ends_at > starts_at)
);
CREATE INDEX maintenance_windows_by_vehicle ON maintenance_windows (vehicle_id, starts_at);

-- A vehicle is in one workshop at a time. Not an exclusion constraint: that needs an extension, which an installation may not have.
CREATE FUNCTION refuse_maintenance_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The windows of one vehicle come one after the other; the next statement sees those that were made while this one waited.
    PERFORM FROM vehicles WHERE id = new.vehicle_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT
        FROM maintenance_windows
        WHERE vehicle_id = new.vehicle_id
          AND id <> new.id
          AND starts_at < new.ends_at
          AND ends_at > new.starts_at
    ) THEN
        RAISE EXCEPTION 'vehicle % is in maintenance then', new.vehicle_id
            USING ERRCODE = 'check_violation', TABLE = 'maintenance_windows', CONSTRAINT = 'maintenance_windows_apart';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER maintenance_windows_apart BEFORE INSERT OR UPDATE ON maintenance_windows FOR EACH ROW
EXECUTE FUNCTION refuse_maintenance_twice();
CREATE TRIGGER maintenance_windows_per_vehicle BEFORE INSERT ON maintenance_windows FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'vehicle_id', 'vehicles', 'ends_at > clock_timestamp()', 100, 'maintenance_windows_per_vehicle',
    'a vehicle has at most 100 windows ahead');
