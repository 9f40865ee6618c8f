-- The bounds of 0230, kept by one function: each locks the row that it counts for, so that two at once do not both find room.

DROP TRIGGER orgs_bound ON orgs;
DROP TRIGGER memberships_bound ON memberships;
DROP TRIGGER invitations_bound ON invitations;
DROP FUNCTION bound_orgs();
DROP FUNCTION bound_memberships();
DROP FUNCTION bound_invitations();

-- Arguments: the column that names whose rows are counted; the table that it leads to; which rows count besides; how many there may be;
-- the constraint; what is said.
CREATE FUNCTION refuse_past_bound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose constant uuid := to_jsonb(NEW) ->> TG_ARGV[0];
    counted bigint;
BEGIN
    EXECUTE format('SELECT FROM %I WHERE id = $1 FOR NO KEY UPDATE', TG_ARGV[1]) USING whose;
    EXECUTE format('SELECT count(*) FROM %I WHERE %I = $1 AND %s', TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[2])
        INTO counted USING whose;
    IF counted >= TG_ARGV[3]::bigint THEN
        RAISE EXCEPTION '%', TG_ARGV[5]
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_ARGV[4];
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER orgs_bound BEFORE INSERT ON orgs FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'created_by', 'users', 'true', 20, 'orgs_per_founder', 'a person founds at most 20 organisations');
-- By their names: first the organisation is locked, then the person.
CREATE TRIGGER memberships_bound_of_org BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'true', 500, 'memberships_per_org', 'an organisation has at most 500 members');
CREATE TRIGGER memberships_bound_of_person BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'user_id', 'users', 'true', 20, 'memberships_per_person', 'a person belongs to at most 20 organisations');
CREATE TRIGGER invitations_bound BEFORE INSERT ON invitations FOR EACH ROW EXECUTE FUNCTION refuse_past_bound(
    'org_id', 'orgs', 'ended_at IS NULL', 100, 'invitations_per_org', 'an organisation has at most 100 open invitations');
