-- Orders that follow from an accepted offer: one each.

ALTER TABLE orders
    ADD COLUMN offer_id uuid,
    ADD CONSTRAINT orders_of_offer FOREIGN KEY (offer_id, buyer_org_id, seller_org_id, currency)
        REFERENCES offers (id, buyer_org_id, seller_org_id, currency),
    ADD CONSTRAINT orders_offer_by_source CHECK ((source = 'offer') = (offer_id IS NOT NULL));
CREATE UNIQUE INDEX orders_one_per_offer ON orders (offer_id) WHERE offer_id IS NOT NULL;
CREATE TRIGGER orders_offer_fixed BEFORE UPDATE OF offer_id ON orders FOR EACH ROW
    WHEN (old.offer_id IS DISTINCT FROM new.offer_id)
EXECUTE FUNCTION refuse_change('orders_offer_fixed');

DROP TRIGGER orders_not_by_sellers_people ON orders;
CREATE TRIGGER orders_not_by_sellers_people BEFORE INSERT ON orders FOR EACH ROW WHEN (new.source IN ('checkout', 'offer'))
EXECUTE FUNCTION refuse_sellers_people();
