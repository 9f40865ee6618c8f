-- Who acted: until now the command line and the system itself looked alike.

ALTER TABLE audit_entries
    -- NULL: an entry from before.
    ADD COLUMN actor_kind text
        CONSTRAINT audit_entries_actor_kind_known CHECK (actor_kind IN ('user', 'command_line', 'system')),
    ADD CONSTRAINT audit_entries_actor_by_kind CHECK ((actor_kind = 'user') = (actor IS NOT NULL));

-- Entries from before keep their hash.
CREATE OR REPLACE FUNCTION audit_hash(before bytea, entry audit_entries) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(before || convert_to((jsonb_build_array(
        entry.seq, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor, entry.action,
        entry.subject_kind, entry.subject_id, entry.data, entry.trace_id)
        || CASE WHEN entry.actor_kind IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(entry.actor_kind) END)::text, 'UTF8'))
$$;
