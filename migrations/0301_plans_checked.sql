-- The rows that were there before the constraint.
ALTER TABLE orgs VALIDATE CONSTRAINT orgs_plan_known;
