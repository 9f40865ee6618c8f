-- Stock: how much of an item is at a site, who holds it, and every change of it.

CREATE TABLE stock_levels (
    item_id     uuid NOT NULL,
    site_id     uuid NOT NULL,
    org_id      uuid NOT NULL,
    -- Can be sold, reserved units included.
    on_hand     bigint NOT NULL DEFAULT 0,
    reserved    bigint NOT NULL DEFAULT 0,
    -- Is there and is not sold: came back and waits for an inspection.
    quarantined bigint NOT NULL DEFAULT 0,
    capacity    bigint,
    -- On hand at or below this is low; NULL: a tenth of the capacity, and never low without one.
    low_at      bigint,
    is_low      boolean NOT NULL DEFAULT false,
    -- How often it has become low or recovered.
    crossings   integer NOT NULL DEFAULT 0,
    -- Counts every change.
    version     bigint NOT NULL DEFAULT 1,
    CONSTRAINT stock_levels_once PRIMARY KEY (item_id, site_id),
    CONSTRAINT stock_levels_own_item FOREIGN KEY (item_id, org_id) REFERENCES items (id, org_id),
    CONSTRAINT stock_levels_own_site FOREIGN KEY (site_id, org_id) REFERENCES sites (id, org_id),
    CONSTRAINT stock_levels_reserved_within CHECK (reserved BETWEEN 0 AND on_hand),
    CONSTRAINT stock_levels_quarantined CHECK (quarantined BETWEEN 0 AND 1000000000),
    CONSTRAINT stock_levels_bound CHECK (on_hand <= 1000000000),
    CONSTRAINT stock_levels_capacity_range CHECK (capacity BETWEEN 1 AND 1000000000),
    CONSTRAINT stock_levels_within_capacity CHECK (on_hand + quarantined <= capacity),
    CONSTRAINT stock_levels_low_at CHECK (low_at BETWEEN 0 AND 1000000000)
) WITH (fillfactor = 70);
CREATE INDEX stock_levels_of_org ON stock_levels (org_id, item_id, site_id);
CREATE INDEX stock_levels_of_site ON stock_levels (site_id, item_id);
CREATE INDEX stock_levels_low ON stock_levels (org_id, item_id, site_id) WHERE is_low;

CREATE TRIGGER stock_levels_place_fixed BEFORE UPDATE ON stock_levels FOR EACH ROW
    WHEN (ROW (old.item_id, old.site_id, old.org_id) IS DISTINCT FROM ROW (new.item_id, new.site_id, new.org_id))
EXECUTE FUNCTION refuse_change('stock_levels_place_fixed');
CREATE TRIGGER stock_levels_counted BEFORE UPDATE ON stock_levels FOR EACH ROW WHEN (new.version <> old.version + 1)
EXECUTE FUNCTION refuse_change('stock_levels_counted');

-- Whether somebody counts what a site stores is settled once there is a level: until then nothing is stored.
CREATE FUNCTION refuse_capacity_of_used_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A level that is being made holds the site's key: this waits for it, and the next statement sees it.
    PERFORM FROM sites WHERE id = new.id FOR UPDATE;
    IF EXISTS (SELECT FROM stock_levels WHERE site_id = new.id) THEN
        RAISE EXCEPTION 'a site with stock neither gets nor loses a capacity'
            USING ERRCODE = 'check_violation', TABLE = 'sites', CONSTRAINT = 'sites_capacity_settled';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER sites_capacity_settled BEFORE UPDATE ON sites FOR EACH ROW
    WHEN ((old.capacity IS NULL) <> (new.capacity IS NULL))
EXECUTE FUNCTION refuse_capacity_of_used_site();

-- A listing with a site draws on the stock of its item there; one without sells its own quantity.
ALTER TABLE listings
    ADD COLUMN site_id  uuid,
    -- Of its own quantity.
    ADD COLUMN reserved bigint NOT NULL DEFAULT 0,
    ADD COLUMN sold     bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT listings_own_site FOREIGN KEY (site_id, seller_org_id) REFERENCES sites (id, org_id),
    ADD CONSTRAINT listings_own_quantity
        -- A quantity below zero breaks its own rule, not this one.
        CHECK (CASE WHEN site_id IS NULL THEN reserved >= 0 AND sold >= 0 AND reserved + sold <= greatest(quantity, 0)
                    ELSE reserved = 0 AND sold = 0
               END),
    -- What reservations refer to.
    ADD CONSTRAINT listings_offered UNIQUE (id, item_id);
CREATE INDEX listings_of_site ON listings (site_id) WHERE site_id IS NOT NULL;

DROP TRIGGER listings_terms_fixed ON listings;
CREATE TRIGGER listings_terms_fixed BEFORE UPDATE ON listings FOR EACH ROW
    WHEN (old.status <> 'draft'
          AND ROW (old.seller_org_id, old.item_id, old.site_id, old.sale_mode, old.currency, old.quantity, old.min_quantity)
              IS DISTINCT FROM
              ROW (new.seller_org_id, new.item_id, new.site_id, new.sale_mode, new.currency, new.quantity, new.min_quantity))
EXECUTE FUNCTION refuse_listing_change();

-- Units kept for an auction, or for a line of an order.
CREATE TABLE reservations (
    id         uuid PRIMARY KEY,
    listing_id uuid NOT NULL,
    item_id    uuid NOT NULL,
    -- NULL: of the listing's own quantity.
    site_id    uuid,
    quantity   bigint NOT NULL CONSTRAINT reservations_quantity_range CHECK (quantity BETWEEN 1 AND 1000000000),
    auction_id uuid CONSTRAINT reservations_of_auction REFERENCES auctions (id),
    order_id   uuid,
    line_no    smallint,
    -- Taken: the units have left. Handed over: orders hold what they were awarded of it, and the rest is free.
    status     text NOT NULL DEFAULT 'held'
               CONSTRAINT reservations_status_known CHECK (status IN ('held', 'taken', 'freed', 'handed_over')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    CONSTRAINT reservations_of_listing FOREIGN KEY (listing_id, item_id) REFERENCES listings (id, item_id),
    CONSTRAINT reservations_at_level FOREIGN KEY (item_id, site_id) REFERENCES stock_levels (item_id, site_id),
    -- Whoever makes an order may reserve first.
    CONSTRAINT reservations_of_line FOREIGN KEY (order_id, line_no) REFERENCES order_lines (order_id, line_no)
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT reservations_one_holder
        CHECK (num_nonnulls(auction_id, order_id) = 1 AND (order_id IS NULL) = (line_no IS NULL)),
    CONSTRAINT reservations_handed_over_by_auction CHECK (status <> 'handed_over' OR auction_id IS NOT NULL),
    CONSTRAINT reservations_ended CHECK ((status = 'held') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX reservations_once_per_line ON reservations (order_id, line_no)
    WHERE order_id IS NOT NULL AND status <> 'freed';
CREATE UNIQUE INDEX reservations_once_per_auction ON reservations (auction_id) WHERE status = 'held' AND auction_id IS NOT NULL;
CREATE INDEX reservations_of_order ON reservations (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX reservations_held ON reservations (item_id, site_id) WHERE status = 'held';
CREATE INDEX reservations_by_listing ON reservations (listing_id);
CREATE TRIGGER reservations_status_moves BEFORE UPDATE OF status ON reservations FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('reservations_status_moves', 'held>taken', 'held>freed', 'held>handed_over');
CREATE TRIGGER reservations_fixed BEFORE UPDATE ON reservations FOR EACH ROW
    WHEN (ROW (old.listing_id, old.item_id, old.site_id, old.quantity, old.auction_id, old.order_id, old.line_no)
          IS DISTINCT FROM
          ROW (new.listing_id, new.item_id, new.site_id, new.quantity, new.auction_id, new.order_id, new.line_no))
EXECUTE FUNCTION refuse_change('reservations_fixed');

-- Every change of a level: its quantities are the sums of these.
CREATE TABLE stock_movements (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id           uuid NOT NULL,
    site_id           uuid NOT NULL,
    -- The level's version that it made.
    version           bigint NOT NULL,
    kind              text NOT NULL
                      CONSTRAINT stock_movements_kind_known
                      CHECK (kind IN ('adjust', 'import', 'transfer_out', 'transfer_in', 'reserve', 'free', 'take', 'return',
                                      'quarantine', 'release')),
    on_hand_delta     bigint NOT NULL DEFAULT 0,
    reserved_delta    bigint NOT NULL DEFAULT 0,
    quarantined_delta bigint NOT NULL DEFAULT 0,
    reason            text CONSTRAINT stock_movements_reason_length CHECK (length(reason) BETWEEN 1 AND 500),
    -- The reservation or transfer that it belongs to.
    reference         uuid,
    -- NULL: nobody in person.
    actor             uuid REFERENCES users (id),
    at                timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT stock_movements_of_level FOREIGN KEY (item_id, site_id) REFERENCES stock_levels (item_id, site_id),
    CONSTRAINT stock_movements_something CHECK (on_hand_delta <> 0 OR reserved_delta <> 0 OR quarantined_delta <> 0),
    CONSTRAINT stock_movements_once UNIQUE (item_id, site_id, version)
);
CREATE TRIGGER stock_movements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- At commit, no quantity has changed without a movement that says so.
CREATE FUNCTION refuse_unmoved_level() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT
        FROM stock_movements
        WHERE item_id = new.item_id
          AND site_id = new.site_id
          AND version = new.version
          AND on_hand_delta = new.on_hand - CASE tg_op WHEN 'UPDATE' THEN old.on_hand ELSE 0 END
          AND reserved_delta = new.reserved - CASE tg_op WHEN 'UPDATE' THEN old.reserved ELSE 0 END
          AND quarantined_delta = new.quarantined - CASE tg_op WHEN 'UPDATE' THEN old.quarantined ELSE 0 END
    ) THEN
        RAISE EXCEPTION 'a stock level has changed without a movement'
            USING ERRCODE = 'check_violation', TABLE = 'stock_levels', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER stock_levels_start_empty AFTER INSERT ON stock_levels DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.on_hand <> 0 OR new.reserved <> 0 OR new.quarantined <> 0)
EXECUTE FUNCTION refuse_unmoved_level();
CREATE CONSTRAINT TRIGGER stock_levels_moved AFTER UPDATE ON stock_levels DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (ROW (old.on_hand, old.reserved, old.quarantined) IS DISTINCT FROM ROW (new.on_hand, new.reserved, new.quarantined))
EXECUTE FUNCTION refuse_unmoved_level();

-- That a level became low, or recovered.
CREATE TABLE stock_alerts (
    item_id   uuid NOT NULL,
    site_id   uuid NOT NULL,
    crossing  integer NOT NULL,
    direction text NOT NULL CONSTRAINT stock_alerts_direction_known CHECK (direction IN ('down', 'up')),
    on_hand   bigint NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT stock_alerts_once PRIMARY KEY (item_id, site_id, crossing),
    CONSTRAINT stock_alerts_of_level FOREIGN KEY (item_id, site_id) REFERENCES stock_levels (item_id, site_id),
    -- A level starts as not low: odd crossings lead down.
    CONSTRAINT stock_alerts_in_turn CHECK ((direction = 'down') = (crossing % 2 = 1))
);
CREATE TRIGGER stock_alerts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_alerts FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
