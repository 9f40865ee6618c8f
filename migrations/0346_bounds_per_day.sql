-- What an organisation keeps is bounded in number (0262). What it makes and ends again stays as history, so that is bounded by the
-- day.

CREATE INDEX items_made ON items (org_id, created_at);
CREATE INDEX listings_made ON listings (seller_org_id, created_at);
CREATE INDEX auctions_made ON auctions (seller_org_id, created_at);
CREATE INDEX invitations_made ON invitations (org_id, created_at);
CREATE INDEX reports_asked_for ON reports (org_id, created_at) WHERE requested_by IS NOT NULL;
CREATE INDEX uploads_made ON uploads (org_id, created_at);

-- Arguments: the column that names the organisation; which rows are counted besides; how many there may be. Requests at the same
-- moment may pass the bound by a few.
CREATE FUNCTION refuse_past_daily_bound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most constant integer := tg_argv[2]::integer;
    counted bigint;
BEGIN
    EXECUTE format(
        'SELECT count(*)
         FROM (SELECT FROM %I WHERE %I = $1 AND created_at > now() - interval ''1 day'' AND %s LIMIT $2) AS made',
        tg_table_name, tg_argv[0], tg_argv[1])
    INTO counted USING (to_jsonb(new) ->> tg_argv[0])::uuid, most;
    IF counted >= most THEN
        RAISE EXCEPTION 'an organisation makes at most % % a day', most, tg_table_name
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_table_name || '_per_day';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER items_per_day BEFORE INSERT ON items FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 20000);
CREATE TRIGGER listings_per_day BEFORE INSERT ON listings FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('seller_org_id', 'true', 10000);
CREATE TRIGGER auctions_per_day BEFORE INSERT ON auctions FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('seller_org_id', 'true', 10000);
CREATE TRIGGER invitations_per_day BEFORE INSERT ON invitations FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 500);
CREATE TRIGGER uploads_per_day BEFORE INSERT ON uploads FOR EACH ROW
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'true', 40000);
CREATE TRIGGER reports_per_day BEFORE INSERT ON reports FOR EACH ROW WHEN (new.requested_by IS NOT NULL)
EXECUTE FUNCTION refuse_past_daily_bound('org_id', 'requested_by IS NOT NULL', 500);

-- How much of it is open at once: exactly, by the organisation's row.
CREATE TRIGGER reports_unfinished BEFORE INSERT ON reports FOR EACH ROW WHEN (new.requested_by IS NOT NULL)
EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs',
    $$requested_by IS NOT NULL AND status IN ('queued', 'running')
      AND EXISTS (SELECT FROM jobs WHERE jobs.id = reports.job_id AND jobs.state < 'succeeded')$$, 20, 'reports_unfinished',
    'an organisation has at most 20 reports made at once');
CREATE TRIGGER uploads_unfinished BEFORE INSERT ON uploads FOR EACH ROW
EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'completed_at IS NULL AND expires_at > clock_timestamp()', 100, 'uploads_unfinished',
    'an organisation has at most 100 uploads announced and not completed');
