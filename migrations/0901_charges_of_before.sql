-- Charges that were open when reminders and the end of an unpaid plan came closer (12 and 14 days, which were 14 and 21): their mails said
-- 21. They count from a week later, so that nothing ends before the day that was said.
DO $$
DECLARE
    since timestamptz := clock_timestamp();
BEGIN
    -- That came with this migration; both may be applied in one run.
    IF to_regclass('_sqlx_migrations') IS NOT NULL THEN
        EXECUTE 'SELECT installed_on FROM _sqlx_migrations WHERE version = 886' INTO since;
    END IF;
    ALTER TABLE plan_charges DISABLE TRIGGER plan_charges_fixed;
    UPDATE plan_charges
    SET due_at = due_at + interval '7 days',
        act_at = due_at + interval '7 days' + make_interval(days => (ARRAY[3, 7, 12, 14])[reminders + 1])
    WHERE status = 'open'
      AND due_at <= since;
    ALTER TABLE plan_charges ENABLE TRIGGER plan_charges_fixed;
END $$;
