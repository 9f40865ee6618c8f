-- The organisation that a WebSocket acts for, when the request for its ticket named one.
ALTER TABLE ws_tickets ADD COLUMN org_id uuid;
