-- Reconciliation: what a payment provider has, compared with what is here.

CREATE TABLE reconciliations (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text NOT NULL
                CONSTRAINT reconciliations_provider_known CHECK (provider IN ('stripe', 'adyen', 'simulator')),
    -- What was made in this time was compared.
    since       timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    compared    bigint NOT NULL CONSTRAINT reconciliations_compared_not_negative CHECK (compared >= 0),
    -- How many were new.
    differences bigint NOT NULL CONSTRAINT reconciliations_differences_not_negative CHECK (differences >= 0),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT reconciliations_period CHECK (until > since)
);
CREATE TRIGGER reconciliations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliations FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

CREATE TABLE reconciliation_differences (
    id                uuid PRIMARY KEY,
    -- The one that found it first.
    reconciliation_id bigint NOT NULL CONSTRAINT differences_of_reconciliation REFERENCES reconciliations (id),
    provider          text NOT NULL
                      CONSTRAINT differences_provider_known CHECK (provider IN ('stripe', 'adyen', 'simulator')),
    kind              text NOT NULL CONSTRAINT differences_kind_known
                      CHECK (kind IN ('missing_here', 'missing_there', 'amount', 'status', 'balance')),
    -- What it is and our name for it, or the provider's if we have none.
    subject           text NOT NULL CONSTRAINT differences_subject_length CHECK (length(subject) BETWEEN 1 AND 250),
    ours              jsonb,
    theirs            jsonb,
    found_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at         timestamptz,
    closed_by         uuid REFERENCES users (id),
    note              text CONSTRAINT differences_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    -- The same one is written once, also after it was closed.
    CONSTRAINT differences_once UNIQUE NULLS NOT DISTINCT (provider, kind, subject, ours, theirs),
    CONSTRAINT differences_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (note IS NULL))
);
CREATE INDEX differences_open ON reconciliation_differences (id) WHERE closed_at IS NULL;
CREATE TRIGGER differences_fixed BEFORE UPDATE ON reconciliation_differences FOR EACH ROW
    WHEN (old.closed_at IS NOT NULL
          OR ROW (old.reconciliation_id, old.provider, old.kind, old.subject, old.ours, old.theirs, old.found_at)
             IS DISTINCT FROM
             ROW (new.reconciliation_id, new.provider, new.kind, new.subject, new.ours, new.theirs, new.found_at))
EXECUTE FUNCTION refuse_change('differences_fixed');

-- What was made in a period, for the comparison.
CREATE INDEX payments_made ON payments (provider, created_at, id) WHERE provider_ref IS NOT NULL;
CREATE INDEX refunds_made ON refunds (created_at, id) WHERE provider_ref IS NOT NULL;
CREATE INDEX payouts_made ON payouts (created_at, id) WHERE transfer_ref IS NOT NULL;
