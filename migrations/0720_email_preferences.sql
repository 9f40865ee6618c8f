-- Mails that people can do without, whether they want them, and the key of the links that end them.

-- Signs the links of one person: whoever has a link can end one category of this person's mails, and nothing else.
ALTER TABLE users ADD COLUMN unsubscribe_key bytea NOT NULL
    DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    CONSTRAINT users_unsubscribe_key_length CHECK (length(unsubscribe_key) = 32);

-- What people do not want; everybody wants the rest.
CREATE TABLE email_opt_outs (
    user_id  uuid NOT NULL REFERENCES users (id),
    category text NOT NULL CONSTRAINT email_opt_outs_category_known
             CHECK (category IN ('auction_reminders', 'watches', 'saved_searches', 'stock', 'reports')),
    since    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT email_opt_outs_once PRIMARY KEY (user_id, category)
);

ALTER TABLE emails
    DROP CONSTRAINT emails_status_known,
    ADD CONSTRAINT emails_status_known
        CHECK (status IN ('queued', 'sent', 'failed', 'suppressed', 'unwanted')) NOT VALID;
ALTER TABLE emails VALIDATE CONSTRAINT emails_status_known;
