-- When the scheduler enqueues a job by itself. What a contract declares and what an operator set instead are kept apart, so
-- that an override survives a deploy and is shown as one.

CREATE TABLE schedules (
    name                text PRIMARY KEY CHECK (name ~ '^[a-z0-9_.-]{1,80}$'),
    origin              text NOT NULL CHECK (origin IN ('declared', 'added')),
    kind                text NOT NULL,
    payload             jsonb NOT NULL,
    expression          text NOT NULL,
    zone                text NOT NULL,
    misfire             text NOT NULL,
    -- NULL: as declared.
    override_expression text,
    override_zone       text,
    override_misfire    text,
    paused              boolean NOT NULL DEFAULT false,
    -- When a running scheduler last said that its code declares this; without that for minutes, it is retired.
    declared_at         timestamptz,
    retired_at          timestamptz,
    -- Fire times up to here are decided: fired, or passed over by the misfire policy.
    decided_until       timestamptz NOT NULL,
    last_fire_at        timestamptz,
    last_job            bigint,
    -- Why the last tick could not be fired, until one can.
    problem             text,
    changed_at          timestamptz NOT NULL DEFAULT now(),
    changed_by          text NOT NULL,
    CONSTRAINT schedules_declared_at CHECK ((origin = 'declared') = (declared_at IS NOT NULL))
) WITH (fillfactor = 70);

-- Its primary key decides who of several schedulers fires a tick: the row commits together with the job.
CREATE TABLE schedule_ticks (
    schedule text NOT NULL REFERENCES schedules ON DELETE CASCADE,
    fire_at  timestamptz NOT NULL,
    fired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The job that was enqueued, or that already stood for it by its unique key.
    job      bigint NOT NULL,
    PRIMARY KEY (schedule, fire_at)
);
CREATE INDEX schedule_ticks_job ON schedule_ticks (job);
