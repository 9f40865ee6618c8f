-- Buyers who win and do not pay.

CREATE TABLE strikes (
    id       uuid PRIMARY KEY,
    org_id   uuid NOT NULL CONSTRAINT strikes_of_org REFERENCES orgs (id),
    order_id uuid NOT NULL CONSTRAINT strikes_of_order REFERENCES orders (id),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT strikes_once_per_order UNIQUE (order_id)
);
CREATE INDEX strikes_by_org ON strikes (org_id, at);
CREATE TRIGGER strikes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON strikes FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- Why a strike is not deserved. Decided once; one that is lifted counts no more.
CREATE TABLE appeals (
    strike_id   uuid PRIMARY KEY CONSTRAINT appeals_of_strike REFERENCES strikes (id),
    text        text NOT NULL CONSTRAINT appeals_text_length CHECK (length(text) BETWEEN 1 AND 4000),
    appealed_by uuid NOT NULL REFERENCES users (id),
    appealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome     text CONSTRAINT appeals_outcome_known CHECK (outcome IN ('lifted', 'kept')),
    note        text CONSTRAINT appeals_note_length CHECK (length(note) BETWEEN 1 AND 1000),
    decided_by  uuid REFERENCES users (id),
    decided_at  timestamptz,
    CONSTRAINT appeals_decided_whole CHECK (
        num_nonnulls(outcome, note, decided_by, decided_at) IN (0, 4))
);
CREATE INDEX appeals_open ON appeals (appealed_at, strike_id) WHERE outcome IS NULL;
CREATE FUNCTION refuse_appeal_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an appeal is decided once, and its words are fixed'
        USING ERRCODE = 'check_violation', TABLE = 'appeals', CONSTRAINT = 'appeals_decided_once';
END $$;
CREATE TRIGGER appeals_decided_once BEFORE UPDATE ON appeals FOR EACH ROW
    WHEN (old.outcome IS NOT NULL
          OR ROW (old.strike_id, old.text, old.appealed_by, old.appealed_at)
              IS DISTINCT FROM ROW (new.strike_id, new.text, new.appealed_by, new.appealed_at))
EXECUTE FUNCTION refuse_appeal_change();

-- A lot whose winner has not paid can be offered again.
CREATE OR REPLACE FUNCTION refuse_listing_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.status, new.status) NOT IN (
        ('draft', 'in_review'), ('draft', 'published'), ('draft', 'withdrawn'),
        ('in_review', 'draft'), ('in_review', 'published'), ('in_review', 'withdrawn'),
        ('published', 'suspended'), ('published', 'sold_out'), ('published', 'ended'), ('published', 'withdrawn'),
        ('suspended', 'published'), ('suspended', 'sold_out'), ('suspended', 'ended'), ('suspended', 'withdrawn'),
        ('sold_out', 'ended'), ('ended', 'sold_out')
    ) THEN
        RAISE EXCEPTION 'a % listing cannot become %', old.status, new.status
            USING ERRCODE = 'check_violation', TABLE = 'listings', CONSTRAINT = 'listings_status_moves';
    END IF;
    RETURN new;
END $$;

-- An award that was not paid stays so.
CREATE FUNCTION refuse_award_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an award only ever becomes defaulted'
        USING ERRCODE = 'check_violation', TABLE = 'awards', CONSTRAINT = 'awards_only_default';
END $$;
CREATE TRIGGER awards_only_default BEFORE UPDATE ON awards FOR EACH ROW
    WHEN (old.status = 'defaulted'
          OR ROW (old.id, old.auction_id, old.seller_org_id, old.currency, old.lot_mode, old.org_id, old.awarded_to, old.source,
                  old.bid_id, old.quantity, old.amount_minor, old.awarded_at)
              IS DISTINCT FROM
              ROW (new.id, new.auction_id, new.seller_org_id, new.currency, new.lot_mode, new.org_id, new.awarded_to, new.source,
                   new.bid_id, new.quantity, new.amount_minor, new.awarded_at))
EXECUTE FUNCTION refuse_award_change();
