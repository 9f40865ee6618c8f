-- What moderators do to listings, and pictures that bidders have relied on.

-- Why it is suspended, for the seller to read.
ALTER TABLE listings
    ADD COLUMN status_reason text CONSTRAINT listings_status_reason_length CHECK (length(status_reason) BETWEEN 1 AND 1000);

-- What people bid on stays as they saw it. Work on a picture that was there before goes on; what it shows does not change.
CREATE FUNCTION refuse_picture_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    affected uuid[];
BEGIN
    IF tg_op = 'INSERT' THEN
        affected := ARRAY [new.listing_id];
    ELSIF tg_op = 'DELETE' THEN
        affected := ARRAY [old.listing_id];
    ELSE
        affected := ARRAY [old.listing_id, new.listing_id];
    END IF;
    -- A bid changes the auction's row: whoever is about to bid has decided when this lock is held.
    PERFORM FROM auctions WHERE listing_id = ANY (affected) ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM auctions AS a JOIN bids AS b ON b.auction_id = a.id WHERE a.listing_id = ANY (affected)) THEN
        RAISE EXCEPTION 'the pictures of a listing with bids are fixed'
            USING ERRCODE = 'check_violation', TABLE = 'images', CONSTRAINT = 'images_fixed_by_bids';
    END IF;
    IF tg_op = 'DELETE' THEN
        RETURN old;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER images_fixed_by_bids_insert BEFORE INSERT ON images FOR EACH ROW
    WHEN (new.listing_id IS NOT NULL)
EXECUTE FUNCTION refuse_picture_change();
CREATE TRIGGER images_fixed_by_bids_update BEFORE UPDATE ON images FOR EACH ROW
    WHEN (ROW (old.listing_id, old.position) IS DISTINCT FROM ROW (new.listing_id, new.position)
          OR (old.listing_id IS NOT NULL AND old.status <> new.status AND (old.status = 'ready' OR new.status = 'deleting')))
EXECUTE FUNCTION refuse_picture_change();
CREATE TRIGGER images_fixed_by_bids_delete BEFORE DELETE ON images FOR EACH ROW
    WHEN (old.listing_id IS NOT NULL)
EXECUTE FUNCTION refuse_picture_change();
