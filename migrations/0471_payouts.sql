-- Payouts: what sellers have earned goes to their banks.

-- A seller's account at the provider. Its id is the key under which the provider is asked to open it.
CREATE TABLE payout_accounts (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES orgs (id),
    provider     text NOT NULL
                 CONSTRAINT payout_accounts_provider_known CHECK (provider IN ('stripe', 'adyen', 'simulator')),
    -- The provider's name for it; NULL until it has answered.
    provider_ref text CONSTRAINT payout_accounts_ref_length CHECK (length(provider_ref) BETWEEN 1 AND 200),
    status       text NOT NULL DEFAULT 'pending'
                 CONSTRAINT payout_accounts_status_known CHECK (status IN ('pending', 'active', 'restricted', 'closed')),
    -- What the provider still wants, in its words.
    requirements text[] NOT NULL DEFAULT '{}'
                 CONSTRAINT payout_accounts_requirements_count CHECK (cardinality(requirements) <= 100),
    -- Why the provider did not open it: its code.
    failure      text CONSTRAINT payout_accounts_failure_length CHECK (length(failure) BETWEEN 1 AND 200),
    opened_by    uuid NOT NULL REFERENCES users (id),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the provider last said how it is.
    checked_at   timestamptz,
    CONSTRAINT payout_accounts_ref_once UNIQUE (provider, provider_ref),
    CONSTRAINT payout_accounts_terms UNIQUE (id, org_id),
    CONSTRAINT payout_accounts_usable_ref CHECK (status NOT IN ('active', 'restricted') OR provider_ref IS NOT NULL),
    CONSTRAINT payout_accounts_failed CHECK (failure IS NULL OR (status = 'closed' AND provider_ref IS NULL)),
    CONSTRAINT payout_accounts_checked CHECK ((provider_ref IS NULL) = (checked_at IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payout_accounts_one ON payout_accounts (org_id, provider) WHERE status <> 'closed';
CREATE INDEX payout_accounts_of_org ON payout_accounts (org_id, id);
CREATE INDEX payout_accounts_unopened ON payout_accounts (created_at, id) WHERE status = 'pending' AND provider_ref IS NULL;
CREATE INDEX payout_accounts_stale ON payout_accounts (checked_at, id) WHERE status <> 'closed' AND checked_at IS NOT NULL;
CREATE TRIGGER payout_accounts_status_moves BEFORE UPDATE OF status ON payout_accounts FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('payout_accounts_status_moves',
    'pending>active', 'pending>restricted', 'pending>closed', 'active>pending', 'active>restricted', 'active>closed',
    'restricted>pending', 'restricted>active', 'restricted>closed');
CREATE TRIGGER payout_accounts_terms_fixed BEFORE UPDATE ON payout_accounts FOR EACH ROW
    WHEN (ROW (old.org_id, old.provider, old.opened_by, old.created_at)
          IS DISTINCT FROM ROW (new.org_id, new.provider, new.opened_by, new.created_at)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref))
EXECUTE FUNCTION refuse_change('payout_accounts_terms_fixed');

-- Money on its way to a seller's bank: first to the seller's account at the provider, then out of it.
CREATE TABLE payouts (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES orgs (id),
    account_id   uuid,
    currency     text NOT NULL REFERENCES currencies (code),
    amount_minor bigint NOT NULL CONSTRAINT payouts_amount_positive CHECK (amount_minor > 0),
    -- waiting: for an account that can be paid to; intended: it left the seller's earnings; sent: the bank has it under way.
    status       text NOT NULL DEFAULT 'waiting'
                 CONSTRAINT payouts_status_known CHECK (status IN ('waiting', 'intended', 'sent', 'paid', 'failed')),
    -- Counts how often the provider was asked to pay it out of the account.
    attempt      smallint NOT NULL DEFAULT 1 CONSTRAINT payouts_attempt_positive CHECK (attempt > 0),
    -- The provider's name for the way to the account, once it is there; and for the last way from there to the bank.
    transfer_ref text CONSTRAINT payouts_transfer_once UNIQUE
                 CONSTRAINT payouts_transfer_length CHECK (length(transfer_ref) BETWEEN 1 AND 200),
    provider_ref text CONSTRAINT payouts_ref_once UNIQUE
                 CONSTRAINT payouts_ref_length CHECK (length(provider_ref) BETWEEN 1 AND 200),
    -- Why it failed, or why its last attempt did: a code of the provider, or nothing_due.
    failure      text CONSTRAINT payouts_failure_length CHECK (length(failure) BETWEEN 1 AND 200),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    CONSTRAINT payouts_of_account FOREIGN KEY (account_id, org_id) REFERENCES payout_accounts (id, org_id),
    CONSTRAINT payouts_account_known CHECK (status IN ('waiting', 'failed') OR account_id IS NOT NULL),
    CONSTRAINT payouts_sent_refs CHECK (status NOT IN ('sent', 'paid') OR (transfer_ref IS NOT NULL AND provider_ref IS NOT NULL)),
    CONSTRAINT payouts_failed_why CHECK (status <> 'failed' OR failure IS NOT NULL),
    -- What has reached the account stays on its way until it is paid.
    CONSTRAINT payouts_failed_before CHECK (status <> 'failed' OR transfer_ref IS NULL),
    CONSTRAINT payouts_transferred_to CHECK (transfer_ref IS NULL OR account_id IS NOT NULL),
    CONSTRAINT payouts_ended CHECK ((status IN ('paid', 'failed')) = (ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payouts_one_open ON payouts (org_id, currency) WHERE status IN ('waiting', 'intended', 'sent');
CREATE INDEX payouts_of_org ON payouts (org_id, id);
CREATE INDEX payouts_unsettled ON payouts (created_at, id) WHERE status IN ('intended', 'sent');
CREATE TRIGGER payouts_status_moves BEFORE UPDATE OF status ON payouts FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('payouts_status_moves',
    'waiting>intended', 'waiting>failed', 'intended>sent', 'intended>paid', 'intended>waiting', 'intended>failed',
    'sent>paid', 'sent>waiting');
CREATE TRIGGER payouts_terms_fixed BEFORE UPDATE ON payouts FOR EACH ROW
    WHEN (ROW (old.org_id, old.currency, old.created_at) IS DISTINCT FROM ROW (new.org_id, new.currency, new.created_at)
          -- What waits for an account and has left nothing grows and shrinks with the seller's earnings.
          OR ((old.status <> 'waiting' OR old.transfer_ref IS NOT NULL)
              AND ROW (old.amount_minor, old.account_id) IS DISTINCT FROM ROW (new.amount_minor, new.account_id))
          OR (old.transfer_ref IS NOT NULL AND old.transfer_ref IS DISTINCT FROM new.transfer_ref)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref AND new.attempt = old.attempt)
          OR new.attempt NOT BETWEEN old.attempt AND old.attempt + 1)
EXECUTE FUNCTION refuse_change('payouts_terms_fixed');

-- Who has earned something, for the daily run.
CREATE INDEX money_accounts_receivable ON money_accounts (id) WHERE kind = 'receivable';
