-- Trades: offers for goods that are at a site of their seller's and that nobody has listed; the one who gives them begins.

ALTER TABLE offers
    ALTER COLUMN listing_id DROP NOT NULL,
    -- Of a trade: where the goods are.
    ADD COLUMN site_id uuid,
    ADD CONSTRAINT offers_listed_or_traded CHECK (num_nonnulls(listing_id, site_id) = 1),
    ADD CONSTRAINT offers_traded_by_seller CHECK (site_id IS NULL OR offerer_org_id = seller_org_id),
    ADD CONSTRAINT offers_from_sellers_site FOREIGN KEY (site_id, seller_org_id) REFERENCES sites (id, org_id),
    -- A listing knew it.
    ADD CONSTRAINT offers_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (code);
CREATE TRIGGER offers_site_fixed BEFORE UPDATE OF site_id ON offers FOR EACH ROW
    WHEN (old.site_id IS DISTINCT FROM new.site_id)
EXECUTE FUNCTION refuse_change('offers_site_fixed');

ALTER TABLE orders
    DROP CONSTRAINT orders_offer_by_source,
    ADD CONSTRAINT orders_offer_by_source
        CHECK (CASE source WHEN 'offer' THEN offer_id IS NOT NULL WHEN 'trade' THEN true ELSE offer_id IS NULL END);
DROP TRIGGER orders_not_by_sellers_people ON orders;
CREATE TRIGGER orders_not_by_sellers_people BEFORE INSERT ON orders FOR EACH ROW
    WHEN (new.source = 'checkout' OR new.offer_id IS NOT NULL)
EXECUTE FUNCTION refuse_sellers_people();

-- What is traded has no listing, and comes from a stock book.
ALTER TABLE order_lines ALTER COLUMN listing_id DROP NOT NULL;
CREATE FUNCTION refuse_unlisted_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT source FROM orders WHERE id = new.order_id) <> 'trade' THEN
        RAISE EXCEPTION 'line % of order % has no listing', new.line_no, new.order_id
            USING ERRCODE = 'check_violation', TABLE = 'order_lines', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER order_lines_unlisted AFTER INSERT ON order_lines DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.listing_id IS NULL)
EXECUTE FUNCTION refuse_unlisted_line();
ALTER TABLE reservations
    ALTER COLUMN listing_id DROP NOT NULL,
    ADD CONSTRAINT reservations_unlisted CHECK (listing_id IS NOT NULL OR num_nonnulls(site_id, order_id) = 2);

-- As before, and what was traded has the region of its site.
CREATE OR REPLACE VIEW sold_lines AS
SELECT
    o.id AS order_id, o.seller_org_id, o.buyer_org_id, o.created_at AS sold_at, o.source, o.status, o.currency,
    n.line_no, n.listing_id, n.item_id, n.title, n.quantity, n.amount_minor,
    i.category_id, c.path AS category_path, c.name AS category_name,
    s.region_id, r.code AS region_code, r.name AS region_name
FROM orders AS o
JOIN order_lines AS n ON n.order_id = o.id
LEFT JOIN items AS i ON i.id = n.item_id
LEFT JOIN categories AS c ON c.id = i.category_id
LEFT JOIN listings AS l ON l.id = n.listing_id
LEFT JOIN offers AS f ON f.id = o.offer_id
LEFT JOIN sites AS s ON s.id = coalesce(l.site_id, f.site_id)
LEFT JOIN regions AS r ON r.id = s.region_id
WHERE o.status NOT IN ('expired', 'cancelled', 'refunded');
