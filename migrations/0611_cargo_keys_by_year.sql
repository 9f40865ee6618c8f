-- Keys of events do not grow for ever: they are cut by the year in which an event was first seen, and a year is dropped as a whole
-- when it ended longer ago than a repeat is to be known (`cargo.partitions`, 400 days; docs/decisions/0055).
--
-- Why years. An event is looked for in every part, because the same id may come again with any other time; so the parts must be few.
-- With years there are two, for the first weeks of a year three. Months would make fourteen looks of one. A hash needs one look, and
-- no part of it ever grows old.
--
-- Why it is still one key. Within a year the primary key is the rule, as before. A key of an earlier year is committed and never
-- changes, so the trigger that writes keys looks for it and refuses. Between the two lies midnight of New Year: a statement that
-- begins within the last day of a year writes its keys into both years, so one that begins after midnight meets them in its own.
--
-- The keys so far become the part of this year and all before it, as they are: nothing is copied and no index is made anew.

CREATE OR REPLACE FUNCTION cargo_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege', CONSTRAINT = TG_NAME,
            HINT = 'Record a new event that corrects the old one.';
END
$$;

DO $$
DECLARE
    this integer := extract(year FROM now() AT TIME ZONE 'UTC');
    part text := 'cargo_event_keys_' || this;
BEGIN
    EXECUTE format('ALTER TABLE cargo_event_keys RENAME TO %I', part);
    EXECUTE format('ALTER TABLE %I RENAME CONSTRAINT cargo_event_keys_once TO %I', part, part || '_once');
    EXECUTE format('ALTER TABLE %I ADD COLUMN year smallint NOT NULL DEFAULT %s', part, this);
    EXECUTE format('ALTER TABLE %I ALTER COLUMN year DROP DEFAULT', part);
    CREATE TABLE cargo_event_keys (
        org             uuid NOT NULL,
        source          text COLLATE "C" NOT NULL,
        source_event_id text COLLATE "C" NOT NULL,
        -- In which it was first seen, by the database's clock in UTC.
        year            smallint NOT NULL
    ) PARTITION BY RANGE (year);
    CREATE TRIGGER cargo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cargo_event_keys
        FOR EACH STATEMENT EXECUTE FUNCTION cargo_append_only();
    EXECUTE format('ALTER TABLE cargo_event_keys ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%s)', part, this + 1);
END
$$;

-- Writes a key for every new event, and refuses an event of an earlier year. Its plans are kept by the session, so none may scan a
-- part that was small when it was made.
CREATE OR REPLACE FUNCTION cargo_keep_keys() RETURNS trigger LANGUAGE plpgsql
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    this smallint := extract(year FROM now() AT TIME ZONE 'UTC');
    next smallint := extract(year FROM (now() + interval '1 day') AT TIME ZONE 'UTC');
BEGIN
    PERFORM 1
    FROM recorded
    WHERE (
        SELECT true
        FROM cargo_event_keys AS key
        WHERE key.year < this
            AND key.org = recorded.org
            AND key.source = recorded.source
            AND key.source_event_id = recorded.source_event_id
        LIMIT 1
    );
    IF FOUND THEN
        RAISE EXCEPTION 'an event is in the log since an earlier year'
            USING ERRCODE = 'unique_violation', TABLE = 'cargo_event_keys', CONSTRAINT = 'cargo_event_keys_once';
    END IF;
    INSERT INTO cargo_event_keys (org, source, source_event_id, year)
    SELECT org, source, source_event_id, this
    FROM recorded;
    IF next <> this THEN
        INSERT INTO cargo_event_keys (org, source, source_event_id, year)
        SELECT org, source, source_event_id, next
        FROM recorded;
    END IF;
    RETURN NULL;
END
$$;

-- The places, counted from one, of the events that the log holds. A function, because it keeps its plan: made for each batch, the plan
-- cost half a microsecond an event, and kept by the caller, one made while the keys were few would scan all of them.
CREATE FUNCTION cargo_known(orgs uuid[], sources text[], source_event_ids text[]) RETURNS bigint[] LANGUAGE plpgsql STABLE
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        SELECT place
        FROM UNNEST(orgs, sources, source_event_ids) WITH ORDINALITY AS event (org, source, source_event_id, place)
        -- A scalar subquery, because it can only be answered key by key; EXISTS may become a join that reads all keys.
        WHERE (
            SELECT true
            FROM cargo_event_keys AS key
            WHERE key.org = event.org
                AND key.source = event.source
                AND key.source_event_id = event.source_event_id
            LIMIT 1
        )
        ORDER BY place
    );
END
$$;

-- What default privileges have given on a part: nobody has rights on one, those of the whole are what counts. For owners alone.
CREATE FUNCTION cargo_revoke_all(part text) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        FROM pg_class AS c, aclexplode(c.relacl) AS acl
        WHERE c.oid = to_regclass(part)
          AND acl.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %s', part, grantee);
    END LOOP;
END
$$;

-- Makes the parts of the log for this month and those that follow, and the parts of the keys for this year and the next, where they are
-- missing; returns how many months it made.
CREATE OR REPLACE FUNCTION cargo_ensure_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month timestamptz;
    this  integer := extract(year FROM now() AT TIME ZONE 'UTC');
    part  text;
    made  integer := 0;
BEGIN
    -- Several processes may find the month missing at once.
    PERFORM pg_advisory_xact_lock(7261380);
    FOR year IN this..this + 1 LOOP
        part := 'cargo_event_keys_' || year;
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE cargo_event_keys INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        PERFORM cargo_revoke_all(part);
        EXECUTE format(
            'ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (org, source, source_event_id)', part, part || '_once');
        EXECUTE format(
            'CREATE TRIGGER cargo_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION cargo_append_only()', part);
        EXECUTE format('ALTER TABLE cargo_event_keys ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', part, year, year + 1);
    END LOOP;
    FOR ahead IN 0..least(months_ahead, 120) LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC';
        part := 'cargo_events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        -- Made aside and attached: ATTACH lets inserts go on, CREATE TABLE PARTITION OF would wait for them and stop new ones.
        EXECUTE format('CREATE TABLE %I (LIKE cargo_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        PERFORM cargo_revoke_all(part);
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

-- Drops the keys of years that ended more than `keep_days` ago; returns how many years. Never those of the last 365 days, whoever calls.
CREATE FUNCTION cargo_drop_keys(keep_days integer) RETURNS integer LANGUAGE plpgsql
    -- It waits for the statements that write keys, and whoever wants to write waits behind it: not for long.
    SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    part    text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'cargo_event_keys'::regclass
          AND c.relname ~ '^cargo_event_keys_[0-9]{4}$'
          AND make_timestamptz(right(c.relname, 4)::integer + 1, 1, 1, 0, 0, 0, 'UTC')
            <= now() - make_interval(days => greatest(keep_days, 365))
        ORDER BY c.relname
    LOOP
        EXECUTE format('DROP TABLE %I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- `tradeyard migrate` lets the programs' role call the last one; the other is of use to nobody else.
REVOKE EXECUTE ON FUNCTION cargo_drop_keys(integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION cargo_revoke_all(text) FROM PUBLIC;

SELECT cargo_ensure_partitions(3);
