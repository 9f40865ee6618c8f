-- When a provider first said that a payment waits for its buyer: from then on they have their time to confirm it with their bank.
-- NULL: no provider has said so yet, or it was said before this column was there.
ALTER TABLE payments ADD COLUMN waits_since timestamptz;
