-- EPCIS 2.0 events (GS1): what trading partners report about goods, in the standard's own form. Append-only, each event once. It
-- needs no table outside the events database.
--
-- The tables are cut by the month of recording, as the log of shipments is, and for the same reasons (0080_cargo.sql): the keys
-- stand in a table of their own, whose primary key is the rule, and which outlives archived months.
--
-- An error declaration repeats the event that it declares, with the same eventID: that is how the standard links the two. So an
-- organisation's eventID names at most one event and one declaration, and neither has to arrive first.

CREATE TYPE cargo_epcis_type AS ENUM (
    'ObjectEvent', 'AggregationEvent', 'AssociationEvent', 'TransformationEvent', 'TransactionEvent'
);

CREATE TYPE cargo_epcis_action AS ENUM ('ADD', 'OBSERVE', 'DELETE');

-- What an EPC or a class of them is to an event.
CREATE TYPE cargo_epcis_role AS ENUM ('epc', 'parent', 'input', 'output', 'class', 'input_class', 'output_class');

CREATE TYPE cargo_epcis_error_behaviour AS ENUM ('proceed', 'rollback');

CREATE TABLE cargo_epcis_keys (
    org            uuid NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    declares_error boolean NOT NULL,
    -- The row that it names.
    event          bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    CONSTRAINT cargo_epcis_keys_once PRIMARY KEY (org, event_id, declares_error)
);

CREATE TABLE cargo_epcis_events (
    -- The order of recording.
    id             bigint GENERATED ALWAYS AS IDENTITY,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    event_time     timestamptz NOT NULL,
    org            uuid NOT NULL,
    type           cargo_epcis_type NOT NULL,
    action         cargo_epcis_action,
    declares_error boolean NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    -- The CBV's bare words, or URIs of others.
    biz_step       text COLLATE "C",
    disposition    text COLLATE "C",
    -- GS1 keys as canonical Digital Link URIs.
    read_point     text COLLATE "C",
    biz_location   text COLLATE "C",
    corrective_ids text[] NOT NULL DEFAULT '{}',
    event          jsonb NOT NULL,
    -- Also what is looked up by the keys and by the EPCs.
    CONSTRAINT cargo_epcis_events_pkey PRIMARY KEY (id, recorded_at),
    CONSTRAINT cargo_epcis_events_action_by_type CHECK ((type = 'TransformationEvent') = (action IS NULL)),
    CONSTRAINT cargo_epcis_events_corrected_by_declaration CHECK (declares_error OR corrective_ids = '{}'),
    CONSTRAINT cargo_epcis_events_event_id_length CHECK (char_length(event_id) BETWEEN 1 AND 1024),
    CONSTRAINT cargo_epcis_events_event_object CHECK (jsonb_typeof(event) = 'object'),
    CONSTRAINT cargo_epcis_events_words_length CHECK (
        char_length(biz_step) <= 1024
        AND char_length(disposition) <= 1024
        AND char_length(read_point) <= 1024
        AND char_length(biz_location) <= 1024
    )
) PARTITION BY RANGE (recorded_at);

CREATE INDEX cargo_epcis_events_by_time ON cargo_epcis_events (org, event_time, id);
CREATE INDEX cargo_epcis_events_by_biz_step ON cargo_epcis_events (org, biz_step, event_time, id) WHERE biz_step IS NOT NULL;
CREATE INDEX cargo_epcis_events_by_read_point ON cargo_epcis_events (org, read_point, event_time, id) WHERE read_point IS NOT NULL;

-- Which events an EPC is in.
CREATE TABLE cargo_epcis_epcs (
    event       bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    org         uuid NOT NULL,
    role        cargo_epcis_role NOT NULL,
    -- As a canonical Digital Link URI where it is a GS1 key.
    epc         text COLLATE "C" NOT NULL,
    CONSTRAINT cargo_epcis_epcs_once PRIMARY KEY (org, epc, role, event, recorded_at),
    CONSTRAINT cargo_epcis_epcs_epc_length CHECK (char_length(epc) BETWEEN 1 AND 1024)
) PARTITION BY RANGE (recorded_at);

-- What became of each event of a capture; forgotten after a time (cargo.partitions).
CREATE TABLE cargo_epcis_captures (
    id              uuid PRIMARY KEY,
    org             uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    finished_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    error_behaviour cargo_epcis_error_behaviour NOT NULL,
    verdicts        jsonb NOT NULL,
    CONSTRAINT cargo_epcis_captures_finished_after_created CHECK (finished_at >= created_at),
    CONSTRAINT cargo_epcis_captures_verdicts_array CHECK (jsonb_typeof(verdicts) = 'array')
);
CREATE INDEX cargo_epcis_captures_by_age ON cargo_epcis_captures (created_at);

CREATE FUNCTION cargo_epcis_keep_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cargo_epcis_keys (org, event_id, declares_error, event, recorded_at)
    SELECT org, event_id, declares_error, id, recorded_at
    FROM recorded;
    RETURN NULL;
END
$$;

CREATE FUNCTION cargo_epcis_refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_TABLE_NAME || '_append_only',
            HINT = 'Capture an error declaration.';
END
$$;

-- Statement triggers serve statements that name this table; every partition gets its own, for those that name it.
CREATE TRIGGER cargo_epcis_events_keys AFTER INSERT ON cargo_epcis_events
    REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_keep_keys();
CREATE TRIGGER cargo_epcis_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_epcis_events
    FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_refuse_rewrite();
CREATE TRIGGER cargo_epcis_epcs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_epcis_epcs
    FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_refuse_rewrite();
CREATE TRIGGER cargo_epcis_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_epcis_keys
    FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_refuse_rewrite();

-- Makes the current month's partitions and those of the following months where they are missing, with the rights of the owner
-- (0280_cargo_partitions_by_owner.sql); returns how many it made.
CREATE FUNCTION cargo_epcis_ensure_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month   timestamptz;
    whole   text;
    part    text;
    made    integer := 0;
    grantee text;
BEGIN
    -- Several processes may find the month missing at once.
    PERFORM pg_advisory_xact_lock(7261381);
    FOR ahead IN 0..least(months_ahead, 120) LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC';
        FOREACH whole IN ARRAY '{cargo_epcis_events, cargo_epcis_epcs}'::text[] LOOP
            part := whole || '_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            -- Made aside and attached: inserts go on in the meantime.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, whole);
            -- What default privileges have given.
            FOR grantee IN
                SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
                FROM pg_class AS c, aclexplode(c.relacl) AS acl
                WHERE c.oid = to_regclass(part)
                  AND acl.grantee <> c.relowner
            LOOP
                EXECUTE format('REVOKE ALL ON %I FROM %s', part, grantee);
            END LOOP;
            IF whole = 'cargo_epcis_events' THEN
                EXECUTE format(
                    'CREATE TRIGGER cargo_epcis_events_keys AFTER INSERT ON %I'
                    ' REFERENCING NEW TABLE AS recorded FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_keep_keys()', part);
            END IF;
            EXECUTE format(
                'CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                ' FOR EACH STATEMENT EXECUTE FUNCTION cargo_epcis_refuse_rewrite()', whole || '_append_only', part);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', whole, part, month,
                (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- `tradeyard migrate` lets the programs' role call it.
REVOKE EXECUTE ON FUNCTION cargo_epcis_ensure_partitions(integer) FROM PUBLIC;

SELECT cargo_epcis_ensure_partitions(3);
