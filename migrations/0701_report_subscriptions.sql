-- Reports that people get after each period, with filters of their own (docs/decisions/0062).

CREATE TABLE report_subscriptions (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL CONSTRAINT report_subscriptions_of_org REFERENCES orgs (id),
    user_id    uuid NOT NULL CONSTRAINT report_subscriptions_of_user REFERENCES users (id),
    kind       text NOT NULL CONSTRAINT report_subscriptions_kind_form CHECK (kind ~ '^[a-z]+(_[a-z]+)*$' AND length(kind) <= 50),
    format     text NOT NULL CONSTRAINT report_subscriptions_format_known CHECK (format IN ('csv', 'xlsx', 'json', 'pdf')),
    cadence    text NOT NULL CONSTRAINT report_subscriptions_cadence_known CHECK (cadence IN ('daily', 'weekly', 'monthly')),
    parameters jsonb NOT NULL CONSTRAINT report_subscriptions_parameters_object CHECK (jsonb_typeof(parameters) = 'object'),
    -- By how many percent the first sums of a period must be below those of the one before for its report to be mailed.
    falls_by   smallint CONSTRAINT report_subscriptions_fall CHECK (falls_by BETWEEN 1 AND 100),
    -- The last day of the last period that was requested.
    last_day   date,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX report_subscriptions_of_person ON report_subscriptions (user_id, org_id, id);
CREATE TRIGGER report_subscriptions_per_person BEFORE INSERT ON report_subscriptions FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'user_id', 'users', 'true', 50, 'report_subscriptions_per_person', 'a person subscribes to at most 50 reports');

ALTER TABLE reports
    ADD COLUMN subscription_id uuid CONSTRAINT reports_of_subscription REFERENCES report_subscriptions (id) ON DELETE SET NULL;
CREATE INDEX reports_of_subscriptions ON reports (subscription_id) WHERE subscription_id IS NOT NULL;

-- What a subscription requests is not what people ask for at once: its own bound is that of subscriptions.
CREATE OR REPLACE FUNCTION bound_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM orgs WHERE id = new.org_id FOR NO KEY UPDATE;
    IF (SELECT count(*)
        FROM (SELECT
              FROM reports
              WHERE org_id = new.org_id
                AND created_at > now() - interval '1 day'
                AND requested_by IS NOT NULL
                AND subscription_id IS NULL
              LIMIT 500) AS made) >= 500
    THEN
        RAISE EXCEPTION 'an organisation makes at most 500 reports a day'
            USING ERRCODE = 'check_violation', TABLE = 'reports', CONSTRAINT = 'reports_per_day';
    END IF;
    IF (SELECT count(*)
        FROM reports
        WHERE org_id = new.org_id
          AND requested_by IS NOT NULL
          AND subscription_id IS NULL
          AND status IN ('queued', 'running')
          AND EXISTS (SELECT FROM jobs WHERE jobs.id = reports.job_id AND jobs.state < 'succeeded')) >= 20
    THEN
        RAISE EXCEPTION 'an organisation has at most 20 reports made at once'
            USING ERRCODE = 'check_violation', TABLE = 'reports', CONSTRAINT = 'reports_unfinished';
    END IF;
    RETURN new;
END $$;
DROP TRIGGER reports_bounded ON reports;
CREATE TRIGGER reports_bounded BEFORE INSERT ON reports FOR EACH ROW
WHEN (new.requested_by IS NOT NULL AND new.subscription_id IS NULL) EXECUTE FUNCTION bound_reports();
