-- The event log of shipments: append-only, each event once. It needs no other table, so it can live in a database of its
-- own (EVENTS_DATABASE_URL).
--
-- An event belongs to the organisation that reported it, and so do the names in it: nobody can take another one's event ids
-- or write into another one's shipments.
--
-- Why two tables. The log is cut by the month in which an event was recorded, so that a month can be archived as a whole
-- and inserts always meet the newest, small indexes. A unique key of a partitioned table must contain the partition key,
-- and the same event may come again in another month: (org, source, source_event_id) would be unique only within one. So the
-- keys stand in a table of their own, whose primary key is the rule, and which outlives archived months. A trigger writes
-- a key for every event in the same statement: whoever inserts events, by whichever statement, an event that is already
-- there is refused. Cutting by a hash of the key instead would need no second table, but gives up archiving by age and
-- measured 10 % more processor time per event.
--
-- Why there is no default partition. A month could not be added while the default one held its events, and moving them
-- is what an append-only log forbids. cargo.partitions makes months ahead; when it did not run, the insert makes its own.

CREATE TYPE cargo_event_type AS ENUM ('planned', 'estimated', 'actual');

CREATE TYPE cargo_status AS ENUM (
    'pending', 'picked_up', 'in_transit', 'out_for_delivery', 'delivered',
    'attempt_failed', 'exception', 'returned', 'cancelled'
);

CREATE TABLE cargo_event_keys (
    org             uuid NOT NULL,
    source          text COLLATE "C" NOT NULL,
    source_event_id text COLLATE "C" NOT NULL,
    CONSTRAINT cargo_event_keys_once PRIMARY KEY (org, source, source_event_id)
);

CREATE TABLE cargo_events (
    -- The order of recording. Unique because it is always generated; an index of its own would cost every insert.
    id              bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000),
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT now(),
    -- Counted by the source; orders its events of the same moment.
    sequence        bigint NOT NULL DEFAULT 0,
    latitude        double precision,
    longitude       double precision,
    org             uuid NOT NULL,
    type            cargo_event_type NOT NULL,
    -- NULL: the event says nothing about it, such as a position.
    status          cargo_status,
    source          text COLLATE "C" NOT NULL,
    source_event_id text COLLATE "C" NOT NULL,
    shipment        text COLLATE "C" NOT NULL,
    -- The source's id of an earlier event of the same org, source and shipment that this one replaces.
    corrects        text COLLATE "C",
    payload         jsonb,
    CONSTRAINT cargo_events_position CHECK (
        (latitude IS NULL) = (longitude IS NULL)
        AND latitude BETWEEN -90 AND 90
        AND longitude BETWEEN -180 AND 180
    ),
    CONSTRAINT cargo_events_payload_object CHECK (jsonb_typeof(payload) = 'object')
) PARTITION BY RANGE (recorded_at);

CREATE INDEX cargo_events_by_shipment ON cargo_events (org, shipment, occurred_at, sequence, id);

CREATE FUNCTION cargo_keep_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cargo_event_keys (org, source, source_event_id)
    SELECT org, source, source_event_id
    FROM recorded;
    RETURN NULL;
END
$$;

CREATE FUNCTION cargo_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', HINT = 'Record a new event that corrects the old one.';
END
$$;

-- Statement triggers serve statements that name this table; every partition gets its own, for those that name it.
CREATE TRIGGER cargo_keep_keys AFTER INSERT ON cargo_events
    REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION cargo_keep_keys();
CREATE TRIGGER cargo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_events
    FOR EACH STATEMENT EXECUTE FUNCTION cargo_append_only();
CREATE TRIGGER cargo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_event_keys
    FOR EACH STATEMENT EXECUTE FUNCTION cargo_append_only();

-- Makes the current month's partition and those of the following months where they are missing; returns how many it made.
CREATE FUNCTION cargo_ensure_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month timestamptz;
    part  text;
    made  integer := 0;
BEGIN
    -- Several processes may find the month missing at once.
    PERFORM pg_advisory_xact_lock(7261380);
    FOR ahead IN 0..months_ahead LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC';
        part := 'cargo_events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        -- Made aside and attached: ATTACH lets inserts go on, CREATE TABLE PARTITION OF would wait for them and stop new ones.
        EXECUTE format('CREATE TABLE %I (LIKE cargo_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        EXECUTE format(
            'CREATE TRIGGER cargo_keep_keys AFTER INSERT ON %I'
            ' REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION cargo_keep_keys()', part);
        EXECUTE format(
            'CREATE TRIGGER cargo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION cargo_append_only()', part);
        EXECUTE format(
            'ALTER TABLE cargo_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, month,
            (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

SELECT cargo_ensure_partitions(3);

-- What could not be stored, kept for a person to look at. Bounded: the bytes here, the rows by cargo.partitions.
CREATE TABLE cargo_rejects (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of the bytes: the same poison again only counts up.
    digest      bytea NOT NULL CONSTRAINT cargo_rejects_once UNIQUE,
    reason      text NOT NULL,
    -- The first 64 KB of what arrived, and how long it was.
    bytes       bytea NOT NULL CHECK (octet_length(bytes) <= 65536),
    size        bigint NOT NULL,
    routing_key text NOT NULL,
    seen        bigint NOT NULL DEFAULT 1,
    first_at    timestamptz NOT NULL DEFAULT now(),
    last_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX cargo_rejects_by_age ON cargo_rejects (last_at);
