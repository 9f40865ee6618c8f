-- Entries of the audit log join the chain as their transaction commits. An act used to write its entry somewhere in its middle and
-- to hold the chain until its end: in the demo, eight thousand entries waited 170 ms each, holding rows that others needed.

CREATE TABLE audit_acts (
    -- What mails about the act refer to. Not the entry's place in the log, which is known only at the commit.
    act          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor_kind   text NOT NULL,
    actor        uuid,
    action       text NOT NULL,
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    data         jsonb NOT NULL,
    trace_id     text
);
-- Mails of before refer to places in the log: no number is used again.
SELECT setval(pg_get_serial_sequence('audit_acts', 'act'), coalesce(max(seq), 0) + 1, false) FROM audit_entries;

CREATE FUNCTION chain_audit_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_entries (actor_kind, actor, action, subject_kind, subject_id, data, trace_id)
    VALUES (NEW.actor_kind, NEW.actor, NEW.action, NEW.subject_kind, NEW.subject_id, NEW.data, NEW.trace_id);
    DELETE FROM audit_acts WHERE act = NEW.act;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_acts_chained AFTER INSERT ON audit_acts DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION chain_audit_act();
