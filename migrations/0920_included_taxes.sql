-- The tax in what was paid for an export while it is taxed because nobody has proved it: that of the invoice whose place no other one has
-- taken. Statements that show it beside what was agreed must agree on it. They ask for it where `vat_treatment` is 'export' alone: no other
-- order has a proof, and most are spared the look.
CREATE VIEW included_taxes AS
SELECT p.order_id, i.tax_minor
FROM export_proofs AS p
JOIN invoices AS i ON i.order_id = p.order_id
WHERE p.taxed_at IS NOT NULL
  AND p.mrn IS NULL
  AND i.kind = 'invoice'
  AND NOT EXISTS (SELECT FROM invoices AS r WHERE r.replaces = i.id);
