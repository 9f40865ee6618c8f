-- Single-use tickets that open a WebSocket: a browser cannot send a token with it, and an address ends up in logs.
-- Lost in a crash without harm: clients ask for another one.
CREATE UNLOGGED TABLE ws_tickets (
    ticket_hash     bytea PRIMARY KEY,
    user_id         uuid NOT NULL,
    session_id      uuid NOT NULL,
    session_version integer NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX ws_tickets_by_expiry ON ws_tickets (expires_at);
