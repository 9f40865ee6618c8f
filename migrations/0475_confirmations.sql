-- A bank may ask the buyer before it lets a payment go: where the buyer has to go, as the provider says it.

ALTER TABLE payments
    ADD COLUMN confirm_at text,
    ADD CONSTRAINT payments_confirm_form CHECK (confirm_at ~ '^https?://' AND length(confirm_at) <= 2000),
    -- Nothing has to be confirmed before the provider was asked, or after it has decided.
    ADD CONSTRAINT payments_confirm_while_funding CHECK (confirm_at IS NULL OR status = 'funding');
