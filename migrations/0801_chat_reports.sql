-- Messages that the other side finds abusive, for moderators to look at. They read the text by the conversation's key, and each reading
-- is in the audit log.

CREATE TABLE chat_reports (
    id              uuid PRIMARY KEY,
    conversation_id uuid NOT NULL,
    seq             bigint NOT NULL,
    -- Who reports: the party that has not written it.
    org_id          uuid NOT NULL,
    reported_by     uuid NOT NULL REFERENCES users (id),
    reason          text NOT NULL CONSTRAINT chat_reports_reason_known CHECK (reason IN ('spam', 'fraud', 'harassment', 'other')),
    -- What the reporter adds, sealed with the conversation's key for this report.
    sealed_note     bytea CONSTRAINT chat_reports_note_length CHECK (octet_length(sealed_note) BETWEEN 30 AND 16384),
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    status          text NOT NULL DEFAULT 'open'
                    CONSTRAINT chat_reports_status_known CHECK (status IN ('open', 'upheld', 'dismissed')),
    decided_by      uuid REFERENCES users (id),
    decided_at      timestamptz,
    -- As the moderator wrote it.
    decision        text CONSTRAINT chat_reports_decision_length CHECK (length(decision) BETWEEN 1 AND 1000),
    CONSTRAINT chat_reports_decided CHECK (num_nonnulls(decided_by, decided_at, decision) = CASE status WHEN 'open' THEN 0 ELSE 3 END),
    CONSTRAINT chat_reports_once UNIQUE (conversation_id, seq, org_id),
    CONSTRAINT chat_reports_of_message FOREIGN KEY (conversation_id, seq) REFERENCES chat_messages (conversation_id, seq),
    CONSTRAINT chat_reports_by_party FOREIGN KEY (conversation_id, org_id)
        REFERENCES conversation_parties (conversation_id, org_id)
);
CREATE INDEX chat_reports_open ON chat_reports (id) WHERE status = 'open';
CREATE INDEX chat_reports_made ON chat_reports (org_id, created_at);
CREATE TRIGGER chat_reports_per_day BEFORE INSERT ON chat_reports FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 100);
CREATE TRIGGER chat_reports_status_moves BEFORE UPDATE OF status ON chat_reports FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('chat_reports_status_moves', 'open>upheld', 'open>dismissed');
CREATE TRIGGER chat_reports_fixed BEFORE UPDATE ON chat_reports FOR EACH ROW
    WHEN (ROW (old.conversation_id, old.seq, old.org_id, old.reported_by, old.reason, old.sealed_note, old.created_at)
          IS DISTINCT FROM
          ROW (new.conversation_id, new.seq, new.org_id, new.reported_by, new.reason, new.sealed_note, new.created_at))
EXECUTE FUNCTION refuse_change('chat_reports_fixed');
