-- What keeping goods costs that their buyer has said to collect: owed by the buyer to the seller for each day, once.

ALTER TABLE site_hours
    -- How many days after the first appointment was booked goods are kept for nothing.
    ADD COLUMN free_days smallint NOT NULL DEFAULT 7
        CONSTRAINT site_hours_free_days_range CHECK (free_days BETWEEN 0 AND 365);

-- For each day after that. Orders in a currency that is not here are kept for nothing.
CREATE TABLE site_storage_fees (
    site_id   uuid NOT NULL CONSTRAINT site_storage_fees_of_site REFERENCES site_hours (site_id),
    currency  text NOT NULL REFERENCES currencies (code),
    fee_minor bigint NOT NULL CONSTRAINT site_storage_fees_range CHECK (fee_minor BETWEEN 1 AND 1000000000000000),
    CONSTRAINT site_storage_fees_once PRIMARY KEY (site_id, currency)
);

-- What was agreed when an order's first collection was booked, frozen, and how many days of it were booked in the ledger and paid.
CREATE TABLE storage_terms (
    order_id      uuid CONSTRAINT storage_terms_once PRIMARY KEY,
    seller_org_id uuid NOT NULL,
    site_id       uuid NOT NULL,
    fee_minor     bigint NOT NULL CONSTRAINT storage_terms_fee_range CHECK (fee_minor BETWEEN 1 AND 1000000000000000),
    free_until    timestamptz NOT NULL,
    -- When the next day is to be booked; NULL: none is any more.
    due_at        timestamptz,
    days          smallint NOT NULL DEFAULT 0 CONSTRAINT storage_terms_days_range CHECK (days BETWEEN 0 AND 60),
    settled_days  smallint NOT NULL DEFAULT 0,
    CONSTRAINT storage_terms_of_seller FOREIGN KEY (order_id, seller_org_id) REFERENCES orders (id, seller_org_id),
    CONSTRAINT storage_terms_at_own_site FOREIGN KEY (site_id, seller_org_id) REFERENCES sites (id, org_id),
    -- A number of days below zero breaks its own rule, not this one.
    CONSTRAINT storage_terms_settled_within CHECK (settled_days BETWEEN 0 AND greatest(days, 0))
) WITH (fillfactor = 80);
CREATE INDEX storage_terms_due ON storage_terms (due_at, order_id) WHERE due_at IS NOT NULL;
CREATE TRIGGER storage_terms_fixed BEFORE UPDATE ON storage_terms FOR EACH ROW
    WHEN (ROW (old.order_id, old.seller_org_id, old.site_id, old.fee_minor, old.free_until)
          IS DISTINCT FROM ROW (new.order_id, new.seller_org_id, new.site_id, new.fee_minor, new.free_until)
          OR new.days < old.days
          OR new.settled_days < old.settled_days
          OR (old.due_at IS NULL AND new.due_at IS NOT NULL))
EXECUTE FUNCTION refuse_change('storage_terms_fixed');
CREATE TRIGGER storage_terms_kept BEFORE DELETE OR TRUNCATE ON storage_terms FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('storage_terms_kept');

ALTER TABLE money_accounts
    DROP CONSTRAINT money_accounts_kind_known,
    DROP CONSTRAINT money_accounts_not_below_zero,
    DROP CONSTRAINT money_accounts_debt_not_above_zero,
    -- claim: what others owe an organisation for storage; due: what it owes them. The platform has neither.
    ADD CONSTRAINT money_accounts_kind_known CHECK (
        CASE WHEN org_id IS NULL THEN kind IN ('cash', 'commission', 'premium', 'tax', 'refunds', 'rounding')
             ELSE kind IN ('payable', 'receivable', 'held', 'debt', 'claim', 'due') END),
    ADD CONSTRAINT money_accounts_not_below_zero CHECK (kind IN ('debt', 'due') OR balance_minor >= 0),
    ADD CONSTRAINT money_accounts_debt_not_above_zero CHECK (kind NOT IN ('debt', 'due') OR balance_minor <= 0);

ALTER TABLE money_transfers
    DROP CONSTRAINT money_transfers_kind_known,
    ADD CONSTRAINT money_transfers_kind_known CHECK (kind IN (
        'capture', 'release', 'refund_held', 'refund_released', 'refund_paid', 'payout', 'payout_paid', 'payout_failed',
        'recover', 'correction', 'storage_fee', 'storage_settled'));
