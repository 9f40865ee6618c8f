-- Reports: one row per file asked for or scheduled, and the figures that it ends with.

CREATE TABLE reports (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL CONSTRAINT reports_org_exists REFERENCES orgs (id),
    -- NULL: the schedule.
    requested_by uuid REFERENCES users (id),
    kind         text NOT NULL CHECK (kind IN ('sales')),
    format       text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    -- IANA name of the zone that the days are days of, and the days, both inclusive.
    zone         text NOT NULL,
    first_day    date NOT NULL,
    last_day     date NOT NULL,
    -- The same period as instants, half-open.
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL,
    status       text NOT NULL DEFAULT 'queued'
                 CHECK (status IN ('queued', 'running', 'ready', 'failed', 'expired')),
    -- For the person who asked.
    failure      text CHECK (length(failure) <= 1000),
    job_id       bigint,
    object_key   text,
    row_count    bigint CHECK (row_count >= 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    -- When the file goes.
    expires_at   timestamptz,
    CONSTRAINT reports_period CHECK (first_day <= last_day AND starts_at < ends_at),
    CONSTRAINT reports_ready_has_file
        CHECK (status <> 'ready' OR (object_key IS NOT NULL AND row_count IS NOT NULL AND expires_at IS NOT NULL)),
    CONSTRAINT reports_failed_has_reason CHECK (status <> 'failed' OR failure IS NOT NULL)
);
-- The schedule makes a period's report once.
CREATE UNIQUE INDEX reports_scheduled_once ON reports (org_id, kind, first_day, last_day, format) WHERE requested_by IS NULL;
CREATE INDEX reports_of_org ON reports (org_id, id);
CREATE INDEX reports_open ON reports (org_id) WHERE status IN ('queued', 'running');
CREATE INDEX reports_expiring ON reports (expires_at) WHERE status = 'ready';

CREATE TABLE report_totals (
    report_id   uuid NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    currency    text NOT NULL,
    row_count   bigint NOT NULL CHECK (row_count > 0),
    total_minor bigint NOT NULL,
    fee_minor   bigint NOT NULL,
    net_minor   bigint NOT NULL CHECK (net_minor = total_minor - fee_minor),
    PRIMARY KEY (report_id, currency)
);

-- The order in which a sales report reads.
CREATE INDEX orders_sold ON orders (seller_org_id, created_at, id);
