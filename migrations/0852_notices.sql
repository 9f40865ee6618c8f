-- Notices: what a person is mailed, to be read inside the product, and whether they have read it there. What a notice says is the mail's.

CREATE TABLE notices (
    id         uuid PRIMARY KEY CONSTRAINT notices_of_email REFERENCES emails (id),
    user_id    uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    read_at    timestamptz CONSTRAINT notices_read_later CHECK (read_at >= created_at)
) WITH (fillfactor = 80);
CREATE INDEX notices_of_user ON notices (user_id, id);
CREATE INDEX notices_unread ON notices (user_id, id) WHERE read_at IS NULL;
CREATE INDEX notices_by_age ON notices (created_at, id);
CREATE TRIGGER notices_fixed BEFORE UPDATE ON notices FOR EACH ROW
    WHEN (ROW (old.id, old.user_id, old.created_at) IS DISTINCT FROM ROW (new.id, new.user_id, new.created_at)
          OR (old.read_at IS NOT NULL AND old.read_at IS DISTINCT FROM new.read_at))
EXECUTE FUNCTION refuse_change('notices_fixed');

-- With the mail, in the statement that posts it: whoever posts one need not think of the other. Mails that are nothing but a link, or
-- reach people who cannot log in, are no news here.
CREATE FUNCTION notice_emails() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notices (id, user_id)
    SELECT id, user_id
    FROM posted
    WHERE user_id IS NOT NULL
      AND template NOT IN ('verify_address', 'reset_password', 'already_registered', 'invitation', 'account_suspended');
    RETURN NULL;
END $$;
CREATE TRIGGER emails_noticed AFTER INSERT ON emails REFERENCING NEW TABLE AS posted FOR EACH STATEMENT
EXECUTE FUNCTION notice_emails();
