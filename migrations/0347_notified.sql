-- The word that the program uses. A program from before this migration fails the jobs that send these
-- mails, and they are retried until it is replaced.
ALTER TABLE outbid_notices RENAME COLUMN told_at TO notified_at;
