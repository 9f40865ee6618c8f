-- Hours in which somebody wants no mail that can wait: minutes of the day, by the clock on the wall in their time zone. They end on the
-- next day if they begin after they end.
ALTER TABLE users
    ADD COLUMN quiet_from smallint,
    ADD COLUMN quiet_to smallint,
    ADD CONSTRAINT users_quiet_hours CHECK (
        CASE num_nonnulls(quiet_from, quiet_to)
            WHEN 0 THEN true
            WHEN 2 THEN quiet_from BETWEEN 0 AND 1439 AND quiet_to BETWEEN 0 AND 1439 AND quiet_from <> quiet_to
            ELSE false
        END);
