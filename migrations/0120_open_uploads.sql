-- Counted whenever an organisation announces another one.
CREATE INDEX uploads_open ON uploads (org_id) WHERE completed_at IS NULL;
