-- Why a job last went back in line, written by whoever put it there. NULL: it never did. The normal way, from enqueue to success,
-- does not touch it: in a job that runs or has ended it is history.
CREATE TYPE job_reason AS ENUM (
    'failed', 'snoozed',         -- its attempt ended so
    'worker_stopped',            -- its worker shut down, or lost sight of it
    'worker_lost',               -- its worker's lease ran out
    'no_handler',                -- its worker does not know the kind
    'newer_payload',             -- its worker's version reads only older payloads of the kind
    'paused', 'moved', 'limits', -- an operator paused or moved the queue, or changed its limits
    'transport_refused'          -- its message was not taken
);
ALTER TABLE jobs ADD COLUMN reason job_reason;
