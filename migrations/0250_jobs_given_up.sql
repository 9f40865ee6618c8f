-- Jobs that were given up are listed and retried in the order of their ids. There may be a million of them after a bad release;
-- rows that succeed never come into this index.
CREATE INDEX jobs_given_up ON jobs (id) WHERE state IN ('cancelled', 'dead');
