-- What an item fits or works with is named.
UPDATE items SET compatibility = array_remove(compatibility, '') WHERE '' = ANY (compatibility);
ALTER TABLE items ADD CONSTRAINT items_compatibility_blank CHECK (NOT '' = ANY (compatibility));
