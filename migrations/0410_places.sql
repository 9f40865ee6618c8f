-- Where things are: regions as a tree, and the sites of organisations as points on one body.

CREATE TABLE regions (
    id        uuid PRIMARY KEY,
    parent_id uuid,
    kind      text NOT NULL CONSTRAINT regions_kind_known CHECK (kind IN ('body', 'country', 'state', 'district')),
    -- The whole path: earth/de/by.
    code      text NOT NULL
              CONSTRAINT regions_code_unique UNIQUE
              CONSTRAINT regions_code_form CHECK (code ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$' AND length(code) <= 100),
    name      text NOT NULL CONSTRAINT regions_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- The top of the path, copied down: distances are measured on one body.
    body      text NOT NULL,
    -- Of bodies.
    radius_m  double precision,
    CONSTRAINT regions_body_of_code CHECK (body = split_part(code, '/', 1)),
    CONSTRAINT regions_body_at_top CHECK ((kind = 'body') = (parent_id IS NULL)),
    CONSTRAINT regions_radius_of_body CHECK (CASE kind WHEN 'body' THEN coalesce(radius_m > 0, false) ELSE radius_m IS NULL END),
    -- What regions below and sites refer to.
    CONSTRAINT regions_on_body UNIQUE (id, body),
    CONSTRAINT regions_parent_on_body FOREIGN KEY (parent_id, body) REFERENCES regions (id, body)
);
CREATE INDEX regions_of_parent ON regions (parent_id);

INSERT INTO regions (id, parent_id, kind, code, name, body, radius_m)
VALUES
    ('01900000-0000-7000-8001-000000000001', NULL, 'body', 'earth', 'Earth', 'earth', 6371008.8),
    ('01900000-0000-7000-8001-000000000002', NULL, 'body', 'moon', 'Moon', 'moon', 1737400),
    ('01900000-0000-7000-8001-000000000003', NULL, 'body', 'mars', 'Mars', 'mars', 3389500);
INSERT INTO regions (id, parent_id, kind, code, name, body)
SELECT ('01900000-0000-7000-8001-' || lpad(to_hex(16 + row_number() OVER (ORDER BY code)), 12, '0'))::uuid, '01900000-0000-7000-8001-000000000001',
       'country', 'earth/' || code, name, 'earth'
FROM (
    VALUES
        ('at', 'Austria'), ('au', 'Australia'), ('be', 'Belgium'), ('bg', 'Bulgaria'), ('br', 'Brazil'), ('ca', 'Canada'),
        ('ch', 'Switzerland'), ('cn', 'China'), ('cy', 'Cyprus'), ('cz', 'Czechia'), ('de', 'Germany'), ('dk', 'Denmark'),
        ('ee', 'Estonia'), ('es', 'Spain'), ('fi', 'Finland'), ('fj', 'Fiji'), ('fr', 'France'), ('gb', 'United Kingdom'),
        ('gr', 'Greece'), ('hr', 'Croatia'), ('hu', 'Hungary'), ('ie', 'Ireland'), ('in', 'India'), ('it', 'Italy'),
        ('jp', 'Japan'), ('lt', 'Lithuania'), ('lu', 'Luxembourg'), ('lv', 'Latvia'), ('mt', 'Malta'), ('mx', 'Mexico'),
        ('nl', 'Netherlands'), ('no', 'Norway'), ('nz', 'New Zealand'), ('pl', 'Poland'), ('pt', 'Portugal'),
        ('ro', 'Romania'), ('se', 'Sweden'), ('si', 'Slovenia'), ('sk', 'Slovakia'), ('tr', 'Turkey'), ('ua', 'Ukraine'),
        ('us', 'United States'), ('za', 'South Africa')
) AS countries (code, name);

CREATE TABLE sites (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL REFERENCES orgs (id),
    region_id   uuid NOT NULL,
    name        text NOT NULL CONSTRAINT sites_name_length CHECK (length(name) BETWEEN 1 AND 100),
    kind        text NOT NULL
                CONSTRAINT sites_kind_known CHECK (kind IN ('depot', 'dealership', 'store', 'plant', 'station')),
    body        text NOT NULL,
    latitude    double precision NOT NULL,
    longitude   double precision NOT NULL,
    -- Units of whatever is there, together; NULL: nobody counts.
    capacity    bigint CONSTRAINT sites_capacity_range CHECK (capacity BETWEEN 1 AND 1000000000000),
    -- What is there, on hand and quarantined; 0 where nobody counts.
    stored      bigint NOT NULL DEFAULT 0,
    -- Counts the changes that people make.
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    CONSTRAINT sites_in_region FOREIGN KEY (region_id, body) REFERENCES regions (id, body),
    CONSTRAINT sites_latitude CHECK (latitude BETWEEN -90 AND 90),
    CONSTRAINT sites_longitude CHECK (longitude BETWEEN -180 AND 180),
    CONSTRAINT sites_within_capacity CHECK (stored BETWEEN 0 AND coalesce(capacity, 0)),
    -- What stock and listings refer to, so that nobody uses another's site.
    CONSTRAINT sites_owner UNIQUE (id, org_id)
);
CREATE INDEX sites_of_org ON sites (org_id, id);
CREATE INDEX sites_of_region ON sites (region_id);

-- How many sites an organisation has at most. Requests at the same moment may pass the limit by a few.
CREATE FUNCTION refuse_too_many_sites() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM sites WHERE org_id = new.org_id AND archived_at IS NULL LIMIT 1000) AS kept) >= 1000 THEN
        RAISE EXCEPTION 'an organisation has at most 1000 sites'
            USING ERRCODE = 'check_violation', TABLE = 'sites', CONSTRAINT = 'sites_per_org';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER sites_per_org BEFORE INSERT ON sites FOR EACH ROW EXECUTE FUNCTION refuse_too_many_sites();

-- A site stays where it is: what was sold from there was sold from there.
CREATE TRIGGER sites_place_fixed BEFORE UPDATE ON sites FOR EACH ROW
    WHEN (ROW (old.org_id, old.body) IS DISTINCT FROM ROW (new.org_id, new.body))
EXECUTE FUNCTION refuse_change('sites_place_fixed');

-- Metres on the sphere of this radius, by the haversine formula.
CREATE FUNCTION distance_m(
    latitude_a double precision, longitude_a double precision,
    latitude_b double precision, longitude_b double precision,
    radius_m double precision
) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 2 * radius_m * asin(least(1, sqrt(
        sin(radians(latitude_b - latitude_a) / 2) ^ 2
        + cos(radians(latitude_a)) * cos(radians(latitude_b)) * sin(radians(longitude_b - longitude_a) / 2) ^ 2)))
$$;
