-- Past sales: what an organisation sold before it was here, or elsewhere, by line of its own books. They come by files and are counted in
-- its reports of sales; no order, no money and no stock is theirs.

ALTER TABLE imports
    DROP CONSTRAINT imports_kind_known,
    ADD CONSTRAINT imports_kind_known CHECK (kind IN ('stock', 'listings', 'past_sales')) NOT VALID;
ALTER TABLE imports VALIDATE CONSTRAINT imports_kind_known;

CREATE TABLE past_sales (
    org_id       uuid NOT NULL REFERENCES orgs (id),
    -- What the organisation calls the book that the line is of.
    book         text NOT NULL CONSTRAINT past_sales_book_length CHECK (length(book) BETWEEN 1 AND 100),
    -- What the book calls the line.
    line_id      text NOT NULL CONSTRAINT past_sales_line_id_length CHECK (length(line_id) BETWEEN 1 AND 64),
    -- The import that has said so last. Looked for at commit: what is tried for a preview has none, and is rolled back.
    import_id    uuid NOT NULL CONSTRAINT past_sales_of_import REFERENCES imports (id) DEFERRABLE INITIALLY DEFERRED,
    order_number text NOT NULL CONSTRAINT past_sales_order_number_length CHECK (length(order_number) BETWEEN 1 AND 100),
    -- A day of the book, in whatever time zone.
    sold_on      date NOT NULL
                 CONSTRAINT past_sales_day_range CHECK (sold_on BETWEEN '1900-01-01' AND '2199-12-31'),
    category     text NOT NULL CONSTRAINT past_sales_category_length CHECK (length(category) BETWEEN 1 AND 200),
    region       text NOT NULL CONSTRAINT past_sales_region_length CHECK (length(region) BETWEEN 1 AND 200),
    product      text CONSTRAINT past_sales_product_length CHECK (length(product) BETWEEN 1 AND 500),
    -- Negative: what came back.
    quantity     bigint NOT NULL
                 CONSTRAINT past_sales_quantity_range CHECK (quantity BETWEEN -1000000000 AND 1000000000),
    currency     text NOT NULL REFERENCES currencies (code),
    -- Of the line as a whole, in ten-thousandths of the currency's minor unit: books have more digits than money.
    amount_fine  bigint NOT NULL
                 CONSTRAINT past_sales_amount_range CHECK (amount_fine BETWEEN -1000000000000000000 AND 1000000000000000000),
    CONSTRAINT past_sales_once PRIMARY KEY (org_id, book, line_id)
);
CREATE INDEX past_sales_by_day ON past_sales (org_id, sold_on);
-- A line is corrected by a later file, and never gone.
CREATE TRIGGER past_sales_kept BEFORE DELETE ON past_sales FOR EACH ROW
EXECUTE FUNCTION refuse_change('past_sales_kept');
CREATE TRIGGER past_sales_key_fixed BEFORE UPDATE ON past_sales FOR EACH ROW
    WHEN (ROW (old.org_id, old.book, old.line_id) IS DISTINCT FROM ROW (new.org_id, new.book, new.line_id))
EXECUTE FUNCTION refuse_change('past_sales_key_fixed');
