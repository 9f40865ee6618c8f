-- Fills the log with $1 events and nothing else, as if they had come in over the last twelve months: a partition for each month, a
-- thousand shipments on their way at a time with a hundred events each, and ids in no order, so that keys are all over their index.
-- Rows are made, not reported: indexes are built when the rows are there.
SET session_replication_role = replica;
SET statement_timeout = 0;
SET maintenance_work_mem = '512MB';

TRUNCATE cargo_events, cargo_event_keys, cargo_standings, cargo_marks;

DO $fill$
DECLARE
    wanted bigint := $1;
    org    uuid := '$2';
    year   integer := extract(year FROM now() AT TIME ZONE 'UTC');
    keys   text := 'cargo_event_keys_' || year;
    month  timestamptz;
    after  timestamptz;
    part   text;
    first  bigint;
    last   bigint;
    made   text := 'SELECT %s at, at + interval ''2 seconds'', n, 52.12345, 13.54321, %L, ''actual'', ''in_transit'','
        ' ''tracker-'' || lpad((n %% 50)::text, 4, ''0''), md5(n::text),'
        ' ''SHP-'' || lpad((n / 100000 * 1000 + n %% 1000)::text, 8, ''0''),'
        ' ''{"speed_kmh": 42, "heading": 271, "temperature_c": 4.5, "device": "tracker-123"}''::jsonb'
        ' FROM generate_series(%s, %s) AS n, LATERAL (SELECT %L::timestamptz + (n - %s) * %L::interval AS at) AS moment';
BEGIN
    PERFORM cargo_ensure_partitions(0);
    FOR ago IN REVERSE 11..0 LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => ago)) AT TIME ZONE 'UTC';
        after := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        part := 'cargo_events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        first := wanted * (11 - ago) / 12;
        last := wanted * (12 - ago) / 12 - 1;
        IF ago > 0 THEN
            IF to_regclass(part) IS NOT NULL THEN
                EXECUTE format('DROP TABLE %I', part);
            END IF;
            EXECUTE format(
                'CREATE TABLE %I (LIKE cargo_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (autovacuum_enabled = off)', part);
            EXECUTE format(
                'INSERT INTO %I (id, occurred_at, recorded_at, sequence, latitude, longitude, org, type, status, source,'
                ' source_event_id, shipment, payload) ', part)
                || format(made, 'n,', org, first, last, month, first, (after - month - interval '1 minute') / greatest(last - first + 1, 1));
            EXECUTE format('ALTER TABLE cargo_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, month, after);
        ELSE
            EXECUTE 'INSERT INTO cargo_events (occurred_at, recorded_at, sequence, latitude, longitude, org, type, status, source,'
                ' source_event_id, shipment, payload) '
                || format(made, '', org, first, last, month, first, (now() - month) / greatest(last - first + 1, 1));
        END IF;
    END LOOP;

    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', keys, keys || '_once');
    EXECUTE format(
        'INSERT INTO %I (org, source, source_event_id, year)'
        ' SELECT %L, ''tracker-'' || lpad((n %% 50)::text, 4, ''0''), md5(n::text), %s FROM generate_series(0, %s) AS n',
        keys, org, year, wanted - 1);
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I PRIMARY KEY (org, source, source_event_id)', keys, keys || '_once');

    INSERT INTO cargo_standings (org, shipment, status, status_at, status_sequence, moved_at, latitude, longitude, seen_at, seen_sequence)
    SELECT org, 'SHP-' || lpad(n::text, 8, '0'), 'in_transit', at, 0, at, 52.12345, 13.54321, at, 0
    FROM generate_series(0, wanted / 100 - 1) AS n, LATERAL (SELECT now() - interval '1 day' AS at) AS moment;
END
$fill$;
