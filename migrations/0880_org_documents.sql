-- Documents of organisations: licences, certificates, insurances, each with the last day on which it is valid.

CREATE TABLE org_documents (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id),
    kind       text NOT NULL
               CONSTRAINT org_documents_kind_known CHECK (kind IN ('licence', 'certificate', 'insurance', 'permit', 'other')),
    number     text NOT NULL CONSTRAINT org_documents_number_length CHECK (length(number) BETWEEN 1 AND 100),
    issued_on  date NOT NULL CONSTRAINT org_documents_issued_range CHECK (issued_on >= '1900-01-01'),
    -- The last day on which it is valid, where the organisation is. Nothing else says that it has expired.
    expires_on date NOT NULL CONSTRAINT org_documents_expires_range CHECK (expires_on < '2200-01-01'),
    upload_id  uuid NOT NULL CONSTRAINT org_documents_of_upload REFERENCES uploads (id),
    -- Who has handed in what is here now.
    placed_by  uuid NOT NULL REFERENCES users (id),
    placed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    status     text NOT NULL DEFAULT 'pending'
               CONSTRAINT org_documents_status_known CHECK (status IN ('pending', 'verified', 'rejected')),
    decided_by uuid REFERENCES users (id),
    decided_at timestamptz,
    -- Why it was rejected, as the moderator wrote it.
    reason     text CONSTRAINT org_documents_reason_length CHECK (length(reason) BETWEEN 1 AND 1000),
    CONSTRAINT org_documents_decided CHECK (num_nonnulls(decided_by, decided_at) = CASE status WHEN 'pending' THEN 0 ELSE 2 END),
    CONSTRAINT org_documents_rejected CHECK ((status = 'rejected') = (reason IS NOT NULL)),
    CONSTRAINT org_documents_expire_later CHECK (expires_on >= issued_on),
    CONSTRAINT org_documents_once_per_upload UNIQUE (upload_id)
) WITH (fillfactor = 80);
CREATE INDEX org_documents_by_org ON org_documents (org_id, id);
CREATE INDEX org_documents_by_person ON org_documents (placed_by, id);
CREATE INDEX org_documents_expiring ON org_documents (expires_on, id) WHERE status <> 'rejected';
CREATE INDEX org_documents_pending ON org_documents (id) WHERE status = 'pending';
CREATE TRIGGER org_documents_per_org BEFORE INSERT ON org_documents FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'true', 100, 'org_documents_per_org', 'an organisation has at most 100 documents');
CREATE TRIGGER org_documents_begin_pending BEFORE INSERT ON org_documents FOR EACH ROW WHEN (new.status <> 'pending')
EXECUTE FUNCTION refuse_change('org_documents_begin_pending');
CREATE TRIGGER org_documents_fixed BEFORE UPDATE ON org_documents FOR EACH ROW
    WHEN (ROW (old.id, old.org_id, old.created_at) IS DISTINCT FROM ROW (new.id, new.org_id, new.created_at))
EXECUTE FUNCTION refuse_change('org_documents_fixed');
-- What a moderator has seen is what it was: with other contents it waits for a moderator again.
CREATE TRIGGER org_documents_judged_anew BEFORE UPDATE ON org_documents FOR EACH ROW
    WHEN (new.status <> 'pending'
          AND ROW (old.kind, old.number, old.issued_on, old.expires_on, old.upload_id)
              IS DISTINCT FROM ROW (new.kind, new.number, new.issued_on, new.expires_on, new.upload_id))
EXECUTE FUNCTION refuse_change('org_documents_judged_anew');
CREATE TRIGGER org_documents_status_moves BEFORE UPDATE OF status ON org_documents FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('org_documents_status_moves', 'pending>verified', 'pending>rejected', 'verified>rejected',
                             'verified>pending', 'rejected>pending');

-- Which reminders of its expiry a document has had: each stage once.
CREATE TABLE org_document_reminders (
    document_id uuid NOT NULL CONSTRAINT org_document_reminders_of_document REFERENCES org_documents (id) ON DELETE CASCADE,
    -- So many days before.
    stage       smallint NOT NULL CONSTRAINT org_document_reminders_stage_known CHECK (stage IN (30, 7, 0)),
    reminded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT org_document_reminders_once PRIMARY KEY (document_id, stage)
);

-- Files of documents that were replaced or removed, until they are deleted. To everybody else these uploads are not there any more.
CREATE TABLE org_document_leftovers (
    upload_id  uuid PRIMARY KEY CONSTRAINT org_document_leftovers_of_upload REFERENCES uploads (id),
    left_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
