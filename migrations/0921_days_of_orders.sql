-- The days that an order has of a service: nobody else can have them, and its seller cannot free them.

-- They are free when the order comes to nothing. When the transaction ends: whoever waits for one of the days holds stock that the end of
-- a checkout waits for. The trigger is made first, since whoever buys locks `orders` before `order_lines`, too.
CREATE FUNCTION free_hire_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hire_days SET order_id = NULL, line_no = NULL WHERE order_id = new.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_hire_days_freed AFTER UPDATE OF status ON orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.status IN ('expired', 'cancelled', 'refunded') AND new.status <> old.status)
EXECUTE FUNCTION free_hire_days();

ALTER TABLE hire_days
    -- Absent: its seller does not work then.
    ADD COLUMN order_id uuid,
    ADD COLUMN line_no  smallint,
    ADD CONSTRAINT hire_days_of_line FOREIGN KEY (order_id, line_no) REFERENCES order_lines (order_id, line_no),
    ADD CONSTRAINT hire_days_line_whole CHECK ((order_id IS NULL) = (line_no IS NULL));
CREATE INDEX hire_days_of_order ON hire_days (order_id, line_no) WHERE order_id IS NOT NULL;

-- An order gives its days up, and is not deprived of them: programs of before delete whatever a calendar leaves out, and know no orders.
CREATE TRIGGER hire_days_hired_kept BEFORE DELETE ON hire_days FOR EACH ROW WHEN (old.order_id IS NOT NULL)
EXECUTE FUNCTION refuse_change('hire_days_hired_kept');
CREATE FUNCTION delete_given_up_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hire_days WHERE item_id = new.item_id AND day = new.day;
    RETURN NULL;
END $$;
CREATE TRIGGER hire_days_given_up AFTER UPDATE OF order_id ON hire_days FOR EACH ROW
    WHEN (old.order_id IS NOT NULL AND new.order_id IS NULL)
EXECUTE FUNCTION delete_given_up_day();
