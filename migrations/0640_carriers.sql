-- Carriers whose systems may report about an organisation's shipments, and the secrets that they sign their webhooks with.

CREATE TABLE carriers (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id),
    -- What its events have as their source, behind `carrier:`.
    slug       text NOT NULL CONSTRAINT carriers_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 40),
    name       text NOT NULL CONSTRAINT carriers_name_length CHECK (length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set: it does not report any more.
    ended_at   timestamptz
);
CREATE UNIQUE INDEX carriers_slug_once ON carriers (org_id, slug) WHERE ended_at IS NULL;
CREATE INDEX carriers_by_org ON carriers (org_id, id) WHERE ended_at IS NULL;
CREATE TRIGGER carriers_per_org BEFORE INSERT ON carriers FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'ended_at IS NULL', 100, 'carriers_per_org', 'an organisation has at most 100 carriers');

-- The present secret of each carrier, and for a day the one before it. Sealed with a key that the database does not have, for this
-- table, the carrier and the version: moved to another row, it does not open.
CREATE TABLE carrier_secrets (
    carrier_id uuid NOT NULL CONSTRAINT carrier_secrets_of_carrier REFERENCES carriers (id),
    version    integer NOT NULL CONSTRAINT carrier_secrets_version_range CHECK (version >= 1),
    sealed     bytea NOT NULL CONSTRAINT carrier_secrets_sealed_length CHECK (octet_length(sealed) BETWEEN 34 AND 1024),
    made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Absent: the present one.
    good_until timestamptz CONSTRAINT carrier_secrets_in_order CHECK (good_until >= made_at),
    PRIMARY KEY (carrier_id, version)
);
CREATE UNIQUE INDEX carrier_secrets_one_present ON carrier_secrets (carrier_id) WHERE good_until IS NULL;
CREATE UNIQUE INDEX carrier_secrets_one_before ON carrier_secrets (carrier_id) WHERE good_until IS NOT NULL;
