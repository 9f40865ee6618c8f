-- Listings: an item of an organisation, offered in one way, in one currency.

CREATE TABLE listings (
    id               uuid PRIMARY KEY,
    seller_org_id    uuid NOT NULL REFERENCES orgs (id),
    item_id          uuid NOT NULL,
    created_by       uuid NOT NULL REFERENCES users (id),
    title            text NOT NULL CONSTRAINT listings_title_length CHECK (length(title) BETWEEN 1 AND 200),
    description      text NOT NULL DEFAULT ''
                     CONSTRAINT listings_description_length CHECK (length(description) <= 20000),
    sale_mode        text NOT NULL
                     CONSTRAINT listings_sale_mode_known
                     CHECK (sale_mode IN ('fixed', 'auction', 'auction_buy_now', 'offer', 'wanted')),
    currency         text NOT NULL CONSTRAINT listings_currency_known REFERENCES currencies (code),
    -- Per unit; an auction's amounts stand in the auction.
    price_minor      bigint CONSTRAINT listings_price_positive CHECK (price_minor BETWEEN 1 AND 1000000000000000),
    quantity         bigint NOT NULL DEFAULT 1 CONSTRAINT listings_quantity_positive CHECK (quantity BETWEEN 1 AND 1000000000),
    min_quantity     bigint NOT NULL DEFAULT 1,
    delivery_options text[] NOT NULL DEFAULT '{pickup}'
                     CONSTRAINT listings_delivery_known
                     CHECK (delivery_options <@ ARRAY ['pickup', 'parcel', 'freight', 'orbital']
                            AND cardinality(delivery_options) BETWEEN 1 AND 4),
    status           text NOT NULL DEFAULT 'draft'
                     CHECK (status IN ('draft', 'in_review', 'published', 'suspended', 'sold_out', 'ended', 'withdrawn')),
    relist_of        uuid REFERENCES listings (id),
    published_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    search           tsvector GENERATED ALWAYS AS (
                         setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', description), 'B')
                     ) STORED,
    CONSTRAINT listings_own_item FOREIGN KEY (item_id, seller_org_id) REFERENCES items (id, org_id),
    CONSTRAINT listings_min_quantity_range CHECK (min_quantity BETWEEN 1 AND quantity),
    CONSTRAINT listings_price_by_mode
        CHECK (CASE sale_mode
                   WHEN 'fixed' THEN price_minor IS NOT NULL
                   WHEN 'auction' THEN price_minor IS NULL
                   WHEN 'auction_buy_now' THEN price_minor IS NULL
                   ELSE true
               END),
    CONSTRAINT listings_published_has_time CHECK (published_at IS NOT NULL OR status IN ('draft', 'in_review', 'withdrawn')),
    -- What auctions refer to: same seller, same currency.
    CONSTRAINT listings_terms UNIQUE (id, seller_org_id, currency)
);
CREATE INDEX listings_newest ON listings (published_at DESC, id DESC) WHERE status = 'published';
CREATE INDEX listings_of_seller ON listings (seller_org_id, id);
CREATE INDEX listings_of_item ON listings (item_id);
CREATE INDEX listings_search ON listings USING gin (search);

CREATE FUNCTION refuse_listing_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.status, new.status) NOT IN (
        ('draft', 'in_review'), ('draft', 'published'), ('draft', 'withdrawn'),
        ('in_review', 'draft'), ('in_review', 'published'), ('in_review', 'withdrawn'),
        ('published', 'suspended'), ('published', 'sold_out'), ('published', 'ended'), ('published', 'withdrawn'),
        ('suspended', 'published'), ('suspended', 'sold_out'), ('suspended', 'ended'), ('suspended', 'withdrawn')
    ) THEN
        RAISE EXCEPTION 'a % listing cannot become %', old.status, new.status
            USING ERRCODE = 'check_violation', TABLE = 'listings', CONSTRAINT = 'listings_status_moves';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER listings_status_moves BEFORE UPDATE OF status ON listings FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_listing_move();

-- What is on offer stays what it is once people can see it; a change is a new listing.
CREATE FUNCTION refuse_listing_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the terms of a % listing are fixed', old.status
        USING ERRCODE = 'check_violation', TABLE = 'listings', CONSTRAINT = 'listings_terms_fixed';
END $$;
CREATE TRIGGER listings_terms_fixed BEFORE UPDATE ON listings FOR EACH ROW
    WHEN (old.status <> 'draft'
          AND ROW (old.seller_org_id, old.item_id, old.sale_mode, old.currency, old.quantity, old.min_quantity)
              IS DISTINCT FROM
              ROW (new.seller_org_id, new.item_id, new.sale_mode, new.currency, new.quantity, new.min_quantity))
EXECUTE FUNCTION refuse_listing_change();
