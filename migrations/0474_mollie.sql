-- Mollie is a provider; Adyen, of which nothing was ever written, is not.

ALTER TABLE payments
    DROP CONSTRAINT payments_provider_known,
    ADD CONSTRAINT payments_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator'));
ALTER TABLE webhook_inbox
    DROP CONSTRAINT webhook_inbox_provider_known,
    ADD CONSTRAINT webhook_inbox_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator'));
ALTER TABLE reconciliations
    DROP CONSTRAINT reconciliations_provider_known,
    ADD CONSTRAINT reconciliations_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator'));
ALTER TABLE reconciliation_differences
    DROP CONSTRAINT differences_provider_known,
    ADD CONSTRAINT differences_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator'));
ALTER TABLE payout_accounts
    DROP CONSTRAINT payout_accounts_provider_known,
    ADD CONSTRAINT payout_accounts_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator')),
    -- The provider's name for an account that the seller has there already, as the seller has said it.
    ADD COLUMN own_ref text CONSTRAINT payout_accounts_own_ref_length CHECK (length(own_ref) BETWEEN 1 AND 200);

DROP TRIGGER payout_accounts_terms_fixed ON payout_accounts;
CREATE TRIGGER payout_accounts_terms_fixed BEFORE UPDATE ON payout_accounts FOR EACH ROW
    WHEN (ROW (old.org_id, old.provider, old.own_ref, old.opened_by, old.created_at)
          IS DISTINCT FROM ROW (new.org_id, new.provider, new.own_ref, new.opened_by, new.created_at)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref))
EXECUTE FUNCTION refuse_change('payout_accounts_terms_fixed');
