-- Keys with which an organisation's own systems call the API, each in the name of the person who made it.

CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    org_id       uuid NOT NULL REFERENCES orgs (id),
    -- In whose name it acts: without their membership it is worth nothing.
    created_by   uuid NOT NULL REFERENCES users (id),
    name         text NOT NULL CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- How the key begins, for people to recognise it by.
    prefix       text NOT NULL CONSTRAINT api_keys_prefix_form CHECK (prefix ~ '^ty_[A-Za-z0-9_-]{8}$'),
    -- Of the whole key, which is kept nowhere.
    hash         bytea NOT NULL CONSTRAINT api_keys_hash_length CHECK (octet_length(hash) = 32),
    scopes       text[] NOT NULL
                 CONSTRAINT api_keys_scopes_form
                 CHECK (cardinality(scopes) <= 40 AND array_to_string(scopes, ' ', '') ~ '^[a-z]+:(read|write)( [a-z]+:(read|write))*$'),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz CONSTRAINT api_keys_expire_later CHECK (expires_at > created_at),
    -- To within five minutes: no request waits for it to be written.
    last_used_at timestamptz,
    revoked_at   timestamptz
);
CREATE UNIQUE INDEX api_keys_hash_once ON api_keys (hash);
CREATE INDEX api_keys_by_org ON api_keys (org_id, id) WHERE revoked_at IS NULL;
CREATE TRIGGER api_keys_per_org BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'revoked_at IS NULL', 50, 'api_keys_per_org', 'an organisation has at most 50 keys');
-- What a key may do does not grow, and what was revoked stays so.
CREATE TRIGGER api_keys_fixed BEFORE UPDATE ON api_keys FOR EACH ROW
    WHEN (old.revoked_at IS NOT NULL
          OR ROW (old.org_id, old.created_by, old.prefix, old.hash, old.scopes, old.created_at)
             IS DISTINCT FROM ROW (new.org_id, new.created_by, new.prefix, new.hash, new.scopes, new.created_at))
EXECUTE FUNCTION refuse_change('api_keys_fixed');
