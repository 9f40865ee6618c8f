-- Checkouts: what a buyer pays at once, however many sellers and whichever way of selling made it.

CREATE TABLE checkouts (
    id            uuid PRIMARY KEY,
    buyer_org_id  uuid NOT NULL REFERENCES orgs (id),
    placed_by     uuid NOT NULL REFERENCES users (id),
    currency      text NOT NULL REFERENCES currencies (code),
    -- The sum of what its orders cost the buyer.
    payable_minor bigint NOT NULL
                  CONSTRAINT checkouts_payable_range CHECK (payable_minor BETWEEN 1 AND 4000000000000000),
    status        text NOT NULL DEFAULT 'open'
                  CONSTRAINT checkouts_status_known CHECK (status IN ('open', 'paid', 'expired', 'cancelled')),
    pay_by        timestamptz NOT NULL,
    created_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    -- It follows from an auction, whose award is not taken back for want of a payment alone.
    awarded       boolean NOT NULL DEFAULT false,
    CONSTRAINT checkouts_paid_in_time CHECK (pay_by > created_at),
    CONSTRAINT checkouts_ended CHECK ((status = 'open') = (ended_at IS NULL)),
    -- What orders refer to: same buyer, same currency.
    CONSTRAINT checkouts_terms UNIQUE (id, buyer_org_id, currency)
) WITH (fillfactor = 80);
CREATE INDEX checkouts_of_buyer ON checkouts (buyer_org_id, id);
CREATE INDEX checkouts_due ON checkouts (pay_by) WHERE status = 'open' AND NOT awarded;
CREATE TRIGGER checkouts_status_moves BEFORE UPDATE OF status ON checkouts FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('checkouts_status_moves', 'open>paid', 'open>expired', 'open>cancelled');
CREATE TRIGGER checkouts_terms_fixed BEFORE UPDATE ON checkouts FOR EACH ROW
    WHEN (ROW (old.buyer_org_id, old.placed_by, old.currency, old.payable_minor, old.pay_by, old.created_at, old.awarded)
          IS DISTINCT FROM
          ROW (new.buyer_org_id, new.placed_by, new.currency, new.payable_minor, new.pay_by, new.created_at, new.awarded))
EXECUTE FUNCTION refuse_change('checkouts_terms_fixed');

ALTER TABLE orders
    ADD COLUMN checkout_id    uuid,
    ADD COLUMN premium_minor  bigint NOT NULL DEFAULT 0,
    ADD COLUMN tax_minor      bigint NOT NULL DEFAULT 0,
    -- What the buyer pays for this order.
    ADD COLUMN payable_minor  bigint GENERATED ALWAYS AS (total_minor + premium_minor + tax_minor) STORED,
    -- How it is taxed, and by which rates amounts in other currencies were shown; both as they were when it was made.
    ADD COLUMN vat_treatment  text NOT NULL DEFAULT 'outside'
        CONSTRAINT orders_vat_treatment_known CHECK (vat_treatment IN ('sellers_rate', 'reverse_charge', 'export', 'outside')),
    ADD COLUMN fx_snapshot_id bigint CONSTRAINT orders_of_known_rates REFERENCES fx_snapshots (id),
    -- Counts the row's changes.
    ADD COLUMN version        bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT orders_of_checkout FOREIGN KEY (checkout_id, buyer_org_id, currency)
        REFERENCES checkouts (id, buyer_org_id, currency),
    ADD CONSTRAINT orders_premium_not_negative CHECK (premium_minor >= 0),
    ADD CONSTRAINT orders_tax_not_negative CHECK (tax_minor >= 0),
    ADD CONSTRAINT orders_tax_by_treatment CHECK (tax_minor = 0 OR vat_treatment = 'sellers_rate'),
    -- NULL: its lines have several rates.
    ALTER COLUMN fee_bps DROP NOT NULL;
-- The platform's rate of each line, frozen; NULL: that of the order.
ALTER TABLE order_lines
    ADD COLUMN fee_bps integer CONSTRAINT order_lines_fee_rate CHECK (fee_bps BETWEEN 0 AND 10000);

-- What is there already is paid in the same way: a checkout each.
INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, status, pay_by, created_at, ended_at, awarded)
SELECT id, buyer_org_id, placed_by, currency, total_minor,
       CASE WHEN status = 'pending_payment' THEN 'open' WHEN status IN ('expired', 'cancelled') THEN status ELSE 'paid' END,
       greatest(pay_by, created_at + interval '1 microsecond'), created_at,
       CASE WHEN status <> 'pending_payment' THEN created_at END, award_id IS NOT NULL
FROM orders;
UPDATE orders SET checkout_id = id;
ALTER TABLE orders ALTER COLUMN checkout_id SET NOT NULL;
CREATE UNIQUE INDEX orders_one_per_seller ON orders (checkout_id, seller_org_id);

DROP TRIGGER orders_terms_fixed ON orders;
CREATE TRIGGER orders_terms_fixed BEFORE UPDATE ON orders FOR EACH ROW
    WHEN (ROW (old.source, old.award_id, old.checkout_id, old.buyer_org_id, old.seller_org_id, old.currency, old.total_minor,
               old.premium_minor, old.tax_minor, old.vat_treatment, old.fx_snapshot_id, old.fee_bps, old.fee_minor,
               old.net_minor, old.created_at)
          IS DISTINCT FROM
          ROW (new.source, new.award_id, new.checkout_id, new.buyer_org_id, new.seller_org_id, new.currency, new.total_minor,
               new.premium_minor, new.tax_minor, new.vat_treatment, new.fx_snapshot_id, new.fee_bps, new.fee_minor,
               new.net_minor, new.created_at))
EXECUTE FUNCTION refuse_order_change();

CREATE TABLE order_taxes (
    order_id  uuid NOT NULL CONSTRAINT order_taxes_of_order REFERENCES orders (id),
    rate_bps  integer NOT NULL CONSTRAINT order_taxes_rate_range CHECK (rate_bps BETWEEN 0 AND 10000),
    -- What the rate applies to, goods and premium together.
    net_minor bigint NOT NULL CONSTRAINT order_taxes_net_positive CHECK (net_minor > 0),
    -- Of it, what is for the goods and is the seller's to pay on; and what is for the premium and is the platform's.
    goods_minor   bigint NOT NULL CONSTRAINT order_taxes_goods_not_negative CHECK (goods_minor >= 0),
    premium_minor bigint NOT NULL CONSTRAINT order_taxes_premium_not_negative CHECK (premium_minor >= 0),
    CONSTRAINT order_taxes_once PRIMARY KEY (order_id, rate_bps),
    -- Rounded once per rate, half up.
    CONSTRAINT order_taxes_of_net
        CHECK (goods_minor + premium_minor = div(net_minor::numeric * rate_bps + 5000, 10000))
);
CREATE TRIGGER order_taxes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_taxes FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- At commit, taxes add up to the order's, and orders to their checkout's.
CREATE FUNCTION refuse_wrong_checkout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.payable_minor <> (SELECT coalesce(sum(payable_minor), 0) FROM orders WHERE checkout_id = new.id) THEN
        RAISE EXCEPTION 'the orders of checkout % do not add up to it', new.id
            USING ERRCODE = 'check_violation', TABLE = 'checkouts', CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER checkouts_of_orders AFTER INSERT ON checkouts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION refuse_wrong_checkout();
CREATE FUNCTION refuse_late_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.tax_minor <> (SELECT coalesce(sum(goods_minor + premium_minor), 0) FROM order_taxes WHERE order_id = new.id) THEN
        RAISE EXCEPTION 'the taxes of order % do not add up', new.id
            USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = 'orders_tax_of_rates';
    END IF;
    -- Rounded once, half up.
    IF new.fee_minor <> (SELECT div(sum(amount_minor::numeric * coalesce(fee_bps, new.fee_bps)) + 5000, 10000)
                         FROM order_lines
                         WHERE order_id = new.id)
    THEN
        RAISE EXCEPTION 'the fee of order % is not that of its lines', new.id
            USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = 'orders_fee_of_lines';
    END IF;
    IF (SELECT payable_minor FROM checkouts WHERE id = new.checkout_id)
       <> (SELECT sum(payable_minor) FROM orders WHERE checkout_id = new.checkout_id)
    THEN
        RAISE EXCEPTION 'the orders of checkout % do not add up to it', new.checkout_id
            USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = 'orders_within_checkout';
    END IF;
    IF (SELECT awarded FROM checkouts WHERE id = new.checkout_id) <> (new.award_id IS NOT NULL) THEN
        RAISE EXCEPTION 'order % and its checkout disagree whether it follows from an auction', new.id
            USING ERRCODE = 'check_violation', TABLE = 'orders', CONSTRAINT = 'orders_awarded_as_checkout';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orders_within_checkout AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION refuse_late_order();

-- Which way an order goes. Delivery never alters the payment.
CREATE TRIGGER orders_status_moves BEFORE UPDATE OF status ON orders FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('orders_status_moves',
    'pending_payment>paid', 'pending_payment>expired', 'pending_payment>cancelled',
    'paid>in_fulfilment', 'paid>cancelled', 'paid>disputed', 'paid>refunded',
    'in_fulfilment>delivered', 'in_fulfilment>disputed', 'in_fulfilment>refunded',
    'delivered>accepted', 'delivered>disputed', 'delivered>refunded',
    'accepted>completed', 'accepted>refunded', 'completed>refunded',
    'disputed>paid', 'disputed>in_fulfilment', 'disputed>delivered', 'disputed>accepted', 'disputed>refunded');
CREATE FUNCTION count_order_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.version := old.version + 1;
    RETURN new;
END $$;
CREATE TRIGGER orders_version BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION count_order_version();

-- What people buy at once is bought by the rule that bids and purchases of lots have.
CREATE OR REPLACE FUNCTION refuse_sellers_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
BEGIN
    IF tg_table_name = 'awards' THEN
        person := new.awarded_to;
    ELSE
        person := new.placed_by;
    END IF;
    PERFORM FROM users WHERE id = person FOR KEY SHARE;
    IF EXISTS (SELECT FROM memberships WHERE org_id = new.seller_org_id AND user_id = person) THEN
        RAISE EXCEPTION 'people of the selling organisation do not buy its lots'
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER orders_not_by_sellers_people BEFORE INSERT ON orders FOR EACH ROW WHEN (new.source = 'checkout')
EXECUTE FUNCTION refuse_sellers_people();

-- Every status that an order has had.
CREATE TABLE order_events (
    order_id uuid NOT NULL CONSTRAINT order_events_of_order REFERENCES orders (id),
    version  bigint NOT NULL,
    status   text NOT NULL,
    -- NULL: a job.
    actor    uuid REFERENCES users (id),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT order_events_once PRIMARY KEY (order_id, version)
);
CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- What people put aside before they buy. Nothing is reserved.
CREATE TABLE basket_lines (
    org_id     uuid NOT NULL REFERENCES orgs (id),
    user_id    uuid NOT NULL REFERENCES users (id),
    listing_id uuid NOT NULL CONSTRAINT basket_lines_listing_exists REFERENCES listings (id),
    quantity   bigint NOT NULL CONSTRAINT basket_lines_quantity_range CHECK (quantity BETWEEN 1 AND 1000000000),
    added_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT basket_lines_once PRIMARY KEY (org_id, user_id, listing_id)
);
CREATE TRIGGER basket_lines_bound BEFORE INSERT ON basket_lines FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'user_id', 'users', 'true', 100, 'basket_lines_bound', 'a person keeps at most 100 lines in baskets');
