-- invoices.sweep looks through the documents of the last days for those without a file.
CREATE INDEX invoices_by_issue ON invoices (issued_at, id);
