-- Payments and escrow: what a buyer pays is held for each seller until the goods are accepted, and given back where they are not.

ALTER TABLE checkouts ADD CONSTRAINT checkouts_amount UNIQUE (id, payable_minor, currency);

-- One attempt to pay a checkout. Its id is the key under which the provider is asked.
CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    checkout_id  uuid NOT NULL,
    attempt      smallint NOT NULL CONSTRAINT payments_attempt_range CHECK (attempt BETWEEN 1 AND 100),
    provider     text NOT NULL CONSTRAINT payments_provider_known CHECK (provider IN ('stripe', 'adyen', 'simulator')),
    -- The provider's name for the buyer's way to pay.
    method       text NOT NULL CONSTRAINT payments_method_length CHECK (length(method) BETWEEN 1 AND 200),
    -- The provider's name for the payment; NULL until it has answered.
    provider_ref text CONSTRAINT payments_ref_length CHECK (length(provider_ref) BETWEEN 1 AND 200),
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    status       text NOT NULL DEFAULT 'created'
                 CONSTRAINT payments_status_known CHECK (status IN ('created', 'funding', 'held', 'failed', 'cancelled')),
    -- A code of the provider.
    failure      text CONSTRAINT payments_failure_length CHECK (length(failure) BETWEEN 1 AND 200),
    created_by   uuid NOT NULL REFERENCES users (id),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    -- It pays all of its checkout.
    CONSTRAINT payments_of_checkout FOREIGN KEY (checkout_id, amount_minor, currency)
        REFERENCES checkouts (id, payable_minor, currency),
    CONSTRAINT payments_attempt_once UNIQUE (checkout_id, attempt),
    CONSTRAINT payments_ref_once UNIQUE (provider, provider_ref),
    CONSTRAINT payments_held_ref CHECK (status <> 'held' OR provider_ref IS NOT NULL),
    CONSTRAINT payments_failed_why CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT payments_ended CHECK ((status IN ('created', 'funding')) = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payments_one_live ON payments (checkout_id) WHERE status IN ('created', 'funding', 'held');
CREATE INDEX payments_unsettled ON payments (created_at, id) WHERE status IN ('created', 'funding');
CREATE TRIGGER payments_status_moves BEFORE UPDATE OF status ON payments FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('payments_status_moves',
    'created>funding', 'created>cancelled', 'funding>held', 'funding>failed', 'funding>cancelled');
CREATE TRIGGER payments_terms_fixed BEFORE UPDATE ON payments FOR EACH ROW
    WHEN (ROW (old.checkout_id, old.attempt, old.provider, old.method, old.amount_minor, old.currency, old.created_by, old.created_at)
          IS DISTINCT FROM
          ROW (new.checkout_id, new.attempt, new.provider, new.method, new.amount_minor, new.currency, new.created_by, new.created_at)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref))
EXECUTE FUNCTION refuse_change('payments_terms_fixed');

-- What is held of a payment for one order.
CREATE TABLE escrows (
    order_id       uuid CONSTRAINT escrows_once PRIMARY KEY CONSTRAINT escrows_of_order REFERENCES orders (id),
    payment_id     uuid NOT NULL CONSTRAINT escrows_of_payment REFERENCES payments (id),
    amount_minor   bigint NOT NULL CONSTRAINT escrows_amount_positive CHECK (amount_minor > 0),
    released_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    status         text NOT NULL DEFAULT 'held'
                   CONSTRAINT escrows_status_known CHECK (status IN ('held', 'frozen', 'released', 'refunded', 'partly')),
    -- Until when the buyer may find fault with what was delivered; NULL before that.
    inspect_until  timestamptz,
    -- What is held or frozen may have been refunded in part; partly: a part released and the rest refunded.
    CONSTRAINT escrows_amounts CHECK (
        released_minor >= 0 AND refunded_minor >= 0
        AND CASE status
            WHEN 'held' THEN released_minor = 0 AND refunded_minor < amount_minor
            WHEN 'frozen' THEN released_minor = 0 AND refunded_minor < amount_minor
            WHEN 'released' THEN released_minor = amount_minor AND refunded_minor = 0
            WHEN 'refunded' THEN released_minor = 0 AND refunded_minor = amount_minor
            ELSE released_minor > 0 AND refunded_minor > 0 AND released_minor + refunded_minor = amount_minor END)
) WITH (fillfactor = 80);
CREATE INDEX escrows_of_payment ON escrows (payment_id);
CREATE INDEX escrows_due ON escrows (inspect_until, order_id) WHERE status = 'held' AND inspect_until IS NOT NULL;
CREATE TRIGGER escrows_status_moves BEFORE UPDATE OF status ON escrows FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('escrows_status_moves',
    'held>frozen', 'held>released', 'held>refunded', 'held>partly',
    'frozen>held', 'frozen>released', 'frozen>refunded', 'frozen>partly');
CREATE TRIGGER escrows_terms_fixed BEFORE UPDATE ON escrows FOR EACH ROW
    WHEN (ROW (old.order_id, old.payment_id, old.amount_minor) IS DISTINCT FROM ROW (new.order_id, new.payment_id, new.amount_minor)
          OR new.refunded_minor < old.refunded_minor
          OR (old.inspect_until IS NOT NULL AND old.inspect_until IS DISTINCT FROM new.inspect_until))
EXECUTE FUNCTION refuse_change('escrows_terms_fixed');

-- A buyer does not agree: nothing moves until somebody decides.
CREATE TABLE disputes (
    id           uuid PRIMARY KEY,
    order_id     uuid NOT NULL CONSTRAINT disputes_of_order REFERENCES escrows (order_id),
    opened_by    uuid NOT NULL REFERENCES users (id),
    reason       text NOT NULL
                 CONSTRAINT disputes_reason_known CHECK (reason IN ('not_received', 'not_as_described', 'damaged', 'other')),
    text         text NOT NULL CONSTRAINT disputes_text_length CHECK (length(text) BETWEEN 1 AND 4000),
    -- What the order was before, and is again when the buyer withdraws.
    order_status text NOT NULL
                 CONSTRAINT disputes_from CHECK (order_status IN ('paid', 'in_fulfilment', 'delivered')),
    status       text NOT NULL DEFAULT 'open'
                 CONSTRAINT disputes_status_known CHECK (status IN ('open', 'withdrawn', 'for_buyer', 'for_seller', 'split')),
    opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    ended_by     uuid REFERENCES users (id),
    note         text CONSTRAINT disputes_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    CONSTRAINT disputes_ended CHECK ((status = 'open') = (ended_at IS NULL) AND (status = 'open') = (ended_by IS NULL))
);
CREATE UNIQUE INDEX disputes_one_open ON disputes (order_id) WHERE status = 'open';
CREATE INDEX disputes_of_order ON disputes (order_id, id);
CREATE INDEX disputes_open ON disputes (id) WHERE status = 'open';
CREATE TRIGGER disputes_status_moves BEFORE UPDATE OF status ON disputes FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('disputes_status_moves', 'open>withdrawn', 'open>for_buyer', 'open>for_seller', 'open>split');

-- Money on its way back to a buyer. The id is the key under which the provider is asked.
CREATE TABLE refunds (
    id                uuid PRIMARY KEY,
    payment_id        uuid NOT NULL CONSTRAINT refunds_of_payment REFERENCES payments (id),
    -- NULL: all of a payment that came when its checkout was over.
    order_id          uuid CONSTRAINT refunds_of_order REFERENCES escrows (order_id),
    cause             text NOT NULL CONSTRAINT refunds_cause_known CHECK (cause IN ('late', 'seller', 'dispute')),
    amount_minor      bigint NOT NULL CONSTRAINT refunds_amount_positive CHECK (amount_minor > 0),
    -- What it takes back of each part of the order: the platform's commission and the rest of the goods' price, the buyer's
    -- premium, and the tax on both.
    fee_minor         bigint NOT NULL DEFAULT 0,
    net_minor         bigint NOT NULL DEFAULT 0,
    premium_minor     bigint NOT NULL DEFAULT 0,
    goods_tax_minor   bigint NOT NULL DEFAULT 0,
    premium_tax_minor bigint NOT NULL DEFAULT 0,
    status            text NOT NULL DEFAULT 'intended'
                      CONSTRAINT refunds_status_known CHECK (status IN ('intended', 'sent', 'done', 'failed')),
    provider_ref      text CONSTRAINT refunds_ref_once UNIQUE
                      CONSTRAINT refunds_ref_length CHECK (length(provider_ref) BETWEEN 1 AND 200),
    reason            text CONSTRAINT refunds_reason_length CHECK (length(reason) BETWEEN 1 AND 1000),
    -- NULL: a job.
    created_by        uuid REFERENCES users (id),
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at          timestamptz,
    CONSTRAINT refunds_late_whole CHECK ((cause = 'late') = (order_id IS NULL)),
    CONSTRAINT refunds_parts CHECK (
        least(fee_minor, net_minor, premium_minor, goods_tax_minor, premium_tax_minor) >= 0
        AND fee_minor + net_minor + premium_minor + goods_tax_minor + premium_tax_minor
            = CASE WHEN order_id IS NULL THEN 0 ELSE amount_minor END),
    CONSTRAINT refunds_ended CHECK ((status IN ('intended', 'sent')) = (ended_at IS NULL)),
    CONSTRAINT refunds_done_ref CHECK (status NOT IN ('sent', 'done') OR provider_ref IS NOT NULL)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX refunds_late_once ON refunds (payment_id) WHERE cause = 'late';
CREATE INDEX refunds_of_order ON refunds (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX refunds_unsettled ON refunds (created_at, id) WHERE status IN ('intended', 'sent');
CREATE TRIGGER refunds_status_moves BEFORE UPDATE OF status ON refunds FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('refunds_status_moves',
    'intended>sent', 'intended>done', 'intended>failed', 'sent>done', 'sent>failed');
CREATE TRIGGER refunds_terms_fixed BEFORE UPDATE ON refunds FOR EACH ROW
    WHEN (ROW (old.payment_id, old.order_id, old.cause, old.amount_minor, old.fee_minor, old.net_minor, old.premium_minor,
               old.goods_tax_minor, old.premium_tax_minor, old.created_at)
          IS DISTINCT FROM
          ROW (new.payment_id, new.order_id, new.cause, new.amount_minor, new.fee_minor, new.net_minor, new.premium_minor,
               new.goods_tax_minor, new.premium_tax_minor, new.created_at)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref))
EXECUTE FUNCTION refuse_change('refunds_terms_fixed');

-- What is refunded of an order is what its refunds add up to, at commit.
CREATE FUNCTION refuse_wrong_refunds() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    escrow escrows := (SELECT e FROM escrows AS e WHERE e.order_id = new.order_id);
BEGIN
    IF escrow.refunded_minor <> (SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE order_id = new.order_id) THEN
        RAISE EXCEPTION 'the refunds of order % do not add up', new.order_id
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER refunds_add_up AFTER INSERT ON refunds DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.order_id IS NOT NULL) EXECUTE FUNCTION refuse_wrong_refunds();
CREATE CONSTRAINT TRIGGER escrows_refunds_add_up AFTER UPDATE OF refunded_minor ON escrows DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_refunds();

-- What providers tell us, before anything is done about it.
CREATE TABLE webhook_inbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text NOT NULL
                CONSTRAINT webhook_inbox_provider_known CHECK (provider IN ('stripe', 'adyen', 'simulator')),
    event_id    text NOT NULL CONSTRAINT webhook_inbox_event_length CHECK (length(event_id) BETWEEN 1 AND 200),
    kind        text NOT NULL CONSTRAINT webhook_inbox_kind_length CHECK (length(kind) BETWEEN 1 AND 200),
    -- The provider's name for what it is about.
    subject     text NOT NULL CONSTRAINT webhook_inbox_subject_length CHECK (length(subject) BETWEEN 1 AND 200),
    body        bytea NOT NULL CONSTRAINT webhook_inbox_body_size CHECK (octet_length(body) <= 65536),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome     text CONSTRAINT webhook_inbox_outcome_known CHECK (outcome IN ('applied', 'nothing_new', 'unknown_subject')),
    applied_at  timestamptz,
    CONSTRAINT webhook_inbox_once UNIQUE (provider, event_id),
    CONSTRAINT webhook_inbox_applied CHECK ((outcome IS NULL) = (applied_at IS NULL))
);
CREATE INDEX webhook_inbox_open ON webhook_inbox (received_at, id) WHERE outcome IS NULL;
CREATE TRIGGER webhook_inbox_body_fixed BEFORE UPDATE ON webhook_inbox FOR EACH ROW
    WHEN (ROW (old.provider, old.event_id, old.kind, old.subject, old.body, old.received_at)
          IS DISTINCT FROM ROW (new.provider, new.event_id, new.kind, new.subject, new.body, new.received_at)
          OR old.outcome IS NOT NULL)
EXECUTE FUNCTION refuse_change('webhook_inbox_body_fixed');
