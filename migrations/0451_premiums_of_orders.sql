-- The buyer's premium of an award is that of the tariff that held when it was made.

ALTER TABLE orders
    ADD COLUMN premium_tariff_id bigint CONSTRAINT orders_premium_tariff_exists REFERENCES premium_tariffs (id),
    ADD CONSTRAINT orders_premium_by_tariff CHECK (premium_minor <= 0 OR premium_tariff_id IS NOT NULL);

DROP TRIGGER orders_terms_fixed ON orders;
CREATE TRIGGER orders_terms_fixed BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (ROW (old.source, old.award_id, old.checkout_id, old.buyer_org_id, old.seller_org_id, old.currency, old.total_minor,
               old.premium_minor, old.premium_tariff_id, old.tax_minor, old.vat_treatment, old.fx_snapshot_id, old.fee_bps,
               old.fee_minor, old.net_minor, old.created_at)
          IS DISTINCT FROM
          ROW (new.source, new.award_id, new.checkout_id, new.buyer_org_id, new.seller_org_id, new.currency, new.total_minor,
               new.premium_minor, new.premium_tariff_id, new.tax_minor, new.vat_treatment, new.fx_snapshot_id, new.fee_bps,
               new.fee_minor, new.net_minor, new.created_at))
EXECUTE FUNCTION refuse_order_change();
