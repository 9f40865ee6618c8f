-- Shipments: what leaves a site, on the way to another one or to an address, and what becomes of it.

CREATE TABLE shipments (
    id               uuid PRIMARY KEY,
    -- The shipper.
    org_id           uuid NOT NULL REFERENCES orgs (id),
    -- NULL: the shipper moves its own things, or sends them to somebody who is not here.
    consignee_org_id uuid REFERENCES orgs (id),
    receiver_org_id  uuid NOT NULL GENERATED ALWAYS AS (coalesce(consignee_org_id, org_id)) STORED,
    order_id         uuid,
    from_site        uuid,
    to_site          uuid,
    to_address       text CONSTRAINT shipments_address_length CHECK (length(to_address) BETWEEN 1 AND 500),
    carrier          text CONSTRAINT shipments_carrier_length CHECK (length(carrier) BETWEEN 1 AND 100),
    vehicle_id       uuid,
    -- Whoever knows it can follow the shipment: nobody guesses it.
    tracking         text COLLATE "C" NOT NULL
                     CONSTRAINT shipments_tracking_form CHECK (tracking ~ '^TY[0-9A-HJKMNP-TV-Z]{17}$'),
    status           cargo_status NOT NULL DEFAULT 'pending',
    planned_pickup   timestamptz,
    planned_delivery timestamptz,
    picked_up_at     timestamptz,
    ended_at         timestamptz,
    created_by       uuid NOT NULL REFERENCES users (id),
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Counts every change.
    version          bigint NOT NULL DEFAULT 1,
    CONSTRAINT shipments_tracking_once UNIQUE (tracking),
    CONSTRAINT shipments_of_seller FOREIGN KEY (order_id, org_id) REFERENCES orders (id, seller_org_id),
    CONSTRAINT shipments_own_site FOREIGN KEY (from_site, org_id) REFERENCES sites (id, org_id),
    CONSTRAINT shipments_receivers_site FOREIGN KEY (to_site, receiver_org_id) REFERENCES sites (id, org_id),
    CONSTRAINT shipments_own_vehicle FOREIGN KEY (vehicle_id, org_id) REFERENCES vehicles (id, org_id),
    CONSTRAINT shipments_consignee_differs CHECK (consignee_org_id <> org_id),
    -- What an order's listings had of their own has no site.
    CONSTRAINT shipments_from_somewhere CHECK (from_site IS NOT NULL OR order_id IS NOT NULL),
    -- What a buyer does with the goods is not known; where they go, both may have agreed elsewhere.
    CONSTRAINT shipments_to_somewhere
        CHECK (CASE WHEN order_id IS NULL THEN num_nonnulls(to_site, to_address) = 1 ELSE to_site IS NULL END),
    CONSTRAINT shipments_to_another_site CHECK (from_site <> to_site),
    CONSTRAINT shipments_planned_in_order CHECK (planned_delivery > planned_pickup),
    -- Whoever else wants the vehicle must know until when.
    CONSTRAINT shipments_vehicle_planned CHECK (vehicle_id IS NULL OR num_nulls(planned_pickup, planned_delivery) = 0),
    CONSTRAINT shipments_picked_up CHECK ((status IN ('pending', 'cancelled')) = (picked_up_at IS NULL)),
    CONSTRAINT shipments_ended CHECK ((status IN ('delivered', 'returned', 'cancelled')) = (ended_at IS NOT NULL)),
    -- What lines refer to.
    CONSTRAINT shipments_of_org UNIQUE (id, org_id)
) WITH (fillfactor = 80);
CREATE INDEX shipments_by_org ON shipments (org_id, id);
CREATE INDEX shipments_by_consignee ON shipments (consignee_org_id, id) WHERE consignee_org_id IS NOT NULL;
CREATE INDEX shipments_of_order ON shipments (order_id, id) WHERE order_id IS NOT NULL;
CREATE INDEX shipments_on_vehicle ON shipments (vehicle_id) WHERE vehicle_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX shipments_picked_up_by_time ON shipments (org_id, picked_up_at) WHERE picked_up_at IS NOT NULL;
CREATE INDEX shipments_ended_by_time ON shipments (org_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE TRIGGER shipments_per_order BEFORE INSERT ON shipments FOR EACH ROW WHEN (new.order_id IS NOT NULL)
EXECUTE FUNCTION refuse_past_bound('order_id', 'orders', 'true', 100, 'shipments_per_order', 'an order has at most 100 shipments');
-- Once it has left, it is not pending any more; what has ended stays so.
CREATE TRIGGER shipments_status_moves BEFORE UPDATE OF status ON shipments FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('shipments_status_moves',
    'pending>picked_up', 'pending>cancelled',
    'picked_up>in_transit', 'picked_up>out_for_delivery', 'picked_up>attempt_failed', 'picked_up>exception',
    'picked_up>delivered', 'picked_up>returned',
    'in_transit>picked_up', 'in_transit>out_for_delivery', 'in_transit>attempt_failed', 'in_transit>exception',
    'in_transit>delivered', 'in_transit>returned',
    'out_for_delivery>picked_up', 'out_for_delivery>in_transit', 'out_for_delivery>attempt_failed', 'out_for_delivery>exception',
    'out_for_delivery>delivered', 'out_for_delivery>returned',
    'attempt_failed>picked_up', 'attempt_failed>in_transit', 'attempt_failed>out_for_delivery', 'attempt_failed>exception',
    'attempt_failed>delivered', 'attempt_failed>returned',
    'exception>picked_up', 'exception>in_transit', 'exception>out_for_delivery', 'exception>attempt_failed',
    'exception>delivered', 'exception>returned');
CREATE TRIGGER shipments_fixed BEFORE UPDATE ON shipments FOR EACH ROW
    WHEN (ROW (old.org_id, old.consignee_org_id, old.order_id, old.from_site, old.to_site, old.tracking, old.created_by, old.created_at)
          IS DISTINCT FROM
          ROW (new.org_id, new.consignee_org_id, new.order_id, new.from_site, new.to_site, new.tracking, new.created_by, new.created_at)
          OR old.ended_at IS NOT NULL
          OR (old.picked_up_at IS NOT NULL
              AND ROW (old.to_address, old.carrier, old.vehicle_id, old.planned_pickup, old.planned_delivery, old.picked_up_at)
                  IS DISTINCT FROM
                  ROW (new.to_address, new.carrier, new.vehicle_id, new.planned_pickup, new.planned_delivery, new.picked_up_at)))
EXECUTE FUNCTION refuse_change('shipments_fixed');
CREATE TRIGGER shipments_counted BEFORE UPDATE ON shipments FOR EACH ROW WHEN (new.version <> old.version + 1)
EXECUTE FUNCTION refuse_change('shipments_counted');
CREATE TRIGGER shipments_kept BEFORE DELETE OR TRUNCATE ON shipments FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('shipments_kept');

-- An order's shipments go to its buyer. Neither changes.
CREATE FUNCTION refuse_other_consignee() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.consignee_org_id IS DISTINCT FROM (SELECT buyer_org_id FROM orders WHERE id = new.order_id) THEN
        RAISE EXCEPTION 'shipment % does not go to the buyer of order %', new.id, new.order_id
            USING ERRCODE = 'check_violation', TABLE = 'shipments', CONSTRAINT = 'shipments_to_buyer';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER shipments_to_buyer BEFORE INSERT ON shipments FOR EACH ROW WHEN (new.order_id IS NOT NULL)
EXECUTE FUNCTION refuse_other_consignee();

CREATE TABLE shipment_lines (
    shipment_id        uuid NOT NULL,
    line_no            smallint NOT NULL CONSTRAINT shipment_lines_number_range CHECK (line_no BETWEEN 1 AND 100),
    org_id             uuid NOT NULL,
    item_id            uuid NOT NULL,
    order_id           uuid,
    order_line         smallint,
    quantity           bigint NOT NULL CONSTRAINT shipment_lines_quantity_range CHECK (quantity BETWEEN 1 AND 1000000000),
    -- Of one unit: neither is a quantity.
    weight_g           bigint NOT NULL CONSTRAINT shipment_lines_weight_range CHECK (weight_g BETWEEN 0 AND 1000000000000),
    volume_ml          bigint NOT NULL CONSTRAINT shipment_lines_volume_range CHECK (volume_ml BETWEEN 0 AND 1000000000000),
    -- The shipper's stock book has the units until they leave. What is sold has left it already.
    stocked            boolean NOT NULL,
    -- As whose units they arrive; NULL: nobody counts them there.
    to_item_id         uuid CONSTRAINT shipment_lines_to_item REFERENCES items (id),
    delivered_quantity bigint NOT NULL DEFAULT 0,
    returned_quantity  bigint NOT NULL DEFAULT 0,
    CONSTRAINT shipment_lines_once PRIMARY KEY (shipment_id, line_no),
    CONSTRAINT shipment_lines_of_shipment FOREIGN KEY (shipment_id, org_id) REFERENCES shipments (id, org_id),
    CONSTRAINT shipment_lines_own_item FOREIGN KEY (item_id, org_id) REFERENCES items (id, org_id),
    CONSTRAINT shipment_lines_of_order_line FOREIGN KEY (order_id, order_line) REFERENCES order_lines (order_id, line_no),
    CONSTRAINT shipment_lines_of_order CHECK ((order_id IS NULL) = (order_line IS NULL)),
    CONSTRAINT shipment_lines_stocked CHECK (NOT (stocked AND order_id IS NOT NULL)),
    CONSTRAINT shipment_lines_ended_within
        CHECK (delivered_quantity >= 0 AND returned_quantity >= 0 AND delivered_quantity + returned_quantity <= greatest(quantity, 0)),
    -- So that the sums of a hundred lines can be counted.
    CONSTRAINT shipment_lines_weight_bound CHECK (weight_g::numeric * quantity <= 1000000000000000),
    CONSTRAINT shipment_lines_volume_bound CHECK (volume_ml::numeric * quantity <= 1000000000000000)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX shipment_lines_order_line_once ON shipment_lines (shipment_id, order_line) WHERE order_line IS NOT NULL;
CREATE INDEX shipment_lines_by_order ON shipment_lines (order_id, order_line) WHERE order_id IS NOT NULL;
CREATE INDEX shipment_lines_by_item ON shipment_lines (item_id);
CREATE TRIGGER shipment_lines_fixed BEFORE UPDATE ON shipment_lines FOR EACH ROW
    WHEN (ROW (old.shipment_id, old.line_no, old.org_id, old.item_id, old.order_id, old.order_line, old.stocked, old.to_item_id)
          IS DISTINCT FROM
          ROW (new.shipment_id, new.line_no, new.org_id, new.item_id, new.order_id, new.order_line, new.stocked, new.to_item_id)
          OR new.delivered_quantity < old.delivered_quantity
          OR new.returned_quantity < old.returned_quantity)
EXECUTE FUNCTION refuse_change('shipment_lines_fixed');
CREATE TRIGGER shipment_lines_kept BEFORE DELETE OR TRUNCATE ON shipment_lines FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('shipment_lines_kept');

-- What is in it is settled before it leaves, and of one order.
CREATE FUNCTION refuse_late_shipment_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its shipments := (SELECT s FROM shipments AS s WHERE s.id = new.shipment_id);
BEGIN
    IF its.status <> 'pending' OR its.order_id IS DISTINCT FROM new.order_id THEN
        RAISE EXCEPTION 'shipment % takes no such line', new.shipment_id
            USING ERRCODE = 'check_violation', TABLE = 'shipment_lines', CONSTRAINT = 'shipment_lines_before_pick_up';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER shipment_lines_before_pick_up BEFORE INSERT OR UPDATE OF quantity, weight_g, volume_ml ON shipment_lines
FOR EACH ROW EXECUTE FUNCTION refuse_late_shipment_line();

-- Of a line of an order no more is shipped than was bought; what came back, or was not picked up, is shipped again. Both only grow:
-- nothing but a line that is new, or larger, can break this, and those of one order come one after the other.
CREATE FUNCTION refuse_more_than_ordered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orders WHERE id = new.order_id FOR NO KEY UPDATE;
    IF (SELECT sum(l.quantity - l.returned_quantity)
        FROM shipment_lines AS l
        JOIN shipments AS s ON s.id = l.shipment_id
        WHERE l.order_id = new.order_id
          AND l.order_line = new.order_line
          AND s.status <> 'cancelled')
       > (SELECT quantity FROM order_lines WHERE order_id = new.order_id AND line_no = new.order_line)
    THEN
        RAISE EXCEPTION 'of line % of order % more would be shipped than was bought', new.order_line, new.order_id
            USING ERRCODE = 'check_violation', TABLE = 'shipment_lines', CONSTRAINT = 'shipment_lines_within_order';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shipment_lines_within_order AFTER INSERT OR UPDATE OF quantity ON shipment_lines FOR EACH ROW
    WHEN (new.order_id IS NOT NULL)
EXECUTE FUNCTION refuse_more_than_ordered();

ALTER TABLE stock_movements
    ADD COLUMN shipment_id uuid CONSTRAINT stock_movements_of_shipment REFERENCES shipments (id),
    ADD CONSTRAINT stock_movements_shipment_reference CHECK (shipment_id IS NULL OR shipment_id IS NOT DISTINCT FROM reference);
CREATE INDEX stock_movements_by_shipment ON stock_movements (shipment_id) WHERE shipment_id IS NOT NULL;

-- At commit, what is said of the units of a shipment is what its status says, and the stock books have moved them accordingly:
-- held while it is pending, gone when it has left, there what was delivered, back what was returned; each once.
CREATE FUNCTION refuse_wrong_shipment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its     shipments := (SELECT s
                          FROM shipments AS s
                          WHERE s.id = CASE tg_table_name WHEN 'shipments' THEN (to_jsonb(new) ->> 'id')::uuid
                                                          ELSE (to_jsonb(new) ->> 'shipment_id')::uuid END);
    units     bigint;
    delivered bigint;
    returned  bigint;
BEGIN
    SELECT coalesce(sum(quantity), 0), coalesce(sum(delivered_quantity), 0), coalesce(sum(returned_quantity), 0)
    INTO units, delivered, returned
    FROM shipment_lines
    WHERE shipment_id = its.id;
    IF units = 0
       OR NOT (CASE its.status
              WHEN 'pending' THEN delivered + returned = 0
              WHEN 'cancelled' THEN delivered + returned = 0
              WHEN 'delivered' THEN delivered = units
              WHEN 'returned' THEN delivered + returned = units AND returned > 0
              ELSE delivered < units AND returned = 0 END)
       OR EXISTS (
           SELECT
           FROM (
               SELECT item_id, its.from_site AS site_id,
                      CASE WHEN its.picked_up_at IS NULL THEN 0 ELSE returned_quantity - quantity END AS on_hand,
                      CASE its.status WHEN 'pending' THEN quantity ELSE 0 END AS reserved
               FROM shipment_lines
               WHERE shipment_id = its.id
                 AND stocked
               UNION ALL
               SELECT to_item_id, its.to_site, delivered_quantity, 0
               FROM shipment_lines
               WHERE shipment_id = its.id
                 AND to_item_id IS NOT NULL
               UNION ALL
               SELECT item_id, site_id, -on_hand_delta, -reserved_delta
               FROM stock_movements
               WHERE shipment_id = its.id
           ) AS books
           GROUP BY item_id, site_id
           HAVING sum(on_hand) <> 0 OR sum(reserved) <> 0
       )
    THEN
        RAISE EXCEPTION 'the units of shipment % are not those of a % one', its.id, its.status
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER shipments_agree AFTER INSERT OR UPDATE OF status ON shipments DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_shipment();
CREATE CONSTRAINT TRIGGER shipment_lines_agree AFTER INSERT OR UPDATE ON shipment_lines DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_shipment();
CREATE CONSTRAINT TRIGGER stock_movements_agree AFTER INSERT ON stock_movements DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.shipment_id IS NOT NULL) EXECUTE FUNCTION refuse_wrong_shipment();
