-- The money ledger: accounts, transfers between them, and the entries of each transfer. An entry is positive when the
-- account's holder has more.

CREATE TABLE money_accounts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL: the platform's.
    org_id        uuid REFERENCES orgs (id),
    kind          text NOT NULL,
    currency      text NOT NULL REFERENCES currencies (code),
    -- NULL for the platform's accounts, which are summed when asked: every sale would wait for their rows.
    balance_minor bigint,
    CONSTRAINT money_accounts_once UNIQUE NULLS NOT DISTINCT (org_id, kind, currency),
    CONSTRAINT money_accounts_kind_known CHECK (
        CASE WHEN org_id IS NULL THEN kind IN ('cash', 'commission', 'premium', 'tax', 'refunds', 'rounding')
             ELSE kind IN ('payable', 'receivable', 'held') END),
    CONSTRAINT money_accounts_counted CHECK ((org_id IS NULL) = (balance_minor IS NULL)),
    CONSTRAINT money_accounts_not_below_zero CHECK (balance_minor >= 0),
    CONSTRAINT money_accounts_terms UNIQUE (id, currency)
) WITH (fillfactor = 70);

CREATE TABLE money_transfers (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind      text NOT NULL CONSTRAINT money_transfers_kind_known CHECK (kind IN (
                  'capture', 'release', 'refund_held', 'refund_released', 'refund_paid', 'payout', 'payout_paid', 'payout_failed',
                  'recover', 'correction')),
    -- What is booked, in the words of its kind: an effect is booked once.
    reference text NOT NULL CONSTRAINT money_transfers_reference_length CHECK (length(reference) BETWEEN 1 AND 100),
    -- How many entries it has. None can be added later: their numbers are taken.
    entries   smallint NOT NULL CONSTRAINT money_transfers_entries_range CHECK (entries BETWEEN 2 AND 1000),
    order_id  uuid CONSTRAINT money_transfers_of_known_order REFERENCES orders (id),
    -- The transfer that this one takes back.
    reverses  bigint CONSTRAINT money_transfers_reverses_known REFERENCES money_transfers (id),
    booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT money_transfers_once UNIQUE (kind, reference),
    CONSTRAINT money_transfers_reversed_once UNIQUE (reverses),
    CONSTRAINT money_transfers_correct CHECK ((kind = 'correction') = (reverses IS NOT NULL)),
    CONSTRAINT money_transfers_terms UNIQUE (id, entries)
);
CREATE INDEX money_transfers_of_order ON money_transfers (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE money_entries (
    transfer_id  bigint NOT NULL,
    entry_no     smallint NOT NULL,
    entries      smallint NOT NULL,
    account_id   bigint NOT NULL,
    currency     text NOT NULL,
    amount_minor bigint NOT NULL CONSTRAINT money_entries_amount_not_zero CHECK (amount_minor <> 0),
    PRIMARY KEY (transfer_id, entry_no),
    CONSTRAINT money_entries_number_range CHECK (entry_no BETWEEN 1 AND entries),
    CONSTRAINT money_entries_of_transfer FOREIGN KEY (transfer_id, entries) REFERENCES money_transfers (id, entries),
    CONSTRAINT money_entries_of_account FOREIGN KEY (account_id, currency) REFERENCES money_accounts (id, currency),
    CONSTRAINT money_entries_account_once UNIQUE (account_id, transfer_id)
);

CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM money_entries WHERE transfer_id = NEW.id) <> NEW.entries THEN
        RAISE EXCEPTION 'transfer % does not have % entries', NEW.id, NEW.entries
            USING ERRCODE = 'check_violation', TABLE = 'money_transfers', CONSTRAINT = 'money_transfers_complete';
    END IF;
    IF EXISTS (SELECT FROM money_entries WHERE transfer_id = NEW.id GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'transfer % does not sum to zero', NEW.id
            USING ERRCODE = 'check_violation', TABLE = 'money_transfers', CONSTRAINT = 'money_transfers_sum_to_zero';
    END IF;
    RETURN NULL;
END $$;
-- Checked at commit; after it the transfer's entry numbers are all taken, so nothing that balances can be added either.
CREATE CONSTRAINT TRIGGER money_transfers_sum_to_zero AFTER INSERT ON money_transfers DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();

CREATE FUNCTION count_money_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE money_accounts
    SET balance_minor = balance_minor + NEW.amount_minor
    WHERE id = NEW.account_id AND org_id IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER money_entries_counted AFTER INSERT ON money_entries FOR EACH ROW EXECUTE FUNCTION count_money_entry();

-- A balance is moved by entries alone: their trigger's update runs one level deep, one by hand does not.
CREATE TRIGGER money_accounts_by_entries BEFORE UPDATE ON money_accounts FOR EACH ROW
WHEN (pg_trigger_depth() = 0
      OR (old.id, old.org_id, old.kind, old.currency) IS DISTINCT FROM (new.id, new.org_id, new.kind, new.currency))
EXECUTE FUNCTION refuse_change('money_accounts_by_entries');
CREATE TRIGGER money_accounts_begin_empty BEFORE INSERT ON money_accounts FOR EACH ROW WHEN (new.balance_minor <> 0)
EXECUTE FUNCTION refuse_change('money_accounts_begin_empty');
CREATE TRIGGER money_accounts_kept BEFORE DELETE OR TRUNCATE ON money_accounts FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('money_accounts_kept');

CREATE TRIGGER money_transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_transfers FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER money_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON money_entries FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
