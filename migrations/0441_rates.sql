-- Exchange rates: one snapshot for each source and day, written whole and never changed.

CREATE TABLE fx_snapshots (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source     text NOT NULL CONSTRAINT fx_snapshots_source_form CHECK (source ~ '^[a-z0-9_-]{1,40}$'),
    day        date NOT NULL,
    -- How many rates it has. None can be added later: their numbers are taken.
    rates      smallint NOT NULL CONSTRAINT fx_snapshots_rates_range CHECK (rates BETWEEN 1 AND 300),
    -- SHA-256 of the source's file.
    checksum   bytea NOT NULL CONSTRAINT fx_snapshots_checksum_length CHECK (length(checksum) = 32),
    fetched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT fx_snapshots_once UNIQUE (source, day),
    CONSTRAINT fx_snapshots_terms UNIQUE (id, rates)
);
CREATE INDEX fx_snapshots_by_day ON fx_snapshots (day DESC, id DESC);

CREATE TABLE fx_rates (
    snapshot_id bigint NOT NULL,
    rate_no     smallint NOT NULL,
    rates       smallint NOT NULL,
    currency    text NOT NULL REFERENCES currencies (code)
                CONSTRAINT fx_rates_not_of_the_euro CHECK (currency <> 'EUR'),
    -- How much of the currency one euro buys. The euro itself is exactly 1 and has no row.
    per_euro    numeric(24, 10) NOT NULL CONSTRAINT fx_rates_positive CHECK (per_euro > 0 AND per_euro < 1e12),
    PRIMARY KEY (snapshot_id, currency),
    CONSTRAINT fx_rates_number_once UNIQUE (snapshot_id, rate_no),
    CONSTRAINT fx_rates_of_snapshot FOREIGN KEY (snapshot_id, rates) REFERENCES fx_snapshots (id, rates),
    CONSTRAINT fx_rates_number_range CHECK (rate_no BETWEEN 1 AND rates)
);

CREATE FUNCTION refuse_partial_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM fx_rates WHERE snapshot_id = NEW.id) <> NEW.rates THEN
        RAISE EXCEPTION 'snapshot % of rates is not complete', NEW.id
            USING ERRCODE = 'check_violation', TABLE = 'fx_snapshots', CONSTRAINT = 'fx_snapshots_complete';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER fx_snapshots_complete AFTER INSERT ON fx_snapshots DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_partial_snapshot();

CREATE TRIGGER fx_snapshots_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fx_snapshots FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER fx_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fx_rates FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
