-- Who people are, which organisations they act for, and the log of what administrators did.

CREATE TABLE users (
    id                uuid PRIMARY KEY,
    -- Trimmed and in lower case: the program normalises before it writes or compares.
    email             text NOT NULL CONSTRAINT users_email_unique UNIQUE
                      CONSTRAINT users_email_form CHECK (email = lower(email) AND email ~ '^[^\s@]+@[^\s@]+$' AND length(email) <= 254),
    email_verified_at timestamptz,
    name              text NOT NULL CONSTRAINT users_name_length CHECK (length(name) BETWEEN 1 AND 100),
    password_hash     text NOT NULL,
    status            text NOT NULL DEFAULT 'active' CONSTRAINT users_status_known CHECK (status IN ('active', 'suspended')),
    platform_role     text NOT NULL DEFAULT 'user' CONSTRAINT users_platform_role_known
                      CHECK (platform_role IN ('user', 'moderator', 'finance', 'observer', 'operator', 'admin')),
    locale            text NOT NULL DEFAULT 'en' CONSTRAINT users_locale_form CHECK (locale ~ '^[a-z]{2}(-[A-Z]{2})?$'),
    time_zone         text NOT NULL DEFAULT 'UTC',
    -- Rises when every session must end at once; access tokens carry it.
    session_version   integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orgs (
    id             uuid PRIMARY KEY,
    legal_name     text NOT NULL CONSTRAINT orgs_legal_name_length CHECK (length(legal_name) BETWEEN 1 AND 200),
    vat_number     text CONSTRAINT orgs_vat_number_unique UNIQUE
                   CONSTRAINT orgs_vat_number_form CHECK (vat_number ~ '^[A-Z]{2}[A-Z0-9]{2,13}$'),
    kinds          text[] NOT NULL CONSTRAINT orgs_kinds_known
                   CHECK (kinds <@ ARRAY ['seller', 'buyer', 'broker', 'carrier'] AND cardinality(kinds) BETWEEN 1 AND 4),
    plan           text NOT NULL DEFAULT 'standard',
    -- An IANA name; the program checks it. Reports and schedules of the organisation follow it.
    time_zone      text NOT NULL,
    status         text NOT NULL DEFAULT 'pending' CONSTRAINT orgs_status_known
                   CHECK (status IN ('pending', 'approved', 'rejected', 'suspended')),
    -- Why it was rejected or suspended, for its members to read.
    status_reason  text CONSTRAINT orgs_status_reason_length CHECK (length(status_reason) <= 1000),
    verified_until timestamptz,
    created_by     uuid NOT NULL REFERENCES users (id),
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orgs_by_status ON orgs (status, id);

CREATE FUNCTION refuse_org_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'organisation % cannot go from % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'orgs_transition';
END $$;

CREATE TRIGGER orgs_transition BEFORE UPDATE OF status ON orgs FOR EACH ROW
WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
    ('pending', 'approved'), ('pending', 'rejected'), ('approved', 'suspended'), ('suspended', 'approved')))
EXECUTE FUNCTION refuse_org_transition();

CREATE TABLE memberships (
    org_id     uuid NOT NULL REFERENCES orgs (id),
    user_id    uuid NOT NULL REFERENCES users (id),
    role       text NOT NULL CONSTRAINT memberships_role_known CHECK (role IN ('owner', 'trader', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memberships_once PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_of_user ON memberships (user_id);

-- One login on one device: the family of its refresh tokens.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    created_at   timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_why  text CONSTRAINT sessions_revoked_why_known CHECK (revoked_why IN ('logout', 'reuse', 'suspended', 'password')),
    user_agent   text CONSTRAINT sessions_user_agent_length CHECK (length(user_agent) <= 300),
    CONSTRAINT sessions_revoked_for_a_reason CHECK ((revoked_at IS NULL) = (revoked_why IS NULL))
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Only hashes of tokens are kept. A token works once; its second use ends the session.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Made by whoever sends the mail, so that the plain token never rests anywhere.
CREATE TABLE email_verifications (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- What was verified, in case the address changes in between.
    email      text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX email_verifications_of_user ON email_verifications (user_id);

-- Failed logins by a hash of what they have in common. Lost in a crash without harm.
CREATE UNLOGGED TABLE login_throttle (
    key           bytea PRIMARY KEY,
    failures      integer NOT NULL,
    -- Failures older than the window are forgotten.
    window_start  timestamptz NOT NULL,
    blocked_until timestamptz
) WITH (fillfactor = 70);
CREATE INDEX login_throttle_by_age ON login_throttle (window_start);

-- The stored answers of requests that carried an Idempotency-Key, written in the transaction of their effect.
CREATE TABLE idempotency_keys (
    -- The organisation or the user that the request acted for.
    owner        uuid NOT NULL,
    key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    -- SHA-256 of method, path and body.
    request_hash bytea NOT NULL,
    status       smallint NOT NULL,
    response     bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_once PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- What administrators did, in the transaction that did it. Each entry's hash covers the entry and the hash before it, so
-- that a change or a gap shows (audit_first_fault).
CREATE TABLE audit_entries (
    seq          bigint PRIMARY KEY,
    at           timestamptz NOT NULL,
    -- NULL: the command line or the system itself.
    actor        uuid REFERENCES users (id),
    action       text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    -- What changed and why; ids and states, no personal data.
    data         jsonb NOT NULL DEFAULT '{}',
    trace_id     text,
    hash         bytea NOT NULL
);
CREATE INDEX audit_entries_subject ON audit_entries (subject_kind, subject_id, seq);
CREATE INDEX audit_entries_actor ON audit_entries (actor, seq);

CREATE FUNCTION audit_hash(before bytea, entry audit_entries) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(before || convert_to(jsonb_build_array(
        entry.seq, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor, entry.action,
        entry.subject_kind, entry.subject_id, entry.data, entry.trace_id)::text, 'UTF8'))
$$;

CREATE FUNCTION chain_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last audit_entries;
BEGIN
    -- One writer at a time, until its commit: the next one must see this entry to chain to it.
    PERFORM pg_advisory_xact_lock(7261351);
    SELECT * INTO last FROM audit_entries ORDER BY seq DESC LIMIT 1;
    NEW.seq := coalesce(last.seq, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.hash := audit_hash(coalesce(last.hash, ''::bytea), NEW);
    RETURN NEW;
END $$;
CREATE TRIGGER audit_entries_chain BEFORE INSERT ON audit_entries
FOR EACH ROW EXECUTE FUNCTION chain_audit_entry();

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_entries is append-only'
        USING ERRCODE = 'restrict_violation', TABLE = 'audit_entries', CONSTRAINT = 'audit_entries_append_only';
END $$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- The seq of the first entry that is missing or does not match its hash; NULL when the chain is whole.
CREATE FUNCTION audit_first_fault() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(seq)
    FROM (
        SELECT
            seq, entry.hash AS stored,
            audit_hash(coalesce(lag(entry.hash) OVER chain, ''::bytea), entry) AS computed,
            row_number() OVER chain AS place
        FROM audit_entries AS entry
        WINDOW chain AS (ORDER BY seq)
    ) AS checked
    WHERE stored <> computed
       OR seq <> place
$$;
