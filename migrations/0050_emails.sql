-- Mail to people: one row per mail, written with what it tells of, and addresses that must not be written to again.

CREATE TABLE emails (
    id                uuid PRIMARY KEY,
    template          text NOT NULL CONSTRAINT emails_template_form CHECK (template ~ '^[a-z][a-z_]{0,39}$'),
    -- Either a user, whose address is looked up when the mail is sent, or an address.
    user_id           uuid CONSTRAINT emails_user_exists REFERENCES users (id),
    address           text CONSTRAINT emails_address_form CHECK (address = lower(address) AND length(address) <= 254),
    recipient         text NOT NULL GENERATED ALWAYS AS (coalesce(user_id::text, address)) STORED,
    -- What the mail is about: the same template, recipient and reference are the same mail.
    reference         text NOT NULL CONSTRAINT emails_reference_length CHECK (length(reference) BETWEEN 1 AND 200),
    -- What the template shows; no secrets: links that grant something are made when the mail is sent.
    data              jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    status            text NOT NULL DEFAULT 'queued'
                      CONSTRAINT emails_status_known CHECK (status IN ('queued', 'sent', 'failed', 'suppressed')),
    -- How often the mail was handed to the server. More than 1 on a sent mail: the recipient may have it twice, under one
    -- Message-ID.
    attempts          integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- The server's last word, or why there was none.
    provider_response text CONSTRAINT emails_response_length CHECK (length(provider_response) <= 1000),
    created_at        timestamptz NOT NULL DEFAULT now(),
    attempted_at      timestamptz,
    finished_at       timestamptz,
    CONSTRAINT emails_one_recipient CHECK (num_nonnulls(user_id, address) = 1),
    CONSTRAINT emails_once UNIQUE (template, recipient, reference),
    CONSTRAINT emails_finished CHECK ((finished_at IS NULL) = (status = 'queued'))
);
CREATE INDEX emails_of_user ON emails (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX emails_open ON emails (created_at) WHERE status = 'queued';

CREATE TABLE email_suppressions (
    address    text PRIMARY KEY CHECK (address = lower(address) AND length(address) <= 254),
    reason     text NOT NULL CHECK (reason IN ('refused', 'bounced', 'complained', 'manual')),
    detail     text NOT NULL DEFAULT '' CHECK (length(detail) <= 1000),
    -- The mail that was refused, when there was one.
    email_id   uuid REFERENCES emails (id),
    created_at timestamptz NOT NULL DEFAULT now()
);
