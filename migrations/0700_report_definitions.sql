-- Reports by definition (docs/decisions/0062): which kinds there are and what each may be asked, the program's definitions say; a new
-- one needs no migration. What a report ends with are sums of its columns, by currency.

ALTER TABLE reports
    DROP CONSTRAINT reports_kind_check,
    DROP CONSTRAINT reports_format_check,
    ADD CONSTRAINT reports_kind_form CHECK (kind ~ '^[a-z]+(_[a-z]+)*$' AND length(kind) <= 50),
    ADD CONSTRAINT reports_format_known CHECK (format IN ('csv', 'xlsx', 'json', 'pdf')),
    -- How it is grouped and filtered.
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT reports_parameters_object CHECK (jsonb_typeof(parameters) = 'object');

CREATE TABLE report_sums (
    report_id    uuid NOT NULL CONSTRAINT report_sums_of_report REFERENCES reports (id) ON DELETE CASCADE,
    -- In the order of the report's columns.
    place        smallint NOT NULL CONSTRAINT report_sums_place_positive CHECK (place > 0),
    section      text NOT NULL CONSTRAINT report_sums_section_form CHECK (section ~ '^[a-z]+(_[a-z]+)*$'),
    name         text NOT NULL CONSTRAINT report_sums_name_form CHECK (name ~ '^[a-z]+(_[a-z]+)*$'),
    currency     text NOT NULL REFERENCES currencies (code),
    -- How many rows are in the sum.
    row_count    bigint NOT NULL CONSTRAINT report_sums_count_positive CHECK (row_count > 0),
    amount_minor bigint NOT NULL,
    PRIMARY KEY (report_id, place),
    CONSTRAINT report_sums_once UNIQUE (report_id, section, name, currency)
);

INSERT INTO report_sums (report_id, place, section, name, currency, row_count, amount_minor)
SELECT
    t.report_id, row_number() OVER (PARTITION BY t.report_id ORDER BY s.place, t.currency), 'orders', s.name, t.currency, t.row_count,
    s.amount_minor
FROM report_totals AS t
CROSS JOIN LATERAL (
    VALUES (1, 'total', t.total_minor), (2, 'fee', t.fee_minor), (3, 'net', t.net_minor)
) AS s (place, name, amount_minor);
DROP TABLE report_totals;

-- The lines of orders that came to something, with what sales are counted by. The region is that of the site which the units were sold
-- from; a listing that sells its own quantity has none.
CREATE VIEW sold_lines AS
SELECT
    o.id AS order_id, o.seller_org_id, o.buyer_org_id, o.created_at AS sold_at, o.source, o.status, o.currency,
    n.line_no, n.listing_id, n.item_id, n.title, n.quantity, n.amount_minor,
    i.category_id, c.path AS category_path, c.name AS category_name,
    s.region_id, r.code AS region_code, r.name AS region_name
FROM orders AS o
JOIN order_lines AS n ON n.order_id = o.id
LEFT JOIN items AS i ON i.id = n.item_id
LEFT JOIN categories AS c ON c.id = i.category_id
LEFT JOIN listings AS l ON l.id = n.listing_id
LEFT JOIN sites AS s ON s.id = l.site_id
LEFT JOIN regions AS r ON r.id = s.region_id
WHERE o.status NOT IN ('expired', 'cancelled', 'refunded');

-- A seller's auctions by when they ended.
CREATE INDEX auctions_closed ON auctions (seller_org_id, closed_at) WHERE closed_at IS NOT NULL;
-- A seller's payouts by time.
CREATE INDEX payouts_by_time ON payouts (org_id, created_at);
-- For what happened on the whole platform; rows come in the order of these times, so that summaries of blocks of pages are enough, which
-- cost an insert next to nothing.
CREATE INDEX orders_by_time ON orders USING brin (created_at);
CREATE INDEX bids_by_time ON bids USING brin (placed_at);
CREATE INDEX sessions_by_time ON sessions USING brin (created_at);
CREATE INDEX users_by_time ON users USING brin (created_at);
