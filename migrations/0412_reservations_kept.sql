-- What was reserved, and what became of it, stays known.
CREATE TRIGGER reservations_kept BEFORE DELETE OR TRUNCATE ON reservations FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('reservations_kept');
