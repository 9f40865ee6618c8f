-- The programs' role owns no table, so it cannot make one. This function makes partitions for it with the rights of the owner, and
-- does nothing else for whoever calls it: names are looked up in `public` alone, and temporary objects last.
--
-- A partition gives nobody rights of its own: events go through `cargo_events`, whose rights are those that count.
CREATE OR REPLACE FUNCTION cargo_ensure_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month   timestamptz;
    part    text;
    made    integer := 0;
    grantee text;
BEGIN
    -- Several processes may find the month missing at once.
    PERFORM pg_advisory_xact_lock(7261380);
    FOR ahead IN 0..least(months_ahead, 120) LOOP
        month := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC';
        part := 'cargo_events_' || to_char(month AT TIME ZONE 'UTC', 'YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        -- Made aside and attached: ATTACH lets inserts go on, CREATE TABLE PARTITION OF would wait for them and stop new ones.
        EXECUTE format('CREATE TABLE %I (LIKE cargo_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
        -- What default privileges have given.
        FOR grantee IN
            SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
            FROM pg_class AS c, aclexplode(c.relacl) AS acl
            WHERE c.oid = to_regclass(part)
              AND acl.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE ALL ON %I FROM %s', part, grantee);
        END LOOP;
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

-- `tradeyard migrate` lets the programs' role call it.
REVOKE EXECUTE ON FUNCTION cargo_ensure_partitions(integer) FROM PUBLIC;
