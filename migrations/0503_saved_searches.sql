-- Searches that people keep, and what was found for them since.

CREATE TABLE saved_searches (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    name         text NOT NULL CONSTRAINT saved_searches_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- The criteria as they were sent, and what they mean.
    asked        jsonb NOT NULL
                 CONSTRAINT saved_searches_asked_size CHECK (jsonb_typeof(asked) = 'object' AND octet_length(asked::text) <= 8192),
    query        jsonb NOT NULL
                 CONSTRAINT saved_searches_query_size CHECK (jsonb_typeof(query) = 'object' AND octet_length(query::text) <= 16384),
    -- Whether new matches are looked for.
    alerts       boolean NOT NULL DEFAULT true,
    -- What was published before is not new.
    since        timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When it was looked for new matches the last time.
    looked_until timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last day, in the person's time zone, that a mail of it was posted on.
    mailed_on    date,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX saved_searches_of_user ON saved_searches (user_id, id);
CREATE INDEX saved_searches_due ON saved_searches (looked_until, id) WHERE alerts;
CREATE TRIGGER saved_searches_per_person BEFORE INSERT ON saved_searches FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'user_id', 'users', 'true', 50, 'saved_searches_per_person', 'a person saves at most 50 searches');

-- Each listing once, however often it is found.
CREATE TABLE saved_search_hits (
    search_id  uuid NOT NULL CONSTRAINT saved_search_hits_of_search REFERENCES saved_searches (id) ON DELETE CASCADE,
    listing_id uuid NOT NULL CONSTRAINT saved_search_hits_of_listing REFERENCES listings (id),
    found_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    mailed_at  timestamptz CONSTRAINT saved_search_hits_found_first CHECK (mailed_at >= found_at),
    PRIMARY KEY (search_id, listing_id)
);
CREATE INDEX saved_search_hits_unsent ON saved_search_hits (search_id, listing_id) WHERE mailed_at IS NULL;

-- What was written since a search was looked for the last time.
CREATE INDEX listing_search_indexed ON listing_search (indexed_at);
