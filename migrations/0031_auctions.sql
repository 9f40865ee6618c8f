-- Auctions, bids, awards. Bids are never changed: what becomes of them stands in the auction, in retractions and in awards.

CREATE FUNCTION increments_usable(below bigint[], steps bigint[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT cardinality(steps) = cardinality(below) + 1
       AND steps[1] > 0
       AND coalesce(below[1] > 0, true)
       AND NOT EXISTS (SELECT FROM generate_subscripts(below, 1) AS i WHERE below[i] >= below[i + 1])
       AND NOT EXISTS (SELECT FROM generate_subscripts(steps, 1) AS i WHERE steps[i] > steps[i + 1])
$$;

-- Never changed, so that a running auction keeps its increments: another table is a higher revision.
CREATE TABLE increment_tables (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL: for every category that has none of its own.
    category_id uuid REFERENCES categories (id),
    currency    text NOT NULL REFERENCES currencies (code),
    revision    integer NOT NULL CHECK (revision > 0),
    -- While the price is below below[i], the increment is steps[i]; from the last limit on the last step.
    below       bigint[] NOT NULL,
    steps       bigint[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT increment_tables_revision UNIQUE NULLS NOT DISTINCT (category_id, currency, revision),
    CONSTRAINT increment_tables_usable CHECK (increments_usable(below, steps))
);
CREATE TRIGGER increment_tables_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON increment_tables FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

CREATE TABLE auctions (
    id                 uuid PRIMARY KEY,
    listing_id         uuid NOT NULL,
    seller_org_id      uuid NOT NULL,
    currency           text NOT NULL,
    status             text NOT NULL
                       CHECK (status IN ('scheduled', 'live', 'awarded', 'unsold', 'cancelled', 'defaulted')),
    -- A whole lot goes to one bidder and has a leader; a divisible one is shared out, each paying the own bid per unit.
    lot_mode           text NOT NULL CHECK (lot_mode IN ('whole', 'divisible')),
    quantity           bigint NOT NULL,
    min_order          bigint NOT NULL,
    starts_at          timestamptz NOT NULL,
    -- The end as it stands; every path uses this one.
    ends_at            timestamptz NOT NULL,
    original_ends_at   timestamptz NOT NULL,
    hard_ends_at       timestamptz NOT NULL,
    -- An accepted bid leaves this much time to answer it; 0 turns the soft close off.
    soft_close_seconds integer NOT NULL
                       CONSTRAINT auctions_soft_close_range CHECK (soft_close_seconds BETWEEN 0 AND 86400),
    opening_minor      bigint NOT NULL,
    -- Secret: leaves the database only for the rules.
    reserve_minor      bigint,
    buy_now_minor      bigint,
    increment_table_id bigint NOT NULL REFERENCES increment_tables (id),
    brokers_excluded   boolean NOT NULL DEFAULT false,
    -- The price now (per unit when divisible: the price to beat); the opening price before the first bid.
    price_minor        bigint NOT NULL,
    -- What the next bidder (other than the leader) must offer at least.
    next_minimum_minor bigint NOT NULL,
    leader_bid_id      uuid,
    leader_org_id      uuid,
    leader_seq         bigint,
    -- Secret, like reserve_minor.
    leader_max_minor   bigint,
    -- Number of the latest bid, seen or not.
    bid_seq            bigint NOT NULL DEFAULT 0,
    -- Bids that everybody sees: without a leader's own raises, without retracted ones.
    bid_count          bigint NOT NULL DEFAULT 0 CONSTRAINT auctions_bid_count_range CHECK (bid_count BETWEEN 0 AND bid_seq),
    -- Counts the changes that everybody sees.
    version            bigint NOT NULL DEFAULT 1,
    created_by         uuid NOT NULL REFERENCES users (id),
    created_at         timestamptz NOT NULL DEFAULT now(),
    closed_at          timestamptz,

    CONSTRAINT auctions_of_listing FOREIGN KEY (listing_id, seller_org_id, currency)
        REFERENCES listings (id, seller_org_id, currency),
    CONSTRAINT auctions_times_in_order
        CHECK (starts_at < original_ends_at AND original_ends_at <= ends_at AND ends_at <= hard_ends_at),
    CONSTRAINT auctions_length CHECK (hard_ends_at <= starts_at + interval '366 days'),
    CONSTRAINT auctions_quantity_range CHECK (min_order BETWEEN 1 AND quantity AND quantity <= 1000000000),
    CONSTRAINT auctions_opening_positive CHECK (opening_minor BETWEEN 1 AND 1000000000000000),
    CONSTRAINT auctions_reserve_above_opening CHECK (reserve_minor > opening_minor AND reserve_minor <= 1000000000000000),
    CONSTRAINT auctions_buy_now_above_opening CHECK (buy_now_minor > opening_minor AND buy_now_minor <= 1000000000000000),
    CONSTRAINT auctions_buy_now_reaches_reserve CHECK (buy_now_minor >= reserve_minor),
    CONSTRAINT auctions_divisible_is_plain
        CHECK (lot_mode = 'whole' OR (reserve_minor IS NULL AND buy_now_minor IS NULL AND leader_bid_id IS NULL)),
    CONSTRAINT auctions_price_from_opening CHECK (price_minor >= opening_minor),
    CONSTRAINT auctions_next_above_price
        CHECK (next_minimum_minor >= price_minor AND (leader_bid_id IS NULL OR next_minimum_minor > price_minor)),
    CONSTRAINT auctions_leader_complete
        CHECK (num_nulls(leader_bid_id, leader_org_id, leader_seq, leader_max_minor) IN (0, 4)),
    CONSTRAINT auctions_price_within_maximum CHECK (price_minor <= leader_max_minor),
    CONSTRAINT auctions_reserve_lifts_price CHECK (leader_max_minor < reserve_minor OR price_minor >= reserve_minor),
    CONSTRAINT auctions_leader_is_not_seller CHECK (leader_org_id <> seller_org_id),
    CONSTRAINT auctions_closed_has_time CHECK ((status IN ('scheduled', 'live')) = (closed_at IS NULL)),
    -- What bids and awards refer to.
    CONSTRAINT auctions_terms UNIQUE (id, seller_org_id, currency, lot_mode)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX auctions_one_open_per_listing ON auctions (listing_id) WHERE status IN ('scheduled', 'live');
CREATE INDEX auctions_of_listing ON auctions (listing_id);
CREATE INDEX auctions_ending ON auctions (ends_at, id) WHERE status IN ('scheduled', 'live');
CREATE INDEX auctions_starting ON auctions (starts_at, id) WHERE status = 'scheduled';

CREATE TABLE bids (
    id            uuid PRIMARY KEY,
    auction_id    uuid NOT NULL,
    seller_org_id uuid NOT NULL,
    currency      text NOT NULL,
    lot_mode      text NOT NULL,
    org_id        uuid NOT NULL REFERENCES orgs (id),
    placed_by     uuid NOT NULL REFERENCES users (id),
    seq           bigint NOT NULL CHECK (seq > 0),
    -- A raise is a leader's higher maximum; nobody else hears of it.
    kind          text NOT NULL CHECK (kind IN ('bid', 'raise')),
    amount_minor  bigint NOT NULL CONSTRAINT bids_amount_positive CHECK (amount_minor > 0),
    -- Secret.
    maximum_minor bigint NOT NULL CONSTRAINT bids_maximum_range CHECK (maximum_minor BETWEEN amount_minor AND 1000000000000000),
    quantity      bigint NOT NULL CONSTRAINT bids_quantity_positive CHECK (quantity > 0),
    placed_at     timestamptz NOT NULL,
    CONSTRAINT bids_seq_unique UNIQUE (auction_id, seq),
    CONSTRAINT bids_of_auction FOREIGN KEY (auction_id, seller_org_id, currency, lot_mode)
        REFERENCES auctions (id, seller_org_id, currency, lot_mode),
    CONSTRAINT bids_not_by_seller CHECK (org_id <> seller_org_id),
    -- What the auction's leader, retractions and awards refer to.
    CONSTRAINT bids_owner UNIQUE (id, auction_id, org_id)
);
CREATE INDEX bids_of_org ON bids (org_id, placed_at DESC);
CREATE TRIGGER bids_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bids FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

ALTER TABLE auctions ADD CONSTRAINT auctions_leader_is_a_bid FOREIGN KEY (leader_bid_id, id, leader_org_id)
    REFERENCES bids (id, auction_id, org_id);

CREATE TABLE bid_retractions (
    bid_id       uuid PRIMARY KEY,
    auction_id   uuid NOT NULL,
    org_id       uuid NOT NULL,
    retracted_by uuid NOT NULL REFERENCES users (id),
    retracted_at timestamptz NOT NULL,
    CONSTRAINT bid_retractions_of_bid FOREIGN KEY (bid_id, auction_id, org_id) REFERENCES bids (id, auction_id, org_id)
);
CREATE INDEX bid_retractions_of_auction ON bid_retractions (auction_id);
CREATE TRIGGER bid_retractions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bid_retractions FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- Bids and retractions lie between start and end. The store judges by the locked row; this refuses whatever else writes.
CREATE FUNCTION refuse_untimely() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz;
    starts timestamptz;
    ends timestamptz;
    state text;
BEGIN
    IF tg_table_name = 'bids' THEN
        at := new.placed_at;
    ELSE
        at := new.retracted_at;
    END IF;
    SELECT starts_at, ends_at, status INTO starts, ends, state FROM auctions WHERE id = new.auction_id;
    IF state NOT IN ('scheduled', 'live') OR at < starts OR at >= ends THEN
        RAISE EXCEPTION 'the auction takes no % at this time', tg_table_name
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_table_name || '_in_time';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER bids_in_time BEFORE INSERT ON bids FOR EACH ROW EXECUTE FUNCTION refuse_untimely();
CREATE TRIGGER bid_retractions_in_time BEFORE INSERT ON bid_retractions FOR EACH ROW EXECUTE FUNCTION refuse_untimely();

CREATE TABLE awards (
    id            uuid PRIMARY KEY,
    auction_id    uuid NOT NULL,
    seller_org_id uuid NOT NULL,
    currency      text NOT NULL,
    lot_mode      text NOT NULL,
    org_id        uuid NOT NULL REFERENCES orgs (id),
    awarded_to    uuid NOT NULL REFERENCES users (id),
    source        text NOT NULL CHECK (source IN ('bid', 'buy_now', 'second_chance')),
    bid_id        uuid,
    quantity      bigint NOT NULL CONSTRAINT awards_quantity_positive CHECK (quantity > 0),
    -- For the whole quantity of this award.
    amount_minor  bigint NOT NULL CONSTRAINT awards_amount_positive CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    status        text NOT NULL DEFAULT 'standing' CHECK (status IN ('standing', 'defaulted')),
    awarded_at    timestamptz NOT NULL,
    CONSTRAINT awards_of_auction FOREIGN KEY (auction_id, seller_org_id, currency, lot_mode)
        REFERENCES auctions (id, seller_org_id, currency, lot_mode),
    CONSTRAINT awards_of_bid FOREIGN KEY (bid_id, auction_id, org_id) REFERENCES bids (id, auction_id, org_id),
    CONSTRAINT awards_bid_unless_bought CHECK ((source = 'buy_now') = (bid_id IS NULL)),
    CONSTRAINT awards_not_to_seller CHECK (org_id <> seller_org_id),
    -- What orders refer to.
    CONSTRAINT awards_terms UNIQUE (id, org_id, seller_org_id, currency, amount_minor)
);
CREATE UNIQUE INDEX awards_one_per_whole_lot ON awards (auction_id) WHERE lot_mode = 'whole' AND status = 'standing';
CREATE UNIQUE INDEX awards_one_per_bid ON awards (bid_id) WHERE status = 'standing';
CREATE INDEX awards_of_auction ON awards (auction_id);
CREATE INDEX awards_of_org ON awards (org_id, awarded_at DESC);

-- Awards together never exceed the lot, and a bid that was taken back wins nothing.
CREATE FUNCTION refuse_excess_award() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lot bigint;
BEGIN
    SELECT quantity INTO lot FROM auctions WHERE id = new.auction_id FOR NO KEY UPDATE;
    IF lot < (SELECT sum(quantity) FROM awards WHERE auction_id = new.auction_id AND status = 'standing') THEN
        RAISE EXCEPTION 'the awards exceed the lot'
            USING ERRCODE = 'check_violation', TABLE = 'awards', CONSTRAINT = 'awards_within_lot';
    END IF;
    IF EXISTS (SELECT FROM bid_retractions WHERE bid_id = new.bid_id) THEN
        RAISE EXCEPTION 'a retracted bid wins nothing'
            USING ERRCODE = 'check_violation', TABLE = 'awards', CONSTRAINT = 'awards_not_to_retracted';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER awards_within_lot AFTER INSERT OR UPDATE ON awards FOR EACH ROW EXECUTE FUNCTION refuse_excess_award();

CREATE FUNCTION refuse_auction_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.status, new.status) NOT IN (
        ('scheduled', 'live'), ('scheduled', 'awarded'), ('scheduled', 'unsold'), ('scheduled', 'cancelled'),
        ('live', 'awarded'), ('live', 'unsold'), ('live', 'cancelled'),
        ('awarded', 'defaulted'), ('defaulted', 'awarded')
    ) THEN
        RAISE EXCEPTION 'a % auction cannot become %', old.status, new.status
            USING ERRCODE = 'check_violation', TABLE = 'auctions', CONSTRAINT = 'auctions_status_moves';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER auctions_status_moves BEFORE UPDATE OF status ON auctions FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_auction_move();

CREATE FUNCTION refuse_auction_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this change to an auction is not allowed: %', tg_name
        USING ERRCODE = 'check_violation', TABLE = 'auctions', CONSTRAINT = tg_name;
END $$;
-- The promise to bidders.
CREATE TRIGGER auctions_terms_fixed BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (ROW (old.listing_id, old.seller_org_id, old.currency, old.lot_mode, old.quantity, old.min_order, old.starts_at,
               old.original_ends_at, old.hard_ends_at, old.soft_close_seconds, old.opening_minor, old.reserve_minor,
               old.buy_now_minor, old.increment_table_id, old.brokers_excluded)
          IS DISTINCT FROM
          ROW (new.listing_id, new.seller_org_id, new.currency, new.lot_mode, new.quantity, new.min_order, new.starts_at,
               new.original_ends_at, new.hard_ends_at, new.soft_close_seconds, new.opening_minor, new.reserve_minor,
               new.buy_now_minor, new.increment_table_id, new.brokers_excluded))
EXECUTE FUNCTION refuse_auction_change();
CREATE TRIGGER auctions_no_going_back BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (new.ends_at < old.ends_at OR new.bid_seq < old.bid_seq OR new.version < old.version)
EXECUTE FUNCTION refuse_auction_change();
CREATE TRIGGER auctions_closed_is_final BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (old.closed_at IS NOT NULL
          AND ROW (old.price_minor, old.leader_bid_id, old.leader_max_minor, old.ends_at, old.bid_seq, old.closed_at)
              IS DISTINCT FROM
              ROW (new.price_minor, new.leader_bid_id, new.leader_max_minor, new.ends_at, new.bid_seq, new.closed_at))
EXECUTE FUNCTION refuse_auction_change();
