-- Months of the log leave for the object store (`cargo.archive`; docs/decisions/0055). What was written there, and read back, is
-- listed here; a month is dropped only when the list accounts for each of its events.

CREATE TABLE cargo_archives (
    month       date NOT NULL,
    part        integer NOT NULL,
    object_key  text NOT NULL,
    row_count   bigint NOT NULL,
    -- Of the object, in bytes.
    size        bigint NOT NULL,
    sha256      bytea NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cargo_archives_pkey PRIMARY KEY (month, part),
    CONSTRAINT cargo_archives_month_whole CHECK (extract(day FROM month) = 1),
    CONSTRAINT cargo_archives_object_once UNIQUE (object_key),
    CONSTRAINT cargo_archives_part_counted CHECK (part > 0 AND row_count > 0 AND size > 0),
    CONSTRAINT cargo_archives_sha256_length CHECK (octet_length(sha256) = 32)
);

-- Whether a month with events of the shipment was archived: ranking from the log alone would forget them.
ALTER TABLE cargo_standings ADD COLUMN archived boolean NOT NULL DEFAULT false;

-- Drops a month of the log that is archived as a whole; returns how many events it had. Never a month of the last year, whoever calls.
CREATE FUNCTION cargo_drop_month(dropped date) RETURNS bigint LANGUAGE plpgsql
    -- It waits for the statements that write events, and whoever wants to write waits behind it: not for long.
    SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    part text := 'cargo_events_' || to_char(dropped, 'YYYY_MM');
    held bigint;
    kept bigint;
BEGIN
    IF dropped >= date_trunc('month', now() AT TIME ZONE 'UTC') - interval '12 months' THEN
        RAISE EXCEPTION 'events of % are not a year old', part
            USING ERRCODE = 'check_violation', TABLE = 'cargo_events', CONSTRAINT = 'cargo_events_kept_a_year';
    END IF;
    IF to_regclass(part) IS NULL THEN
        RETURN 0;
    END IF;
    -- Whoever still adds an event to this month waits, and finds the month gone.
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', part);
    EXECUTE format('SELECT count(*) FROM %I', part) INTO held;
    SELECT coalesce(sum(row_count), 0) INTO kept
    FROM cargo_archives
    WHERE month = dropped;
    IF kept <> held THEN
        RAISE EXCEPTION '% of % events of % are archived', kept, held, part
            USING ERRCODE = 'check_violation', TABLE = 'cargo_events', CONSTRAINT = 'cargo_events_archived_whole';
    END IF;
    EXECUTE format('DROP TABLE %I', part);
    RETURN held;
END
$$;

-- `tradeyard migrate` lets the programs' role call it.
REVOKE EXECUTE ON FUNCTION cargo_drop_month(date) FROM PUBLIC;
