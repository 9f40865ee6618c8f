-- The plans that there are. Partners may ask more often.
ALTER TABLE orgs ADD CONSTRAINT orgs_plan_known CHECK (plan IN ('standard', 'partner')) NOT VALID;
