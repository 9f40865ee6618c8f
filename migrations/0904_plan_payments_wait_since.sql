-- When a provider first said that a payment for a plan waits for its payer: from then on they have a day to confirm it with their bank.
-- NULL: no provider has said so yet, or it was said before this column was there.
ALTER TABLE plan_payments ADD COLUMN waits_since timestamptz;
