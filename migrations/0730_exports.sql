-- Exports: a row for each file that somebody asks for with an organisation's rows, with everybody's, or with all that is kept about
-- themselves (docs/decisions/0065).

CREATE TABLE exports (
    id           uuid PRIMARY KEY,
    -- NULL: of the whole platform, or of a person.
    org_id       uuid CONSTRAINT exports_org_exists REFERENCES orgs (id),
    requested_by uuid NOT NULL REFERENCES users (id),
    kind         text NOT NULL
                 CONSTRAINT exports_kind_known CHECK (kind IN ('listings', 'orders', 'bids', 'cargo_events', 'own_data')),
    format       text NOT NULL CONSTRAINT exports_format_known CHECK (format IN ('csv', 'jsonl', 'zip')),
    filters      jsonb NOT NULL DEFAULT '{}' CONSTRAINT exports_filters_object CHECK (jsonb_typeof(filters) = 'object'),
    status       text NOT NULL DEFAULT 'queued'
                 CONSTRAINT exports_status_known CHECK (status IN ('queued', 'running', 'ready', 'failed', 'cancelled', 'expired')),
    -- For the person who asked.
    failure      text CONSTRAINT exports_failure_length CHECK (length(failure) BETWEEN 1 AND 1000),
    job_id       bigint,
    object_key   text,
    row_count    bigint CONSTRAINT exports_row_count_positive CHECK (row_count >= 0),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz,
    -- When the file goes.
    expires_at   timestamptz,
    CONSTRAINT exports_own_data_whole CHECK ((kind = 'own_data') = (format = 'zip') AND (kind <> 'own_data' OR org_id IS NULL)),
    CONSTRAINT exports_ready_has_file
        CHECK (status <> 'ready' OR (object_key IS NOT NULL AND row_count IS NOT NULL AND expires_at IS NOT NULL)),
    CONSTRAINT exports_failed_has_reason CHECK (status <> 'failed' OR failure IS NOT NULL)
);
CREATE INDEX exports_of_org ON exports (org_id, id);
CREATE INDEX exports_of_person ON exports (requested_by, id);
CREATE INDEX exports_by_person ON exports (requested_by, created_at);
CREATE INDEX exports_expiring ON exports (expires_at) WHERE status = 'ready';
-- A person's own data is collected once at a time.
CREATE UNIQUE INDEX exports_own_data_once ON exports (requested_by) WHERE kind = 'own_data' AND status IN ('queued', 'running');

CREATE TRIGGER exports_per_day BEFORE INSERT ON exports FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'requested_by', 'users', $$created_at > now() - interval '1 day'$$, 100, 'exports_per_day',
    'a person asks for at most 100 exports a day');
CREATE TRIGGER exports_unfinished BEFORE INSERT ON exports FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'requested_by', 'users',
    $$status IN ('queued', 'running')
      AND EXISTS (SELECT FROM jobs WHERE jobs.id = exports.job_id AND jobs.state < 'succeeded')$$, 10, 'exports_unfinished',
    'a person has at most 10 exports made at once');

-- What a person made, in the order in which it is exported. Bids have an index that serves, and no room for another one.
CREATE INDEX listings_by_person ON listings (created_by, id);
CREATE INDEX auctions_by_person ON auctions (created_by, id);
CREATE INDEX awards_by_person ON awards (awarded_to, id);
CREATE INDEX orders_by_person ON orders (placed_by, id);
CREATE INDEX checkouts_by_person ON checkouts (placed_by, id);
CREATE INDEX payments_by_person ON payments (created_by, id);
CREATE INDEX uploads_by_person ON uploads (created_by, id);
CREATE INDEX shipments_by_person ON shipments (created_by, id);
CREATE INDEX stock_movements_by_person ON stock_movements (actor, id) WHERE actor IS NOT NULL;
CREATE INDEX order_events_by_person ON order_events (actor, order_id, version) WHERE actor IS NOT NULL;
