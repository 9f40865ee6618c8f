-- The second factor of a login: codes that an app makes of a shared secret (RFC 6238), and codes on paper for whoever has lost the app.

CREATE TABLE two_factors (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    -- The secret, for this person and this enrolment.
    sealed       bytea NOT NULL CONSTRAINT two_factors_sealed_length CHECK (octet_length(sealed) BETWEEN 34 AND 1024),
    enrolled_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Absent: no code has been given yet, and logins do not ask for one.
    confirmed_at timestamptz CONSTRAINT two_factors_in_order CHECK (confirmed_at >= enrolled_at),
    -- The step whose code was used last: it and those before it are not good any more.
    last_step    bigint CONSTRAINT two_factors_last_step_range CHECK (last_step >= 0),
    CONSTRAINT two_factors_confirmed_by_code CHECK ((confirmed_at IS NULL) = (last_step IS NULL))
);
CREATE UNIQUE INDEX two_factors_one_each ON two_factors (user_id);
CREATE INDEX two_factors_unconfirmed ON two_factors (enrolled_at) WHERE confirmed_at IS NULL;
-- What was used stays used, and what logins ask for they go on asking for: both end with the row.
CREATE TRIGGER two_factors_forward BEFORE UPDATE ON two_factors FOR EACH ROW
    WHEN (ROW (old.id, old.user_id, old.enrolled_at) IS DISTINCT FROM ROW (new.id, new.user_id, new.enrolled_at)
          OR (old.confirmed_at IS NOT NULL AND old.confirmed_at IS DISTINCT FROM new.confirmed_at)
          OR (old.last_step IS NOT NULL AND (new.last_step IS NULL OR new.last_step < old.last_step)))
EXECUTE FUNCTION refuse_change('two_factors_forward');

CREATE TABLE recovery_codes (
    two_factors_id uuid NOT NULL CONSTRAINT recovery_codes_of_two_factors REFERENCES two_factors (id) ON DELETE CASCADE,
    -- Of the code, which is kept nowhere.
    hash           bytea NOT NULL CONSTRAINT recovery_codes_hash_length CHECK (octet_length(hash) = 32),
    used_at        timestamptz,
    PRIMARY KEY (two_factors_id, hash)
);
CREATE TRIGGER recovery_codes_ten BEFORE INSERT ON recovery_codes FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'two_factors_id', 'two_factors', 'true', 10, 'recovery_codes_ten', 'a person has at most 10 recovery codes');
CREATE TRIGGER recovery_codes_once BEFORE UPDATE ON recovery_codes FOR EACH ROW
    WHEN (old.used_at IS NOT NULL OR ROW (old.two_factors_id, old.hash) IS DISTINCT FROM ROW (new.two_factors_id, new.hash))
EXECUTE FUNCTION refuse_change('recovery_codes_once');

-- Logins whose password was right, and whose code is awaited.
CREATE TABLE pending_logins (
    token_hash      bytea PRIMARY KEY CONSTRAINT pending_logins_hash_length CHECK (octet_length(token_hash) = 32),
    user_id         uuid NOT NULL REFERENCES users (id),
    -- The person's when the password was right: a new password ends what the old one began.
    session_version integer NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at      timestamptz NOT NULL,
    CONSTRAINT pending_logins_expire_later CHECK (expires_at > created_at)
);
CREATE INDEX pending_logins_by_expiry ON pending_logins (expires_at);
CREATE INDEX pending_logins_of_user ON pending_logins (user_id);
