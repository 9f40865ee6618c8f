-- Imports: a row for each CSV file that is to be applied, and one for what became of each of its rows.

ALTER TABLE uploads
    DROP CONSTRAINT uploads_content_type_check,
    ADD CONSTRAINT uploads_content_type_known
        CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp', 'text/csv')),
    ADD CONSTRAINT uploads_csv_size CHECK (content_type <> 'text/csv' OR size <= 16777216);

CREATE TABLE imports (
    id          uuid PRIMARY KEY,
    org_id      uuid NOT NULL REFERENCES orgs (id),
    created_by  uuid NOT NULL REFERENCES users (id),
    kind        text NOT NULL CONSTRAINT imports_kind_known CHECK (kind IN ('stock', 'listings')),
    -- SHA-256 of the file and of the terms: the same again is the same import.
    checksum    bytea NOT NULL CONSTRAINT imports_checksum_length CHECK (length(checksum) = 32),
    -- NULL: the file is gone, and so is what became of each row.
    upload_id   uuid CONSTRAINT imports_of_upload REFERENCES uploads (id),
    -- How listings are to be read: mapping, defaults, whether to publish.
    terms       jsonb NOT NULL DEFAULT '{}' CONSTRAINT imports_terms_object CHECK (jsonb_typeof(terms) = 'object'),
    status      text NOT NULL DEFAULT 'queued'
                CONSTRAINT imports_status_known CHECK (status IN ('queued', 'running', 'done', 'failed')),
    -- For the person who sent it.
    failure     text CONSTRAINT imports_failure_length CHECK (length(failure) BETWEEN 1 AND 1000),
    -- What the file turned out to be, once somebody has looked.
    encoding    text CONSTRAINT imports_encoding_known CHECK (encoding IN ('utf8', 'windows1252')),
    separator   text CONSTRAINT imports_separator_known CHECK (separator IN ('comma', 'semicolon', 'tab')),
    row_count   integer CONSTRAINT imports_row_count_range CHECK (row_count BETWEEN 1 AND 100000),
    applied     integer NOT NULL DEFAULT 0,
    unchanged   integer NOT NULL DEFAULT 0,
    incomplete  integer NOT NULL DEFAULT 0,
    refused     integer NOT NULL DEFAULT 0,
    job_id      bigint,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    -- When the file goes.
    expires_at  timestamptz NOT NULL DEFAULT now() + interval '30 days',
    CONSTRAINT imports_once UNIQUE (org_id, kind, checksum),
    CONSTRAINT imports_failed_has_reason CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT imports_finished CHECK ((status IN ('done', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT imports_counted
        CHECK (applied + unchanged + incomplete + refused <= coalesce(row_count, 0)
               AND (status <> 'done' OR applied + unchanged + incomplete + refused = coalesce(row_count, 0)))
);
CREATE INDEX imports_expiring ON imports (expires_at) WHERE upload_id IS NOT NULL;
CREATE INDEX imports_of_file ON imports (upload_id) WHERE upload_id IS NOT NULL;
CREATE INDEX imports_made ON imports (org_id, created_at);

CREATE TRIGGER imports_per_day BEFORE INSERT ON imports FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 200);
CREATE TRIGGER imports_unfinished BEFORE INSERT ON imports FOR EACH ROW
EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs',
    $$status IN ('queued', 'running')
      AND EXISTS (SELECT FROM jobs WHERE jobs.id = imports.job_id AND jobs.state < 'succeeded')$$, 5, 'imports_unfinished',
    'an organisation has at most 5 imports at once');

CREATE TABLE import_rows (
    import_id  uuid NOT NULL CONSTRAINT import_rows_of_import REFERENCES imports (id),
    -- Where the row begins in the file. The first line is the header's.
    line       integer NOT NULL CONSTRAINT import_rows_line_range CHECK (line > 1),
    outcome    text NOT NULL
               CONSTRAINT import_rows_outcome_known CHECK (outcome IN ('applied', 'unchanged', 'incomplete', 'refused')),
    -- What the row itself calls what it is about.
    sku        text CONSTRAINT import_rows_sku_length CHECK (length(sku) BETWEEN 1 AND 64),
    listing_id uuid CONSTRAINT import_rows_of_listing REFERENCES listings (id),
    -- [{"column": …, "reason": …}, …]
    faults     jsonb CONSTRAINT import_rows_faults_listed CHECK (jsonb_typeof(faults) = 'array'),
    -- A row is applied once.
    CONSTRAINT import_rows_once PRIMARY KEY (import_id, line),
    CONSTRAINT import_rows_say_why CHECK ((outcome IN ('incomplete', 'refused')) = (faults IS NOT NULL)),
    CONSTRAINT import_rows_unlisted CHECK (outcome <> 'refused' OR listing_id IS NULL)
);
CREATE INDEX import_rows_by_outcome ON import_rows (import_id, outcome, line);
