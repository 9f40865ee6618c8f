-- Those who follow a listing or its price hear of what they see of it, and not of every purchase: what is seen has a version of its own.

ALTER TABLE listings ADD COLUMN shown_version bigint NOT NULL DEFAULT 1;

CREATE OR REPLACE FUNCTION count_listing_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.version := old.version + 1;
    new.shown_version := old.shown_version;
    IF (old.status, old.title, old.sale_mode, old.currency, old.price_minor, old.takes_offers, old.published_at)
       IS DISTINCT FROM
       (new.status, new.title, new.sale_mode, new.currency, new.price_minor, new.takes_offers, new.published_at) THEN
        new.shown_version := old.shown_version + 1;
    END IF;
    RETURN new;
END $$;
