-- What people bid on does not change under their bids: a listing shows its item's attributes, compatibility and unit.

CREATE FUNCTION refuse_item_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A bid changes the auction's row: whoever is about to bid has decided when this lock is held.
    PERFORM
    FROM auctions
    WHERE listing_id IN (SELECT id FROM listings WHERE item_id = new.id)
    ORDER BY id
    FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT
        FROM listings AS l
        JOIN auctions AS a ON a.listing_id = l.id
        JOIN bids AS b ON b.auction_id = a.id
        WHERE l.item_id = new.id
    ) THEN
        RAISE EXCEPTION 'an item with bids on it is fixed'
            USING ERRCODE = 'check_violation', TABLE = 'items', CONSTRAINT = 'items_fixed_by_bids';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER items_fixed_by_bids BEFORE UPDATE ON items FOR EACH ROW
    WHEN (ROW (old.attributes, old.compatibility, old.unit, old.category_id)
          IS DISTINCT FROM ROW (new.attributes, new.compatibility, new.unit, new.category_id))
EXECUTE FUNCTION refuse_item_change();
