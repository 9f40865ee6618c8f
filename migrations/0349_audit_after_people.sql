-- An entry refers to whoever acted. Their row is locked before the chain is: whoever holds the row may be about to write an entry as
-- well, and the two would wait for each other.
CREATE OR REPLACE FUNCTION chain_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last audit_entries;
BEGIN
    PERFORM FROM users WHERE id = NEW.actor FOR KEY SHARE;
    -- One writer at a time, until its commit: the next one must see this entry to chain to it.
    PERFORM pg_advisory_xact_lock(7261351);
    SELECT * INTO last FROM audit_entries ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.hash := audit_hash(coalesce(last.hash, ''::bytea), NEW);
    RETURN NEW;
END $$;
