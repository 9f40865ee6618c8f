-- Organisations in one auction that may belong to the same people. A flag is for moderators to look at; nothing follows from it by
-- itself.

-- Where a login came from and with which program, as a hash of both.
ALTER TABLE sessions ADD COLUMN device bytea CONSTRAINT sessions_device_length CHECK (length(device) = 32);
CREATE INDEX sessions_of_device ON sessions (device, refreshed_at) WHERE device IS NOT NULL;

-- An address without what many mail servers ignore: what follows a plus, and dots.
CREATE FUNCTION mailbox_of(email text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT replace(split_part(split_part(email, '@', 1), '+', 1), '.', '') || '@'
           || replace(split_part(email, '@', 2), 'googlemail.com', 'gmail.com')
$$;
CREATE INDEX users_by_mailbox ON users (mailbox_of(email));

-- A name's letters and digits.
CREATE FUNCTION plain_name(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT regexp_replace(lower(name), '[[:space:][:punct:]]', '', 'g')
$$;
CREATE INDEX orgs_by_plain_name ON orgs (plain_name(legal_name));

CREATE TABLE account_flags (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    auction_id uuid NOT NULL REFERENCES auctions (id),
    -- The pair, the smaller id first.
    org_id     uuid NOT NULL REFERENCES orgs (id),
    other_id   uuid NOT NULL REFERENCES orgs (id),
    -- What the two have in common.
    signals    text[] NOT NULL CONSTRAINT account_flags_signals_known
               CHECK (cardinality(signals) > 0
                      AND signals <@ ARRAY ['shared_person', 'same_founder', 'same_mailbox', 'same_device', 'same_name']),
    -- The people by whom it shows.
    people     uuid[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT account_flags_pair CHECK (org_id < other_id),
    CONSTRAINT account_flags_once UNIQUE (auction_id, org_id, other_id)
);
CREATE TRIGGER account_flags_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_flags FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
