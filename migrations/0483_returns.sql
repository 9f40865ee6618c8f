-- Returns: units of an order's lines go back, and so do stock and money, once.

ALTER TABLE orders ADD CONSTRAINT orders_seller UNIQUE (id, seller_org_id);
ALTER TABLE refunds
    DROP CONSTRAINT refunds_cause_known,
    -- return: the seller has the goods again.
    ADD CONSTRAINT refunds_cause_known CHECK (cause IN ('late', 'seller', 'dispute', 'finance', 'return')),
    ADD CONSTRAINT refunds_terms UNIQUE (id, order_id);

CREATE TABLE returns (
    id            uuid PRIMARY KEY,
    order_id      uuid NOT NULL CONSTRAINT returns_of_paid_order REFERENCES escrows (order_id),
    -- The order's, for lists.
    seller_org_id uuid NOT NULL,
    reason        text NOT NULL
                  CONSTRAINT returns_reason_known CHECK (reason IN ('not_needed', 'not_as_described', 'damaged', 'wrong_item', 'other')),
    text          text CONSTRAINT returns_text_length CHECK (length(text) BETWEEN 1 AND 1000),
    -- Received: the goods are back, and there was no money left to give back.
    status        text NOT NULL DEFAULT 'requested'
                  CONSTRAINT returns_status_known
                  CHECK (status IN ('requested', 'approved', 'refused', 'cancelled', 'lapsed', 'in_transit', 'received', 'refunded')),
    requested_by  uuid NOT NULL REFERENCES users (id),
    requested_at  timestamptz NOT NULL,
    -- When it was approved or refused, and by whom; NULL: time has approved it.
    decided_by    uuid REFERENCES users (id),
    decided_at    timestamptz,
    note          text CONSTRAINT returns_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    -- How the goods come back.
    tracking      text CONSTRAINT returns_tracking_length CHECK (length(tracking) BETWEEN 1 AND 200),
    sent_at       timestamptz,
    -- NULL: it counts as received because nobody has said so in time.
    received_by   uuid REFERENCES users (id),
    -- What the lines cost, tax and premium included; a refund is less if less was left.
    share_minor   bigint CONSTRAINT returns_share_not_negative CHECK (share_minor >= 0),
    refund_id     uuid CONSTRAINT returns_one_per_refund UNIQUE,
    -- When time decides; NULL once it has ended.
    due_at        timestamptz,
    ended_at      timestamptz,
    CONSTRAINT returns_of_seller FOREIGN KEY (order_id, seller_org_id) REFERENCES orders (id, seller_org_id),
    CONSTRAINT returns_of_refund FOREIGN KEY (refund_id, order_id) REFERENCES refunds (id, order_id),
    CONSTRAINT returns_decided CHECK (
        CASE status WHEN 'requested' THEN decided_at IS NULL WHEN 'cancelled' THEN true ELSE decided_at IS NOT NULL END
        AND (decided_at IS NOT NULL OR (decided_by IS NULL AND note IS NULL))),
    CONSTRAINT returns_ended CHECK (
        (status IN ('requested', 'approved', 'in_transit')) = (ended_at IS NULL) AND (ended_at IS NULL) = (due_at IS NOT NULL)),
    CONSTRAINT returns_refunded CHECK ((status = 'refunded') = (refund_id IS NOT NULL)),
    CONSTRAINT returns_refused_why CHECK (status <> 'refused' OR (note IS NOT NULL AND decided_by IS NOT NULL)),
    CONSTRAINT returns_sent CHECK ((sent_at IS NULL) = (tracking IS NULL) AND (status <> 'in_transit' OR sent_at IS NOT NULL)),
    CONSTRAINT returns_valued CHECK (
        (status IN ('received', 'refunded')) = (share_minor IS NOT NULL) AND (share_minor IS NOT NULL OR received_by IS NULL)),
    -- What lines refer to.
    CONSTRAINT returns_terms UNIQUE (id, order_id)
) WITH (fillfactor = 80);
CREATE INDEX returns_of_order ON returns (order_id, id);
CREATE INDEX returns_by_seller ON returns (seller_org_id, id);
CREATE INDEX returns_by_status ON returns (seller_org_id, status, id);
CREATE INDEX returns_due ON returns (due_at, id) WHERE due_at IS NOT NULL;
CREATE TRIGGER returns_per_order BEFORE INSERT ON returns FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'order_id', 'orders', 'true', 100, 'returns_per_order', 'an order has at most 100 returns');
CREATE TRIGGER returns_status_moves BEFORE UPDATE OF status ON returns FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('returns_status_moves',
    'requested>approved', 'requested>refused', 'requested>cancelled',
    'approved>in_transit', 'approved>cancelled', 'approved>lapsed', 'approved>received', 'approved>refunded',
    'in_transit>cancelled', 'in_transit>received', 'in_transit>refunded');
CREATE TRIGGER returns_fixed BEFORE UPDATE ON returns FOR EACH ROW
    WHEN (ROW (old.order_id, old.seller_org_id, old.reason, old.text, old.requested_by, old.requested_at)
          IS DISTINCT FROM ROW (new.order_id, new.seller_org_id, new.reason, new.text, new.requested_by, new.requested_at)
          OR old.ended_at IS NOT NULL
          OR (old.decided_at IS NOT NULL
              AND ROW (old.decided_by, old.decided_at, old.note) IS DISTINCT FROM ROW (new.decided_by, new.decided_at, new.note))
          OR (old.sent_at IS NOT NULL AND ROW (old.tracking, old.sent_at) IS DISTINCT FROM ROW (new.tracking, new.sent_at)))
EXECUTE FUNCTION refuse_change('returns_fixed');
CREATE TRIGGER returns_kept BEFORE DELETE OR TRUNCATE ON returns FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('returns_kept');

CREATE TABLE return_lines (
    return_id   uuid NOT NULL,
    order_id    uuid NOT NULL,
    line_no     smallint NOT NULL,
    quantity    bigint NOT NULL CONSTRAINT return_lines_quantity_positive CHECK (quantity > 0),
    -- Where the units went when they were received, and whether a stock book has them.
    disposition text CONSTRAINT return_lines_disposition_known CHECK (disposition IN ('on_hand', 'quarantine')),
    restocked   boolean,
    CONSTRAINT return_lines_once PRIMARY KEY (return_id, line_no),
    CONSTRAINT return_lines_of_return FOREIGN KEY (return_id, order_id) REFERENCES returns (id, order_id),
    CONSTRAINT return_lines_of_line FOREIGN KEY (order_id, line_no) REFERENCES order_lines (order_id, line_no),
    CONSTRAINT return_lines_stocked CHECK ((disposition IS NULL) = (restocked IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX return_lines_by_line ON return_lines (order_id, line_no);
CREATE TRIGGER return_lines_fixed BEFORE UPDATE ON return_lines FOR EACH ROW
    WHEN (ROW (old.return_id, old.order_id, old.line_no, old.quantity)
          IS DISTINCT FROM ROW (new.return_id, new.order_id, new.line_no, new.quantity)
          OR old.disposition IS NOT NULL)
EXECUTE FUNCTION refuse_change('return_lines_fixed');
CREATE TRIGGER return_lines_kept BEFORE DELETE OR TRUNCATE ON return_lines FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('return_lines_kept');

-- Of a line no more goes back than was bought, over all returns that have not come to nothing. What has come to nothing stays so:
-- only a new line can break this, and those of one order come one after the other.
CREATE FUNCTION refuse_more_than_bought() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orders WHERE id = new.order_id FOR NO KEY UPDATE;
    IF (SELECT sum(l.quantity)
        FROM return_lines AS l
        JOIN returns AS r ON r.id = l.return_id
        WHERE l.order_id = new.order_id
          AND l.line_no = new.line_no
          AND r.status NOT IN ('refused', 'cancelled', 'lapsed'))
       > (SELECT quantity FROM order_lines WHERE order_id = new.order_id AND line_no = new.line_no)
    THEN
        RAISE EXCEPTION 'of line % of order % more would go back than was bought', new.line_no, new.order_id
            USING ERRCODE = 'check_violation', TABLE = 'return_lines', CONSTRAINT = 'return_lines_within_bought';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER return_lines_within_bought AFTER INSERT ON return_lines FOR EACH ROW EXECUTE FUNCTION refuse_more_than_bought();

-- Lines come with their return, not later.
CREATE FUNCTION refuse_late_return_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT status FROM returns WHERE id = new.return_id) <> 'requested' THEN
        RAISE EXCEPTION 'return % gets no more lines', new.return_id
            USING ERRCODE = 'check_violation', TABLE = 'return_lines', CONSTRAINT = 'return_lines_at_request';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER return_lines_at_request BEFORE INSERT ON return_lines FOR EACH ROW EXECUTE FUNCTION refuse_late_return_line();

-- At commit, a return has lines, and each says where its units went if and only if they were received.
CREATE FUNCTION refuse_wrong_return() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked returns := (SELECT r FROM returns AS r WHERE r.id = CASE tg_table_name WHEN 'returns' THEN (to_jsonb(new) ->> 'id')::uuid
                                                                ELSE (to_jsonb(new) ->> 'return_id')::uuid END);
BEGIN
    IF NOT EXISTS (SELECT FROM return_lines WHERE return_id = checked.id)
       OR EXISTS (
           SELECT
           FROM return_lines
           WHERE return_id = checked.id
             AND (disposition IS NOT NULL) <> (checked.status IN ('received', 'refunded'))
       )
    THEN
        RAISE EXCEPTION 'the lines of return % are not those of a % one', checked.id, checked.status
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER returns_have_lines AFTER INSERT OR UPDATE OF status ON returns DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_return();
CREATE CONSTRAINT TRIGGER return_lines_received AFTER INSERT OR UPDATE ON return_lines DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_return();

-- At commit, a refund for a return belongs to one, and is at most what its lines cost.
CREATE FUNCTION refuse_refund_without_return() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM returns WHERE refund_id = new.id AND share_minor >= new.amount_minor) THEN
        RAISE EXCEPTION 'refund % is not that of a return', new.id
            USING ERRCODE = 'check_violation', TABLE = 'refunds', CONSTRAINT = 'refunds_of_return';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refunds_of_return AFTER INSERT ON refunds DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.cause = 'return') EXECUTE FUNCTION refuse_refund_without_return();
