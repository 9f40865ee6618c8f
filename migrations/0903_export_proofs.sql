-- Exports are free of tax when their seller proves in time that the goods have left the Union, and taxed otherwise: then another invoice
-- takes the place of the first one, and so it does again when the proof comes late.

ALTER TABLE invoices
    -- The invoice whose place this one takes; a credit note without a refund takes back what was left of that one.
    ADD COLUMN replaces uuid CONSTRAINT invoices_replaced_once UNIQUE,
    ADD CONSTRAINT invoices_replace FOREIGN KEY (replaces, order_id) REFERENCES invoices (id, order_id),
    ADD CONSTRAINT invoices_replaced_by_invoice CHECK (replaces IS NULL OR kind = 'invoice'),
    DROP CONSTRAINT invoices_credit_refers,
    ADD CONSTRAINT invoices_credit_refers
        CHECK ((kind = 'credit_note') = (refers_to IS NOT NULL) AND (kind = 'credit_note' OR refund_id IS NULL)) NOT VALID;
ALTER TABLE invoices VALIDATE CONSTRAINT invoices_credit_refers;
DROP INDEX invoices_one_per_order;
CREATE UNIQUE INDEX invoices_one_per_order ON invoices (order_id) WHERE kind = 'invoice' AND replaces IS NULL;
CREATE UNIQUE INDEX invoices_taken_back_once ON invoices (refers_to) WHERE kind = 'credit_note' AND refund_id IS NULL;

-- At commit, what takes an invoice's place comes to what was left of it, and what was taken back without a refund has something in its place.
CREATE FUNCTION refuse_wrong_replacement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT gross_minor FROM invoices WHERE replaces = coalesce(new.replaces, new.refers_to))
       IS DISTINCT FROM
       (SELECT gross_minor FROM invoices
        WHERE refers_to = coalesce(new.replaces, new.refers_to) AND kind = 'credit_note' AND refund_id IS NULL)
    THEN
        RAISE EXCEPTION 'invoice % is not replaced by what was left of it', coalesce(new.replaces, new.refers_to)
            USING ERRCODE = 'check_violation', TABLE = 'invoices', CONSTRAINT = 'invoices_replaced_whole';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER invoices_replaced_whole AFTER INSERT ON invoices DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (new.replaces IS NOT NULL OR (new.kind = 'credit_note' AND new.refund_id IS NULL))
EXECUTE FUNCTION refuse_wrong_replacement();

-- The tax on premiums of exports that was not proved is kept back from the seller for the state.
ALTER TABLE money_transfers
    DROP CONSTRAINT money_transfers_kind_known,
    ADD CONSTRAINT money_transfers_kind_known CHECK (kind IN (
        'capture', 'release', 'refund_held', 'refund_released', 'refund_paid', 'payout', 'payout_paid', 'payout_failed',
        'recover', 'correction', 'storage_fee', 'storage_settled', 'plan_fee', 'export_tax')) NOT VALID;
ALTER TABLE money_transfers VALIDATE CONSTRAINT money_transfers_kind_known;

-- The proof that an order's goods have left, of each order that was invoiced as an export of a seller in the Union.
CREATE TABLE export_proofs (
    order_id     uuid CONSTRAINT export_proofs_once PRIMARY KEY CONSTRAINT export_proofs_of_order REFERENCES orders (id),
    -- Without a proof by then the sale is taxed.
    due_at       timestamptz NOT NULL,
    reminded_at  timestamptz,
    -- When the sale was taxed for want of a proof. A proof that comes later lifts the tax; this stays.
    taxed_at     timestamptz,
    -- The number of the customs declaration (MRN), its check digit last.
    mrn          text CONSTRAINT export_proofs_mrn_form CHECK (mrn ~ '^[0-9]{2}[A-Z]{2}[A-Z0-9]{13}[0-9]$'),
    left_on      date,
    upload_id    uuid CONSTRAINT export_proofs_once_per_upload UNIQUE CONSTRAINT export_proofs_of_upload REFERENCES uploads (id),
    handed_in_by uuid REFERENCES users (id),
    handed_in_at timestamptz,
    CONSTRAINT export_proofs_whole CHECK (num_nonnulls(mrn, left_on, upload_id, handed_in_by, handed_in_at) IN (0, 5)),
    CONSTRAINT export_proofs_taxed_late CHECK (taxed_at >= due_at)
) WITH (fillfactor = 80);
CREATE INDEX export_proofs_awaited ON export_proofs (due_at, order_id) WHERE mrn IS NULL AND taxed_at IS NULL;
CREATE INDEX export_proofs_by_person ON export_proofs (handed_in_by, order_id) WHERE handed_in_by IS NOT NULL;
CREATE TRIGGER export_proofs_begin_awaited BEFORE INSERT ON export_proofs FOR EACH ROW
    WHEN (new.mrn IS NOT NULL OR new.taxed_at IS NOT NULL)
EXECUTE FUNCTION refuse_change('export_proofs_begin_awaited');
-- What was proved stays proved, be it by other papers, and is not taxed any more.
CREATE TRIGGER export_proofs_fixed BEFORE UPDATE ON export_proofs FOR EACH ROW
    WHEN (ROW (old.order_id, old.due_at) IS DISTINCT FROM ROW (new.order_id, new.due_at)
          OR (old.mrn IS NOT NULL AND new.mrn IS NULL)
          OR (old.taxed_at IS DISTINCT FROM new.taxed_at AND (old.taxed_at IS NOT NULL OR old.mrn IS NOT NULL)))
EXECUTE FUNCTION refuse_change('export_proofs_fixed');

-- Exports from before have as much time as new ones: 30 days, to the end of the day where the seller is. The members of the Union are
-- those of the program (`money::rules::vat`).
INSERT INTO export_proofs (order_id, due_at)
SELECT i.order_id,
       (date_trunc('day', (clock_timestamp() + interval '30 days') AT TIME ZONE s.time_zone) + interval '1 day') AT TIME ZONE s.time_zone
FROM invoices AS i
JOIN orgs AS s ON s.id = i.seller_org_id
WHERE i.kind = 'invoice'
  AND i.vat_treatment = 'export'
  AND i.seller ->> 'country' = ANY (string_to_array('AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK', ' '));
