-- Orders: what every way to sell makes. Amounts never change after the order is made; only its status does.

CREATE TABLE orders (
    id            uuid PRIMARY KEY,
    source        text NOT NULL CHECK (source IN ('checkout', 'buy_now', 'auction', 'offer', 'trade')),
    award_id      uuid CONSTRAINT orders_one_per_award UNIQUE,
    buyer_org_id  uuid NOT NULL REFERENCES orgs (id),
    seller_org_id uuid NOT NULL REFERENCES orgs (id),
    placed_by     uuid NOT NULL REFERENCES users (id),
    currency      text NOT NULL REFERENCES currencies (code),
    -- What the buyer pays: the sum of the lines.
    total_minor   bigint NOT NULL CONSTRAINT orders_total_positive CHECK (total_minor BETWEEN 1 AND 1000000000000000),
    -- The platform's rate in basis points as it was when the order was made.
    fee_bps       integer NOT NULL CONSTRAINT orders_fee_rate CHECK (fee_bps BETWEEN 0 AND 10000),
    fee_minor     bigint NOT NULL,
    -- What the seller gets.
    net_minor     bigint NOT NULL,
    status        text NOT NULL DEFAULT 'pending_payment'
                  CHECK (status IN ('pending_payment', 'paid', 'in_fulfilment', 'delivered', 'accepted', 'completed',
                                    'expired', 'cancelled', 'disputed', 'refunded')),
    pay_by        timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_parties_differ CHECK (buyer_org_id <> seller_org_id),
    CONSTRAINT orders_award_by_source CHECK ((source IN ('buy_now', 'auction')) = (award_id IS NOT NULL)),
    CONSTRAINT orders_as_awarded FOREIGN KEY (award_id, buyer_org_id, seller_org_id, currency, total_minor)
        REFERENCES awards (id, org_id, seller_org_id, currency, amount_minor),
    -- Rounded once, half up.
    CONSTRAINT orders_fee_of_total CHECK (fee_minor = div(total_minor::numeric * fee_bps + 5000, 10000)),
    CONSTRAINT orders_net_of_fee CHECK (net_minor = total_minor - fee_minor)
);
CREATE INDEX orders_of_buyer ON orders (buyer_org_id, id);
CREATE INDEX orders_of_seller ON orders (seller_org_id, id);
CREATE INDEX orders_unpaid ON orders (pay_by) WHERE status = 'pending_payment';

CREATE TABLE order_lines (
    order_id         uuid NOT NULL REFERENCES orders (id),
    line_no          smallint NOT NULL CHECK (line_no > 0),
    listing_id       uuid NOT NULL REFERENCES listings (id),
    item_id          uuid NOT NULL REFERENCES items (id),
    title            text NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity > 0),
    unit             text NOT NULL,
    -- NULL when the price was for the quantity as a whole.
    unit_price_minor bigint,
    amount_minor     bigint NOT NULL CONSTRAINT order_lines_amount_positive CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    PRIMARY KEY (order_id, line_no),
    CONSTRAINT order_lines_amount_of_units CHECK (unit_price_minor::numeric * quantity = amount_minor)
);
CREATE INDEX order_lines_of_listing ON order_lines (listing_id);
CREATE TRIGGER order_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_lines FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- At commit, the lines of an order add up to its total.
CREATE FUNCTION refuse_wrong_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
BEGIN
    IF tg_table_name = 'orders' THEN
        checked := new.id;
    ELSE
        checked := new.order_id;
    END IF;
    IF (SELECT total_minor FROM orders WHERE id = checked)
       <> (SELECT coalesce(sum(amount_minor), 0) FROM order_lines WHERE order_id = checked)
    THEN
        RAISE EXCEPTION 'the lines of order % do not add up to its total', checked
            USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_total_of_lines AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION refuse_wrong_total();
CREATE CONSTRAINT TRIGGER order_lines_within_total AFTER INSERT ON order_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION refuse_wrong_total();

CREATE FUNCTION refuse_order_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'parties and amounts of an order are fixed'
        USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = 'orders_terms_fixed';
END $$;
CREATE TRIGGER orders_terms_fixed BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (ROW (old.source, old.award_id, old.buyer_org_id, old.seller_org_id, old.currency, old.total_minor, old.fee_bps,
               old.fee_minor, old.net_minor, old.created_at)
          IS DISTINCT FROM
          ROW (new.source, new.award_id, new.buyer_org_id, new.seller_org_id, new.currency, new.total_minor, new.fee_bps,
               new.fee_minor, new.net_minor, new.created_at))
EXECUTE FUNCTION refuse_order_change();
