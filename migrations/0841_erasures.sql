-- People who ask to be forgotten: after some days what is kept about them goes, and their acts stay under an id that says nothing.

ALTER TABLE users
    ADD COLUMN erased_at timestamptz,
    ADD CONSTRAINT users_erased_do_nothing CHECK (erased_at IS NULL OR (status = 'suspended' AND platform_role = 'user'));
CREATE TRIGGER users_erased_for_good BEFORE UPDATE ON users FOR EACH ROW WHEN (old.erased_at IS NOT NULL)
EXECUTE FUNCTION refuse_change('users_erased_for_good');

-- Set when the only owner was erased.
ALTER TABLE orgs
    ADD COLUMN abandoned_at timestamptz,
    ADD CONSTRAINT orgs_abandoned_do_not_trade CHECK (abandoned_at IS NULL OR status <> 'approved');

CREATE TABLE erasures (
    user_id   uuid PRIMARY KEY REFERENCES users (id),
    asked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Until then it can be taken back.
    due_at    timestamptz NOT NULL,
    -- When the last of it was done.
    erased_at timestamptz CONSTRAINT erasures_not_early CHECK (erased_at >= due_at),
    CONSTRAINT erasures_due_later CHECK (due_at > asked_at)
);
CREATE TRIGGER erasures_final BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW WHEN (old.erased_at IS NOT NULL)
EXECUTE FUNCTION refuse_change('erasures_final');

-- An order that is placed while its organisation loses its only owner is told to try again, and finds it suspended. What an auction has
-- awarded is an order all the same, and expires.
CREATE FUNCTION refuse_order_of_abandoned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An erasure holds the organisations to its end: this waits for it, and the next statement sees what it has done.
    PERFORM FROM orgs WHERE id IN (new.buyer_org_id, new.seller_org_id) ORDER BY id FOR KEY SHARE;
    IF EXISTS (SELECT FROM orgs WHERE id IN (new.buyer_org_id, new.seller_org_id) AND abandoned_at IS NOT NULL) THEN
        RAISE EXCEPTION 'nobody answers for one of the organisations any more'
            USING ERRCODE = 'serialization_failure', TABLE = 'orders', CONSTRAINT = 'orders_of_somebody';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER orders_of_somebody BEFORE INSERT ON orders FOR EACH ROW WHEN (new.award_id IS NULL)
EXECUTE FUNCTION refuse_order_of_abandoned();

CREATE INDEX uploads_named_by ON uploads (created_by) WHERE file_name IS NOT NULL;
