-- Refunds of what is the seller's already: out of what the seller has earned, and what that lacks is owed and kept back later.

ALTER TABLE money_accounts
    DROP CONSTRAINT money_accounts_kind_known,
    DROP CONSTRAINT money_accounts_not_below_zero,
    ADD CONSTRAINT money_accounts_kind_known CHECK (
        CASE WHEN org_id IS NULL THEN kind IN ('cash', 'commission', 'premium', 'tax', 'refunds', 'rounding')
             ELSE kind IN ('payable', 'receivable', 'held', 'debt') END),
    -- What an organisation owes is a number below zero.
    ADD CONSTRAINT money_accounts_not_below_zero CHECK (kind = 'debt' OR balance_minor >= 0),
    ADD CONSTRAINT money_accounts_debt_not_above_zero CHECK (kind <> 'debt' OR balance_minor <= 0);

ALTER TABLE refunds
    DROP CONSTRAINT refunds_cause_known,
    -- finance: the platform decides about what is the seller's.
    ADD CONSTRAINT refunds_cause_known CHECK (cause IN ('late', 'seller', 'dispute', 'finance'));

-- What was released is the seller's until it goes back; it never grows.
DROP TRIGGER escrows_status_moves ON escrows;
CREATE TRIGGER escrows_status_moves BEFORE UPDATE OF status ON escrows FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('escrows_status_moves',
    'held>frozen', 'held>released', 'held>refunded', 'held>partly',
    'frozen>held', 'frozen>released', 'frozen>refunded', 'frozen>partly',
    'released>partly', 'released>refunded', 'partly>refunded');
