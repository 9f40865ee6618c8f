-- Refusals of an address that did not say whether its mailbox exists. Enough of them over days put it on the suppression list; one
-- mail that is taken forgets them.

CREATE TABLE email_refusals (
    address  text PRIMARY KEY CHECK (address = lower(address) AND length(address) <= 254),
    refusals integer NOT NULL DEFAULT 1 CHECK (refusals > 0),
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at  timestamptz NOT NULL DEFAULT now(),
    -- The server's last words.
    detail   text NOT NULL CHECK (length(detail) <= 1000)
);
