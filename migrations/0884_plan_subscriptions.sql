-- Plans that organisations choose and pay for: what each costs and allows, who subscribes to which, the terms that were paid for or
-- are owed, and the attempts to pay.

CREATE TABLE plans (
    code          text CONSTRAINT plans_pkey PRIMARY KEY
                  CONSTRAINT plans_code_known CHECK (code IN ('free', 'standard', 'pro', 'partner')),
    -- Whether organisations choose it themselves; the others are agreed.
    offered       boolean NOT NULL,
    -- How long an organisation that has never subscribed before may try it.
    trial_days    smallint NOT NULL DEFAULT 0 CONSTRAINT plans_trial_range CHECK (trial_days BETWEEN 0 AND 90),
    -- How many listings an organisation may have published at once; NULL: as many as any organisation.
    most_listings integer CONSTRAINT plans_listings_range CHECK (most_listings >= 0)
);

-- What a month costs. A term keeps the fee that it began with.
CREATE TABLE plan_fees (
    plan      text NOT NULL CONSTRAINT plan_fees_of_plan REFERENCES plans (code),
    currency  text NOT NULL REFERENCES currencies (code),
    fee_minor bigint NOT NULL CONSTRAINT plan_fees_range CHECK (fee_minor BETWEEN 1 AND 1000000000000000),
    -- Free is free.
    CONSTRAINT plan_fees_of_paid CHECK (plan <> 'free'),
    PRIMARY KEY (plan, currency)
);

INSERT INTO plans (code, offered, trial_days)
VALUES ('free', true, 0), ('standard', true, 0), ('pro', true, 14), ('partner', false, 0);
INSERT INTO plan_fees (plan, currency, fee_minor)
VALUES
    ('standard', 'EUR', 1900), ('standard', 'GBP', 1700), ('standard', 'USD', 2100),
    ('pro', 'EUR', 7900), ('pro', 'GBP', 6900), ('pro', 'USD', 8500);

-- Whoever is new is on the free plan; those who were here before keep what they have.
ALTER TABLE orgs ALTER COLUMN plan SET DEFAULT 'free';

CREATE TABLE plan_subscriptions (
    id         uuid PRIMARY KEY,
    org_id     uuid NOT NULL REFERENCES orgs (id),
    plan       text NOT NULL CONSTRAINT plan_subscriptions_of_plan REFERENCES plans (code),
    currency   text NOT NULL REFERENCES currencies (code),
    -- What the plan costs in a whole term like the current one; nothing while it is tried.
    fee_minor  bigint NOT NULL
               CONSTRAINT plan_subscriptions_fee_range CHECK (fee_minor BETWEEN 0 AND 1000000000000000),
    status     text NOT NULL CONSTRAINT plan_subscriptions_status_known
               CHECK (status IN ('trial', 'active', 'past_due', 'cancelled')),
    -- What follows when the term is over, if that is another one; free: it ends.
    next_plan  text CONSTRAINT plan_subscriptions_next_known REFERENCES plans (code),
    -- The day of the month on which terms begin; the last day where a month has no such day.
    anchor_day smallint NOT NULL CONSTRAINT plan_subscriptions_anchor_range CHECK (anchor_day BETWEEN 1 AND 31),
    -- The number of the current term, and when it ends.
    term       integer NOT NULL CONSTRAINT plan_subscriptions_term_positive CHECK (term > 0),
    renews_at  timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    CONSTRAINT plan_subscriptions_paid CHECK (plan <> 'free'),
    CONSTRAINT plan_subscriptions_trial_free CHECK ((status = 'trial') <= (fee_minor = 0)),
    CONSTRAINT plan_subscriptions_ended CHECK ((status = 'cancelled') = (ended_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX plan_subscriptions_one_open ON plan_subscriptions (org_id) WHERE status <> 'cancelled';
CREATE INDEX plan_subscriptions_of_org ON plan_subscriptions (org_id, id);
CREATE INDEX plan_subscriptions_due ON plan_subscriptions (renews_at, id) WHERE status <> 'cancelled';
CREATE TRIGGER plan_subscriptions_status_moves BEFORE UPDATE OF status ON plan_subscriptions FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('plan_subscriptions_status_moves',
    'trial>active', 'trial>cancelled', 'active>past_due', 'active>cancelled', 'past_due>active', 'past_due>cancelled');
CREATE TRIGGER plan_subscriptions_fixed BEFORE UPDATE ON plan_subscriptions FOR EACH ROW
    WHEN (ROW (old.id, old.org_id, old.currency, old.anchor_day, old.created_at)
          IS DISTINCT FROM ROW (new.id, new.org_id, new.currency, new.anchor_day, new.created_at)
          OR new.term NOT IN (old.term, old.term + 1)
          OR (new.term = old.term AND new.renews_at IS DISTINCT FROM old.renews_at))
EXECUTE FUNCTION refuse_change('plan_subscriptions_fixed');
CREATE TRIGGER plan_subscriptions_kept BEFORE DELETE OR TRUNCATE ON plan_subscriptions FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('plan_subscriptions_kept');

-- From the first instant of one day to the first instant of another, in the organisation's time zone. One per number: whoever renews
-- second finds the term there.
CREATE TABLE plan_terms (
    subscription_id uuid NOT NULL CONSTRAINT plan_terms_of_subscription REFERENCES plan_subscriptions (id),
    number          integer NOT NULL CONSTRAINT plan_terms_number_positive CHECK (number > 0),
    -- As it began.
    plan            text NOT NULL CONSTRAINT plan_terms_of_plan REFERENCES plans (code),
    fee_minor       bigint NOT NULL CONSTRAINT plan_terms_fee_range CHECK (fee_minor BETWEEN 0 AND 1000000000000000),
    starts_on       date NOT NULL,
    ends_on         date NOT NULL,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    PRIMARY KEY (subscription_id, number),
    CONSTRAINT plan_terms_days CHECK (ends_on - starts_on BETWEEN 1 AND 92 AND ends_at > starts_at)
);
CREATE TRIGGER plan_terms_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_terms FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- What an organisation owes the platform for a term, or for the rest of one on a better plan.
CREATE TABLE plan_charges (
    id              uuid PRIMARY KEY,
    subscription_id uuid NOT NULL,
    term            integer NOT NULL,
    kind            text NOT NULL CONSTRAINT plan_charges_kind_known CHECK (kind IN ('term', 'upgrade')),
    plan            text NOT NULL CONSTRAINT plan_charges_of_plan REFERENCES plans (code),
    amount_minor    bigint NOT NULL CONSTRAINT plan_charges_amount_range CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    currency        text NOT NULL REFERENCES currencies (code),
    status          text NOT NULL DEFAULT 'open'
                    CONSTRAINT plan_charges_status_known CHECK (status IN ('open', 'paid', 'lapsed')),
    due_at          timestamptz NOT NULL,
    -- How many reminders were sent, and when the next step is due; NULL: none is.
    reminders       smallint NOT NULL DEFAULT 0 CONSTRAINT plan_charges_reminders_range CHECK (reminders BETWEEN 0 AND 3),
    act_at          timestamptz,
    ended_at        timestamptz,
    CONSTRAINT plan_charges_of_term FOREIGN KEY (subscription_id, term) REFERENCES plan_terms (subscription_id, number),
    -- A term is charged for once, and so is each better plan within it.
    CONSTRAINT plan_charges_once UNIQUE (subscription_id, term, plan),
    CONSTRAINT plan_charges_terms UNIQUE (id, amount_minor, currency),
    CONSTRAINT plan_charges_acted CHECK ((status = 'open') = (act_at IS NOT NULL)),
    CONSTRAINT plan_charges_ended CHECK ((status = 'open') = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX plan_charges_due ON plan_charges (act_at, id) WHERE status = 'open';
CREATE TRIGGER plan_charges_status_moves BEFORE UPDATE OF status ON plan_charges FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('plan_charges_status_moves', 'open>paid', 'open>lapsed', 'lapsed>paid');
CREATE TRIGGER plan_charges_fixed BEFORE UPDATE ON plan_charges FOR EACH ROW
    WHEN (ROW (old.id, old.subscription_id, old.term, old.kind, old.plan, old.amount_minor, old.currency, old.due_at)
          IS DISTINCT FROM
          ROW (new.id, new.subscription_id, new.term, new.kind, new.plan, new.amount_minor, new.currency, new.due_at)
          OR new.reminders < old.reminders)
EXECUTE FUNCTION refuse_change('plan_charges_fixed');
CREATE TRIGGER plan_charges_kept BEFORE DELETE OR TRUNCATE ON plan_charges FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('plan_charges_kept');

-- One attempt to pay a charge. Its id is the key under which the provider is asked.
CREATE TABLE plan_payments (
    id           uuid PRIMARY KEY,
    charge_id    uuid NOT NULL,
    attempt      smallint NOT NULL CONSTRAINT plan_payments_attempt_range CHECK (attempt BETWEEN 1 AND 100),
    provider     text NOT NULL CONSTRAINT plan_payments_provider_known CHECK (provider IN ('stripe', 'mollie', 'simulator')),
    -- The provider's name for the way to pay.
    method       text NOT NULL CONSTRAINT plan_payments_method_length CHECK (length(method) BETWEEN 1 AND 200),
    -- The provider's name for the payment; NULL until it has answered.
    provider_ref text CONSTRAINT plan_payments_ref_length CHECK (length(provider_ref) BETWEEN 1 AND 200),
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    status       text NOT NULL DEFAULT 'created' CONSTRAINT plan_payments_status_known
                 CHECK (status IN ('created', 'funding', 'held', 'failed', 'cancelled')),
    failure      text CONSTRAINT plan_payments_failure_length CHECK (length(failure) BETWEEN 1 AND 200),
    confirm_at   text CONSTRAINT plan_payments_confirm_form CHECK (confirm_at ~ '^https?://' AND length(confirm_at) <= 2000),
    created_by   uuid NOT NULL REFERENCES users (id),
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    -- It pays all of its charge.
    CONSTRAINT plan_payments_of_charge FOREIGN KEY (charge_id, amount_minor, currency)
        REFERENCES plan_charges (id, amount_minor, currency),
    CONSTRAINT plan_payments_attempt_once UNIQUE (charge_id, attempt),
    CONSTRAINT plan_payments_ref_once UNIQUE (provider, provider_ref),
    CONSTRAINT plan_payments_confirm_while_funding CHECK (confirm_at IS NULL OR status = 'funding'),
    CONSTRAINT plan_payments_held_ref CHECK (status <> 'held' OR provider_ref IS NOT NULL),
    CONSTRAINT plan_payments_failed_why CHECK ((status = 'failed') = (failure IS NOT NULL)),
    CONSTRAINT plan_payments_ended CHECK ((status IN ('created', 'funding')) = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX plan_payments_one_live ON plan_payments (charge_id) WHERE status IN ('created', 'funding', 'held');
CREATE INDEX plan_payments_unsettled ON plan_payments (created_at, id) WHERE status IN ('created', 'funding');
CREATE INDEX plan_payments_made ON plan_payments (provider, created_at, id) WHERE provider_ref IS NOT NULL;
CREATE INDEX plan_payments_by_person ON plan_payments (created_by, id);
CREATE TRIGGER plan_payments_status_moves BEFORE UPDATE OF status ON plan_payments FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('plan_payments_status_moves',
    'created>funding', 'created>cancelled', 'funding>held', 'funding>failed', 'funding>cancelled');
CREATE TRIGGER plan_payments_fixed BEFORE UPDATE ON plan_payments FOR EACH ROW
    WHEN (ROW (old.charge_id, old.attempt, old.provider, old.method, old.amount_minor, old.currency, old.created_by, old.created_at)
          IS DISTINCT FROM
          ROW (new.charge_id, new.attempt, new.provider, new.method, new.amount_minor, new.currency, new.created_by, new.created_at)
          OR (old.provider_ref IS NOT NULL AND old.provider_ref IS DISTINCT FROM new.provider_ref))
EXECUTE FUNCTION refuse_change('plan_payments_fixed');
CREATE TRIGGER plan_payments_kept BEFORE DELETE OR TRUNCATE ON plan_payments FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('plan_payments_kept');
