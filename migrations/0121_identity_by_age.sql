-- What the purge looks for; sessions and login_throttle have theirs.
CREATE INDEX refresh_tokens_by_use ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;
CREATE INDEX email_verifications_by_expiry ON email_verifications (expires_at);
