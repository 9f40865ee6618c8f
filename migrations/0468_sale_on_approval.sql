-- Sale on approval: the highest bid for a whole lot is below the reserve, and the seller decides.

ALTER TABLE auctions
    DROP CONSTRAINT auctions_status_check,
    ADD CONSTRAINT auctions_status_known
        CHECK (status IN ('scheduled', 'live', 'on_approval', 'awarded', 'unsold', 'cancelled', 'defaulted'));
CREATE OR REPLACE FUNCTION refuse_auction_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.status, new.status) NOT IN (
        ('scheduled', 'live'), ('scheduled', 'on_approval'), ('scheduled', 'awarded'), ('scheduled', 'unsold'),
        ('scheduled', 'cancelled'),
        ('live', 'on_approval'), ('live', 'awarded'), ('live', 'unsold'), ('live', 'cancelled'),
        ('on_approval', 'awarded'), ('on_approval', 'unsold'),
        ('awarded', 'defaulted'), ('defaulted', 'awarded'), ('unsold', 'awarded')
    ) THEN
        RAISE EXCEPTION 'a % auction cannot become %', old.status, new.status
            USING ERRCODE = 'check_violation', TABLE = 'auctions', CONSTRAINT = 'auctions_status_moves';
    END IF;
    RETURN new;
END $$;

ALTER TABLE awards
    DROP CONSTRAINT awards_source_check,
    ADD CONSTRAINT awards_source_known CHECK (source IN ('bid', 'buy_now', 'second_chance', 'approval'));

CREATE TABLE approvals (
    auction_id    uuid PRIMARY KEY CONSTRAINT approvals_of_auction REFERENCES auctions (id),
    bid_id        uuid NOT NULL,
    org_id        uuid NOT NULL,
    status        text NOT NULL DEFAULT 'asked'
                  CONSTRAINT approvals_status_known CHECK (status IN ('asked', 'countered', 'accepted', 'declined', 'expired')),
    -- What was bid, for the whole lot.
    price_minor   bigint NOT NULL CONSTRAINT approvals_price_positive CHECK (price_minor > 0),
    -- What the seller would sell it for instead.
    counter_minor bigint CONSTRAINT approvals_counter_above_price
                  CHECK (counter_minor > price_minor AND counter_minor <= 1000000000000000),
    asked_at      timestamptz NOT NULL,
    -- For whoever is to answer.
    expires_at    timestamptz NOT NULL,
    decided_at    timestamptz,
    CONSTRAINT approvals_of_bid FOREIGN KEY (bid_id, auction_id, org_id) REFERENCES bids (id, auction_id, org_id),
    CONSTRAINT approvals_times_in_order CHECK (expires_at > asked_at),
    CONSTRAINT approvals_decided CHECK ((status IN ('asked', 'countered')) = (decided_at IS NULL)),
    CONSTRAINT approvals_countered CHECK (counter_minor IS NOT NULL OR status <> 'countered')
);
CREATE INDEX approvals_due ON approvals (expires_at) WHERE status IN ('asked', 'countered');
CREATE TRIGGER approvals_status_moves BEFORE UPDATE OF status ON approvals FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('approvals_status_moves', 'asked>countered', 'asked>accepted', 'asked>declined', 'asked>expired',
    'countered>accepted', 'countered>declined', 'countered>expired');
-- The other amount and the time for it come with the act that names them.
CREATE TRIGGER approvals_fixed BEFORE UPDATE ON approvals FOR EACH ROW
    WHEN (ROW (old.auction_id, old.bid_id, old.org_id, old.price_minor, old.asked_at)
          IS DISTINCT FROM ROW (new.auction_id, new.bid_id, new.org_id, new.price_minor, new.asked_at)
          OR (ROW (old.counter_minor, old.expires_at) IS DISTINCT FROM ROW (new.counter_minor, new.expires_at)
              AND NOT (old.status = 'asked' AND new.status = 'countered')))
EXECUTE FUNCTION refuse_change('approvals_fixed');
CREATE TRIGGER approvals_kept BEFORE DELETE OR TRUNCATE ON approvals FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('approvals_kept');
