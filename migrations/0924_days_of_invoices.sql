-- The days for which a line's service was hired when its invoice was issued, in order; NULL: no days were chosen, or it is no service.
-- An order gives its days up when it is refunded, and a document stays as it is.
ALTER TABLE invoice_lines ADD COLUMN days date[];
