-- Invoices: issued once, in the act that makes them due, and numbered without gaps.

-- In which currency a country's tax is accounted for; NULL: not known here.
ALTER TABLE countries ADD COLUMN currency text CONSTRAINT countries_currency_known REFERENCES currencies (code);
UPDATE countries
SET currency = of.currency
FROM (SELECT unnest(string_to_array('AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK', ' ')) AS code, 'EUR' AS currency
      UNION ALL
      VALUES ('CZ', 'CZK'), ('DK', 'DKK'), ('HU', 'HUF'), ('PL', 'PLN'), ('RO', 'RON'), ('SE', 'SEK'), ('CH', 'CHF'),
             ('GB', 'GBP'), ('JP', 'JPY'), ('KW', 'KWD'), ('NO', 'NOK'), ('US', 'USD')) AS of
WHERE countries.code = of.code;

-- The last number of a seller's documents of a kind in a year.
CREATE TABLE invoice_series (
    seller_org_id uuid NOT NULL REFERENCES orgs (id),
    year          smallint NOT NULL CONSTRAINT invoice_series_year_range CHECK (year BETWEEN 2000 AND 2999),
    kind          text NOT NULL CONSTRAINT invoice_series_kind_known CHECK (kind IN ('invoice', 'credit_note')),
    last          bigint NOT NULL CONSTRAINT invoice_series_last_positive CHECK (last > 0),
    CONSTRAINT invoice_series_once PRIMARY KEY (seller_org_id, year, kind)
) WITH (fillfactor = 50);
CREATE TRIGGER invoice_series_by_one BEFORE UPDATE ON invoice_series FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 OR new.last <> old.last + 1
          OR (old.seller_org_id, old.year, old.kind) IS DISTINCT FROM (new.seller_org_id, new.year, new.kind))
EXECUTE FUNCTION refuse_change('invoice_series_by_one');
CREATE TRIGGER invoice_series_begins BEFORE INSERT ON invoice_series FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 OR new.last <> 1)
EXECUTE FUNCTION refuse_change('invoice_series_begins');
CREATE TRIGGER invoice_series_kept BEFORE DELETE OR TRUNCATE ON invoice_series FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('invoice_series_kept');

CREATE TABLE invoices (
    id            uuid PRIMARY KEY,
    kind          text NOT NULL CONSTRAINT invoices_kind_known CHECK (kind IN ('invoice', 'credit_note')),
    seller_org_id uuid NOT NULL REFERENCES orgs (id),
    buyer_org_id  uuid NOT NULL REFERENCES orgs (id),
    -- The seller's year, the next number of its series, and when: set when it is issued.
    year          smallint NOT NULL,
    number        bigint NOT NULL,
    issued_at     timestamptz NOT NULL,
    order_id      uuid NOT NULL CONSTRAINT invoices_of_order REFERENCES orders (id),
    -- What a credit note takes back, and by which refund.
    refers_to     uuid,
    refund_id     uuid CONSTRAINT invoices_one_per_refund UNIQUE CONSTRAINT invoices_of_refund REFERENCES refunds (id),
    currency      text NOT NULL REFERENCES currencies (code),
    net_minor     bigint NOT NULL CONSTRAINT invoices_net_not_negative CHECK (net_minor >= 0),
    tax_minor     bigint NOT NULL CONSTRAINT invoices_tax_not_negative CHECK (tax_minor >= 0),
    gross_minor   bigint NOT NULL CONSTRAINT invoices_gross_positive CHECK (gross_minor > 0),
    vat_treatment text NOT NULL CONSTRAINT invoices_vat_treatment_known
                  CHECK (vat_treatment IN ('sellers_rate', 'reverse_charge', 'export', 'outside')),
    -- Why no tax is charged, in the words of the law.
    vat_note      text CONSTRAINT invoices_vat_note_length CHECK (length(vat_note) BETWEEN 1 AND 500),
    -- The tax in the currency of the seller's country, by the order's rates; NULL: these do not say.
    accounting_currency  text REFERENCES currencies (code),
    accounting_tax_minor bigint,
    fx_snapshot_id       bigint CONSTRAINT invoices_of_known_rates REFERENCES fx_snapshots (id),
    -- Both sides as they were.
    seller        jsonb NOT NULL,
    buyer         jsonb NOT NULL,
    CONSTRAINT invoices_number_once UNIQUE (seller_org_id, kind, year, number),
    CONSTRAINT invoices_terms UNIQUE (id, order_id),
    CONSTRAINT invoices_refer FOREIGN KEY (refers_to, order_id) REFERENCES invoices (id, order_id),
    CONSTRAINT invoices_add_up CHECK (net_minor + tax_minor = gross_minor),
    CONSTRAINT invoices_credit_refers
        CHECK ((kind = 'credit_note') = (refers_to IS NOT NULL) AND (kind = 'credit_note') = (refund_id IS NOT NULL)),
    CONSTRAINT invoices_vat_noted CHECK ((vat_treatment IN ('reverse_charge', 'export')) = (vat_note IS NOT NULL)),
    CONSTRAINT invoices_accounting CHECK ((accounting_currency IS NULL) = (accounting_tax_minor IS NULL))
);
CREATE UNIQUE INDEX invoices_one_per_order ON invoices (order_id) WHERE kind = 'invoice';
CREATE INDEX invoices_of_order ON invoices (order_id, id);
CREATE INDEX invoices_of_seller ON invoices (seller_org_id, id);
CREATE INDEX invoices_of_buyer ON invoices (buyer_org_id, id);
CREATE INDEX invoices_referring ON invoices (refers_to) WHERE refers_to IS NOT NULL;

CREATE TABLE invoice_lines (
    invoice_id uuid NOT NULL CONSTRAINT invoice_lines_of_invoice REFERENCES invoices (id),
    line_no    smallint NOT NULL CONSTRAINT invoice_lines_number_positive CHECK (line_no > 0),
    part       text NOT NULL CONSTRAINT invoice_lines_part_known CHECK (part IN ('goods', 'premium')),
    title      text NOT NULL,
    quantity   bigint NOT NULL CONSTRAINT invoice_lines_quantity_positive CHECK (quantity > 0),
    unit       text NOT NULL,
    net_minor  bigint NOT NULL CONSTRAINT invoice_lines_net_positive CHECK (net_minor > 0),
    CONSTRAINT invoice_lines_once PRIMARY KEY (invoice_id, line_no)
);
CREATE TABLE invoice_taxes (
    invoice_id uuid NOT NULL CONSTRAINT invoice_taxes_of_invoice REFERENCES invoices (id),
    rate_bps   integer NOT NULL CONSTRAINT invoice_taxes_rate_range CHECK (rate_bps BETWEEN 0 AND 10000),
    net_minor  bigint NOT NULL CONSTRAINT invoice_taxes_net_not_negative CHECK (net_minor >= 0),
    tax_minor  bigint NOT NULL CONSTRAINT invoice_taxes_tax_not_negative CHECK (tax_minor >= 0),
    CONSTRAINT invoice_taxes_once PRIMARY KEY (invoice_id, rate_bps),
    CONSTRAINT invoice_taxes_of_something CHECK (net_minor > 0 OR tax_minor > 0),
    CONSTRAINT invoice_taxes_by_rate CHECK (rate_bps > 0 OR tax_minor = 0)
);
CREATE TRIGGER invoices_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoices FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER invoice_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_lines FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER invoice_taxes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_taxes FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

CREATE FUNCTION number_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    new.year := (SELECT extract(year FROM clock_timestamp() AT TIME ZONE time_zone) FROM orgs WHERE id = new.seller_org_id);
    -- The row's lock is held until the act commits: the next one waits, and a number that is not used is not given.
    INSERT INTO invoice_series AS s (seller_org_id, year, kind, last)
    VALUES (new.seller_org_id, new.year, new.kind, 1)
    ON CONFLICT (seller_org_id, year, kind) DO UPDATE SET last = s.last + 1
    RETURNING last INTO new.number;
    new.issued_at := clock_timestamp();
    RETURN new;
END $$;
CREATE TRIGGER invoices_numbered BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION number_invoice();

-- At commit, lines and taxes add up to the document, and credit notes do not take back more than was invoiced.
CREATE FUNCTION refuse_wrong_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.net_minor <> (SELECT coalesce(sum(net_minor), 0) FROM invoice_lines WHERE invoice_id = new.id)
       OR new.net_minor <> (SELECT coalesce(sum(net_minor), 0) FROM invoice_taxes WHERE invoice_id = new.id)
       OR new.tax_minor <> (SELECT coalesce(sum(tax_minor), 0) FROM invoice_taxes WHERE invoice_id = new.id)
    THEN
        RAISE EXCEPTION 'the lines or taxes of invoice % do not add up', new.id
            USING ERRCODE = 'check_violation', TABLE = 'invoices', CONSTRAINT = 'invoices_sum_of_lines';
    END IF;
    IF (SELECT sum(gross_minor) FROM invoices WHERE refers_to = new.refers_to)
       > (SELECT gross_minor FROM invoices WHERE id = new.refers_to)
    THEN
        RAISE EXCEPTION 'the credit notes of invoice % take back more than it', new.refers_to
            USING ERRCODE = 'check_violation', TABLE = 'invoices', CONSTRAINT = 'invoices_credited_within';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_sum_of_lines AFTER INSERT ON invoices DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_wrong_invoice();
-- A line that comes later is not in the sum.
CREATE FUNCTION refuse_late_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    invoice invoices := (SELECT i FROM invoices AS i WHERE i.id = new.invoice_id);
BEGIN
    IF (CASE tg_table_name
            WHEN 'invoice_lines' THEN
                invoice.net_minor <> (SELECT sum(net_minor) FROM invoice_lines WHERE invoice_id = new.invoice_id)
            ELSE
                invoice.gross_minor <> (SELECT sum(net_minor + tax_minor) FROM invoice_taxes WHERE invoice_id = new.invoice_id) END)
    THEN
        RAISE EXCEPTION 'invoice % does not have this line', new.invoice_id
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoice_lines_in_sum AFTER INSERT ON invoice_lines DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_late_line();
CREATE CONSTRAINT TRIGGER invoice_taxes_in_sum AFTER INSERT ON invoice_taxes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION refuse_late_line();

-- Series whose documents are fewer than their last number: none, ever.
CREATE VIEW invoice_gaps AS
SELECT s.seller_org_id, s.year, s.kind, s.last - count(i.id) AS missing
FROM invoice_series AS s
LEFT JOIN invoices AS i ON i.seller_org_id = s.seller_org_id AND i.year = s.year AND i.kind = s.kind
GROUP BY s.seller_org_id, s.year, s.kind, s.last
HAVING s.last <> count(i.id);
