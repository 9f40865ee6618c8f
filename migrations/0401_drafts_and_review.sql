-- Drafts that grow step by step, categories whose listings a moderator sees first, and lots that are listed again.

ALTER TABLE listings
    -- What its title and description are written in; search takes the words apart by it. 'xx': another one.
    ADD COLUMN language     text NOT NULL DEFAULT 'en'
        CONSTRAINT listings_language_known
        CHECK (language IN ('da', 'de', 'en', 'es', 'fi', 'fr', 'it', 'nl', 'no', 'pt', 'sv', 'xx')),
    -- Counts the row's changes: what is shown live is told from what was shown before.
    ADD COLUMN version      bigint NOT NULL DEFAULT 1,
    -- Since when it waits for a moderator, or did the last time.
    ADD COLUMN submitted_at timestamptz,
    DROP CONSTRAINT listings_price_by_mode,
    -- A draft may still lack its price.
    ADD CONSTRAINT listings_price_by_mode
        CHECK (CASE sale_mode
                   WHEN 'fixed' THEN price_minor IS NOT NULL OR (published_at IS NULL AND status IN ('draft', 'withdrawn'))
                   WHEN 'auction' THEN price_minor IS NULL
                   WHEN 'auction_buy_now' THEN price_minor IS NULL
                   ELSE true
               END),
    ADD CONSTRAINT listings_in_review_since CHECK (status <> 'in_review' OR submitted_at IS NOT NULL);
CREATE INDEX listings_in_review ON listings (submitted_at, id) WHERE status = 'in_review';
-- Whether a seller has been published before.
CREATE INDEX listings_once_published ON listings (seller_org_id) WHERE published_at IS NOT NULL;
-- A listing is listed again once, unless that is withdrawn.
CREATE UNIQUE INDEX listings_relisted_once ON listings (relist_of) WHERE relist_of IS NOT NULL AND status <> 'withdrawn';

CREATE FUNCTION count_listing_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.version := old.version + 1;
    RETURN new;
END $$;
CREATE TRIGGER listings_version BEFORE UPDATE ON listings FOR EACH ROW EXECUTE FUNCTION count_listing_version();

ALTER TABLE categories
    ADD COLUMN review text NOT NULL DEFAULT 'none'
        CONSTRAINT categories_review_known CHECK (review IN ('none', 'new_sellers', 'always'));
