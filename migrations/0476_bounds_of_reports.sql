-- The bounds of reports, as before, in one function whose statements are planned once: as texts put together for each row they took
-- longer than the row itself.

CREATE FUNCTION bound_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs WHERE id = new.org_id FOR NO KEY UPDATE;
    IF (SELECT count(*)
        FROM (SELECT
              FROM reports
              WHERE org_id = new.org_id
                AND created_at > now() - interval '1 day'
                AND requested_by IS NOT NULL
              LIMIT 500) AS made) >= 500
    THEN
        RAISE EXCEPTION 'an organisation makes at most 500 reports a day'
            USING ERRCODE = 'check_violation', TABLE = 'reports', CONSTRAINT = 'reports_per_day';
    END IF;
    IF (SELECT count(*)
        FROM reports
        WHERE org_id = new.org_id
          AND requested_by IS NOT NULL
          AND status IN ('queued', 'running')
          AND EXISTS (SELECT FROM jobs WHERE jobs.id = reports.job_id AND jobs.state < 'succeeded')) >= 20
    THEN
        RAISE EXCEPTION 'an organisation has at most 20 reports made at once'
            USING ERRCODE = 'check_violation', TABLE = 'reports', CONSTRAINT = 'reports_unfinished';
    END IF;
    RETURN new;
END $$;

DROP TRIGGER reports_per_day ON reports;
DROP TRIGGER reports_unfinished ON reports;
CREATE TRIGGER reports_bounded BEFORE INSERT ON reports FOR EACH ROW WHEN (new.requested_by IS NOT NULL) EXECUTE FUNCTION bound_reports();
