-- Two more plans; each plan has commissions of its own.
ALTER TABLE orgs DROP CONSTRAINT orgs_plan_known,
    ADD CONSTRAINT orgs_plan_known CHECK (plan IN ('free', 'standard', 'pro', 'partner'));
