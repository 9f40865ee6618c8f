-- Webhooks that organisations are sent about their orders: where to, signed with what, and what became of each.

CREATE TABLE webhook_endpoints (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES orgs (id),
    url           text NOT NULL
                  CONSTRAINT webhook_endpoints_url_form CHECK (url ~ '^https?://[^[:space:]]+$' AND length(url) <= 500),
    name          text NOT NULL CONSTRAINT webhook_endpoints_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- Which events it is sent; `order.*` is all of them.
    events        text[] NOT NULL
                  CONSTRAINT webhook_endpoints_events_form
                  CHECK (cardinality(events) <= 20 AND array_to_string(events, ' ', '') ~ '^order\.(\*|[a-z_]+)( order\.(\*|[a-z_]+))*$'),
    status        text NOT NULL DEFAULT 'active'
                  CONSTRAINT webhook_endpoints_status_known CHECK (status IN ('active', 'paused', 'disabled')),
    -- Why it is not active: somebody has asked; it has failed for days; it has answered that it is gone.
    reason        text CONSTRAINT webhook_endpoints_reason_known CHECK (reason IN ('asked', 'failing', 'gone')),
    -- Since when every attempt has failed.
    failing_since timestamptz,
    -- Counts how often it was stopped or went on.
    version       integer NOT NULL DEFAULT 1 CONSTRAINT webhook_endpoints_version_range CHECK (version >= 1),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Set: nothing is sent there any more.
    ended_at      timestamptz,
    CONSTRAINT webhook_endpoints_stopped_for_reason CHECK ((status = 'active') = (reason IS NULL))
);
CREATE UNIQUE INDEX webhook_endpoints_url_once ON webhook_endpoints (org_id, url) WHERE ended_at IS NULL;
CREATE INDEX webhook_endpoints_by_org ON webhook_endpoints (org_id, id) WHERE ended_at IS NULL;
CREATE TRIGGER webhook_endpoints_per_org BEFORE INSERT ON webhook_endpoints FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'ended_at IS NULL', 20, 'webhook_endpoints_per_org', 'an organisation has at most 20 webhook endpoints');

-- As those of carriers: the present secret, and for a day the one before it. Both sign.
CREATE TABLE webhook_secrets (
    endpoint_id uuid NOT NULL CONSTRAINT webhook_secrets_of_endpoint REFERENCES webhook_endpoints (id),
    version     integer NOT NULL CONSTRAINT webhook_secrets_version_range CHECK (version >= 1),
    sealed      bytea NOT NULL CONSTRAINT webhook_secrets_sealed_length CHECK (octet_length(sealed) BETWEEN 34 AND 1024),
    made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Absent: the present one.
    good_until  timestamptz CONSTRAINT webhook_secrets_in_order CHECK (good_until >= made_at),
    PRIMARY KEY (endpoint_id, version)
);
CREATE UNIQUE INDEX webhook_secrets_one_present ON webhook_secrets (endpoint_id) WHERE good_until IS NULL;
CREATE UNIQUE INDEX webhook_secrets_one_before ON webhook_secrets (endpoint_id) WHERE good_until IS NOT NULL;

-- One event on its way to one endpoint. Its id is the `webhook-id` of every attempt. What is sent follows from the row, so that it is
-- the same each time.
CREATE TABLE webhook_deliveries (
    id          uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL CONSTRAINT webhook_deliveries_to_endpoint REFERENCES webhook_endpoints (id),
    event       text NOT NULL CONSTRAINT webhook_deliveries_event_form CHECK (event ~ '^(order\.[a-z_]+|webhook\.test)$'),
    order_id    uuid,
    version     bigint,
    occurred_at timestamptz NOT NULL,
    -- missed: the endpoint was not active.
    status      text NOT NULL DEFAULT 'waiting'
                CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('waiting', 'delivered', 'failed', 'missed')),
    -- All attempts, and those of this round: a replay begins another one.
    attempts    integer NOT NULL DEFAULT 0,
    round       integer NOT NULL DEFAULT 0,
    -- When it is to be tried, or was last to be.
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The job that brings it there. Absent: it is yet to be enqueued.
    job         bigint,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at    timestamptz,
    CONSTRAINT webhook_deliveries_about_event FOREIGN KEY (order_id, version) REFERENCES order_events (order_id, version),
    CONSTRAINT webhook_deliveries_about_something
        CHECK ((event = 'webhook.test') = (order_id IS NULL) AND (order_id IS NULL) = (version IS NULL)),
    CONSTRAINT webhook_deliveries_ended CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CONSTRAINT webhook_deliveries_rounds CHECK (round BETWEEN 0 AND attempts)
) WITH (fillfactor = 80);
-- One delivery of each event to each endpoint, whatever happens twice.
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (endpoint_id, order_id, version) WHERE order_id IS NOT NULL;
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_waiting_there ON webhook_deliveries (endpoint_id) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_of_order ON webhook_deliveries (order_id) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (due_at) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_unassigned ON webhook_deliveries (created_at) WHERE status = 'waiting' AND job IS NULL;
CREATE INDEX webhook_deliveries_undelivered ON webhook_deliveries (endpoint_id, occurred_at, id) WHERE status IN ('failed', 'missed');
CREATE INDEX webhook_deliveries_ended_at ON webhook_deliveries (ended_at) WHERE status <> 'waiting';
CREATE TRIGGER webhook_deliveries_moves BEFORE UPDATE OF status ON webhook_deliveries FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('webhook_deliveries_moves', 'waiting>delivered', 'waiting>failed', 'waiting>missed', 'delivered>waiting',
                             'failed>waiting', 'missed>waiting');
CREATE TRIGGER webhook_deliveries_fixed BEFORE UPDATE ON webhook_deliveries FOR EACH ROW
    WHEN (ROW (old.endpoint_id, old.event, old.order_id, old.version, old.occurred_at, old.created_at)
          IS DISTINCT FROM ROW (new.endpoint_id, new.event, new.order_id, new.version, new.occurred_at, new.created_at))
EXECUTE FUNCTION refuse_change('webhook_deliveries_fixed');

-- What came of each attempt.
CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL CONSTRAINT webhook_attempts_of_delivery REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number      integer NOT NULL CONSTRAINT webhook_attempts_number_range CHECK (number >= 1),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The job that has made it.
    job         bigint NOT NULL,
    outcome     text NOT NULL
                CONSTRAINT webhook_attempts_outcome_known
                CHECK (outcome IN ('delivered', 'refused', 'redirected', 'gone', 'timed_out', 'unreachable', 'forbidden_address')),
    -- What it answered with, if it did.
    status_code integer CONSTRAINT webhook_attempts_status_code_range CHECK (status_code BETWEEN 100 AND 999),
    latency_ms  integer NOT NULL CONSTRAINT webhook_attempts_latency_range CHECK (latency_ms >= 0),
    -- The first kilobyte of the answer, or what was wrong.
    detail      text NOT NULL CONSTRAINT webhook_attempts_detail_length CHECK (length(detail) <= 1024),
    CONSTRAINT webhook_attempts_answered
        CHECK ((status_code IS NOT NULL) = (outcome IN ('delivered', 'refused', 'redirected', 'gone'))),
    PRIMARY KEY (delivery_id, number)
);

-- Ids that sort by time, as those that programs make (RFC 9562, version 7), with the microseconds in the bits that may have them.
CREATE FUNCTION uuid_v7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        substring(int8send(us / 1000) FROM 3)
        || substring(int4send(28672 + (us % 1000 * 4096 / 1000)::integer) FROM 3)
        || substring(uuid_send(gen_random_uuid()) FROM 9),
        'hex')::uuid
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us) AS now
$$;

-- What those are told who follow an order, when it has become `status` and was `before`. NULL: nothing.
CREATE FUNCTION webhook_event(status text, before text, awarded boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN before = 'disputed' AND status IN ('paid', 'in_fulfilment', 'delivered') THEN 'order.dispute_withdrawn'
        WHEN status = 'expired' AND awarded THEN 'order.defaulted'
        WHEN status = 'pending_payment' THEN 'order.placed'
        WHEN status = 'in_fulfilment' THEN 'order.shipped'
        -- It is completed in the same act.
        WHEN status = 'accepted' THEN NULL
        ELSE 'order.' || status
    END
$$;

-- Whatever writes down that an order has become something has, in the same transaction, its deliveries.
CREATE FUNCTION tell_webhook_endpoints() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (id, endpoint_id, event, order_id, version, occurred_at, status, ended_at)
    SELECT uuid_v7(), endpoint.id, news.event, news.order_id, news.version, news.at,
           CASE WHEN endpoint.status = 'active' THEN 'waiting' ELSE 'missed' END,
           CASE WHEN endpoint.status <> 'active' THEN clock_timestamp() END
    FROM (
        SELECT told.order_id, told.version, told.at, o.buyer_org_id, o.seller_org_id,
               webhook_event(told.status, before.status, coalesce(c.awarded, false)) AS event
        FROM told
        JOIN orders AS o ON o.id = told.order_id
        LEFT JOIN checkouts AS c ON c.id = o.checkout_id
        LEFT JOIN order_events AS before ON before.order_id = told.order_id AND before.version = told.version - 1
    ) AS news
    JOIN webhook_endpoints AS endpoint ON endpoint.org_id IN (news.buyer_org_id, news.seller_org_id)
    WHERE endpoint.ended_at IS NULL
      AND endpoint.status <> 'disabled'
      AND endpoint.events && ARRAY[news.event, 'order.*']
      AND news.event IS NOT NULL
    ORDER BY endpoint.id;
    RETURN NULL;
END $$;
CREATE TRIGGER order_events_told AFTER INSERT ON order_events REFERENCING NEW TABLE AS told FOR EACH STATEMENT
EXECUTE FUNCTION tell_webhook_endpoints();
