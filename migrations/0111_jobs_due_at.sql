-- When the job was due before its first failure moved `run_at`; NULL: it has not failed. A policy that gives up by age counts
-- from here, so that a job made long before it is due has its full time.
ALTER TABLE jobs ADD COLUMN due_at timestamptz;
