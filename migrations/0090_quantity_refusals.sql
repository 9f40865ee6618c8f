-- Of a listing with quantity 0 both constraints were broken, and the one told first spoke of the minimum quantity.
ALTER TABLE listings
    DROP CONSTRAINT listings_min_quantity_range,
    ADD CONSTRAINT listings_min_quantity_range
        CHECK (min_quantity >= 1 AND (min_quantity <= quantity OR quantity < 1));
