-- What people and organisations can do to others, and how many there may be: invitations that are accepted, resets of passwords,
-- the grace of a refresh, and bounds on what somebody can grow.

-- The token that a used one was traded for, sealed with a key that only the used token gives (docs/decisions/0023). Wanted for
-- seconds: two tabs that refresh at once both get it.
ALTER TABLE refresh_tokens
    ADD COLUMN successor bytea CONSTRAINT refresh_tokens_successor_length CHECK (length(successor) = 32);

ALTER TABLE sessions
    DROP CONSTRAINT sessions_revoked_why_known,
    ADD CONSTRAINT sessions_revoked_why_known
        CHECK (revoked_why IN ('logout', 'reuse', 'suspended', 'password', 'revoked', 'too_many'));

-- Made by whoever sends the mail, like email_verifications.
CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Where the mail went: the token proves no other address.
    email      text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_of_user ON password_resets (user_id);
CREATE INDEX password_resets_by_expiry ON password_resets (expires_at);

-- Somebody is asked to act for an organisation. Whether the address has an account is not asked before the answer.
CREATE TABLE invitations (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id),
    email      text NOT NULL CONSTRAINT invitations_email_form CHECK (email = lower(email) AND length(email) <= 254),
    role       text NOT NULL CONSTRAINT invitations_role_known CHECK (role IN ('owner', 'trader', 'viewer')),
    invited_by uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_how  text CONSTRAINT invitations_ended_how_known CHECK (ended_how IN ('accepted', 'declined', 'revoked', 'expired')),
    CONSTRAINT invitations_ended_somehow CHECK ((ended_at IS NULL) = (ended_how IS NULL))
);
CREATE UNIQUE INDEX invitations_open_once ON invitations (org_id, email) WHERE ended_at IS NULL;
CREATE INDEX invitations_open_to ON invitations (email) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- What stands in the links of an invitation's mail.
CREATE TABLE invitation_tokens (
    token_hash    bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    invitation_id uuid NOT NULL REFERENCES invitations (id) ON DELETE CASCADE
);
CREATE INDEX invitation_tokens_of_invitation ON invitation_tokens (invitation_id);

-- Until when this account counts as known at this place: others' failures elsewhere do not keep it out.
ALTER TABLE login_throttle ADD COLUMN trusted_until timestamptz;

-- A number blocks nobody before it was checked, and a rejected organisation no longer has it.
ALTER TABLE orgs DROP CONSTRAINT orgs_vat_number_unique;
CREATE UNIQUE INDEX orgs_vat_number_of_approved ON orgs (vat_number) WHERE status IN ('approved', 'suspended');

DROP TRIGGER orgs_transition ON orgs;
CREATE TRIGGER orgs_transition BEFORE UPDATE OF status ON orgs FOR EACH ROW
WHEN (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN (
    ('pending', 'approved'), ('pending', 'rejected'), ('rejected', 'pending'), ('approved', 'suspended'),
    ('suspended', 'approved')))
EXECUTE FUNCTION refuse_org_transition();

-- Bounds. Each takes the lock of what it counts for, so that two at once do not both find room: first the organisation, then the
-- person. Rows that are there already stay, however many they are.
CREATE INDEX orgs_of_founder ON orgs (created_by);

CREATE FUNCTION bound_orgs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.created_by FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM orgs WHERE created_by = NEW.created_by) >= 20 THEN
        RAISE EXCEPTION 'a person founds at most 20 organisations'
            USING ERRCODE = 'check_violation', TABLE = 'orgs', CONSTRAINT = 'orgs_per_founder';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orgs_bound BEFORE INSERT ON orgs FOR EACH ROW EXECUTE FUNCTION bound_orgs();

CREATE FUNCTION bound_memberships() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs WHERE id = NEW.org_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM memberships WHERE org_id = NEW.org_id) >= 500 THEN
        RAISE EXCEPTION 'an organisation has at most 500 members'
            USING ERRCODE = 'check_violation', TABLE = 'memberships', CONSTRAINT = 'memberships_per_org';
    END IF;
    PERFORM FROM users WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM memberships WHERE user_id = NEW.user_id) >= 20 THEN
        RAISE EXCEPTION 'a person belongs to at most 20 organisations'
            USING ERRCODE = 'check_violation', TABLE = 'memberships', CONSTRAINT = 'memberships_per_person';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER memberships_bound BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION bound_memberships();

CREATE FUNCTION bound_invitations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs WHERE id = NEW.org_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM invitations WHERE org_id = NEW.org_id AND ended_at IS NULL) >= 100 THEN
        RAISE EXCEPTION 'an organisation has at most 100 open invitations'
            USING ERRCODE = 'check_violation', TABLE = 'invitations', CONSTRAINT = 'invitations_per_org';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invitations_bound BEFORE INSERT ON invitations FOR EACH ROW EXECUTE FUNCTION bound_invitations();
