-- The days that an order has of a service: nobody else can have them, and its seller cannot free them.
ALTER TABLE hire_days
    -- Absent: its seller does not work then.
    ADD COLUMN order_id uuid,
    ADD COLUMN line_no  smallint,
    ADD CONSTRAINT hire_days_of_line FOREIGN KEY (order_id, line_no) REFERENCES order_lines (order_id, line_no),
    ADD CONSTRAINT hire_days_line_whole CHECK ((order_id IS NULL) = (line_no IS NULL));
CREATE INDEX hire_days_of_order ON hire_days (order_id, line_no) WHERE order_id IS NOT NULL;

-- What comes of an order that comes to nothing. When the transaction ends: whoever waits for one of the days holds stock that the end of
-- a checkout waits for.
CREATE FUNCTION free_hire_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hire_days WHERE order_id = new.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_hire_days_freed AFTER UPDATE OF status ON orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.status IN ('expired', 'cancelled', 'refunded') AND new.status <> old.status)
EXECUTE FUNCTION free_hire_days();
