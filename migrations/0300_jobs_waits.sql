-- Waits that are counted from the time at which they begin, unlike those for a time of the calendar. When the clock is set back, a
-- wait that is longer than it was meant to be shows it.
ALTER TABLE jobs
    -- How many seconds `run_at` lay ahead when it was reckoned; NULL: a time of the calendar.
    ADD COLUMN delay      double precision,
    -- For how many seconds the key was to be held.
    ADD COLUMN unique_for double precision;
