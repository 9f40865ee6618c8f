-- What a return puts back at a level it puts back by one movement.
CREATE UNIQUE INDEX stock_movements_returned_once ON stock_movements (reference, item_id, site_id) WHERE kind = 'return';
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_return_of CHECK (kind <> 'return' OR reference IS NOT NULL);
