-- What organisations pay for their plans is the platform's.
ALTER TABLE money_accounts
    DROP CONSTRAINT money_accounts_kind_known,
    ADD CONSTRAINT money_accounts_kind_known CHECK (
        CASE WHEN org_id IS NULL THEN kind IN ('cash', 'commission', 'premium', 'tax', 'refunds', 'rounding', 'plans')
             ELSE kind IN ('payable', 'receivable', 'held', 'debt', 'claim', 'due') END) NOT VALID;
ALTER TABLE money_accounts VALIDATE CONSTRAINT money_accounts_kind_known;

ALTER TABLE money_transfers
    DROP CONSTRAINT money_transfers_kind_known,
    ADD CONSTRAINT money_transfers_kind_known CHECK (kind IN (
        'capture', 'release', 'refund_held', 'refund_released', 'refund_paid', 'payout', 'payout_paid', 'payout_failed',
        'recover', 'correction', 'storage_fee', 'storage_settled', 'plan_fee')) NOT VALID;
ALTER TABLE money_transfers VALIDATE CONSTRAINT money_transfers_kind_known;
