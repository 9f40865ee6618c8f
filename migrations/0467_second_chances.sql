-- A lot that was not sold, or not paid, is offered to its next bidder.

ALTER TABLE auctions
    -- How many bidders in a row may be offered the lot by themselves after one has not paid.
    ADD COLUMN second_chances smallint NOT NULL DEFAULT 1
        CONSTRAINT auctions_second_chances_range CHECK (second_chances BETWEEN 0 AND 10);
CREATE TRIGGER auctions_second_chances_fixed BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (old.second_chances IS DISTINCT FROM new.second_chances)
EXECUTE FUNCTION refuse_auction_change();

CREATE TABLE second_chances (
    id           uuid PRIMARY KEY,
    auction_id   uuid NOT NULL CONSTRAINT second_chances_of_auction REFERENCES auctions (id),
    bid_id       uuid NOT NULL,
    org_id       uuid NOT NULL,
    quantity     bigint NOT NULL CONSTRAINT second_chances_quantity_positive CHECK (quantity > 0),
    -- For the whole quantity; the bidder's own maximum.
    amount_minor bigint NOT NULL CONSTRAINT second_chances_amount_range CHECK (amount_minor BETWEEN 1 AND 1000000000000000),
    status       text NOT NULL DEFAULT 'offered'
                 CONSTRAINT second_chances_status_known CHECK (status IN ('offered', 'accepted', 'declined', 'expired')),
    offered_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    decided_at   timestamptz,
    CONSTRAINT second_chances_of_bid FOREIGN KEY (bid_id, auction_id, org_id) REFERENCES bids (id, auction_id, org_id),
    CONSTRAINT second_chances_once_per_bid UNIQUE (bid_id),
    CONSTRAINT second_chances_times_in_order CHECK (expires_at > offered_at),
    CONSTRAINT second_chances_decided CHECK ((status = 'offered') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX second_chances_one_open ON second_chances (auction_id) WHERE status = 'offered';
CREATE INDEX second_chances_by_auction ON second_chances (auction_id, id);
CREATE INDEX second_chances_due ON second_chances (expires_at) WHERE status = 'offered';
CREATE TRIGGER second_chances_status_moves BEFORE UPDATE OF status ON second_chances FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status)
EXECUTE FUNCTION refuse_move('second_chances_status_moves', 'offered>accepted', 'offered>declined', 'offered>expired');
CREATE TRIGGER second_chances_fixed BEFORE UPDATE ON second_chances FOR EACH ROW
    WHEN (ROW (old.auction_id, old.bid_id, old.org_id, old.quantity, old.amount_minor, old.offered_at, old.expires_at)
          IS DISTINCT FROM
          ROW (new.auction_id, new.bid_id, new.org_id, new.quantity, new.amount_minor, new.offered_at, new.expires_at))
EXECUTE FUNCTION refuse_change('second_chances_fixed');
CREATE TRIGGER second_chances_kept BEFORE DELETE OR TRUNCATE ON second_chances FOR EACH STATEMENT
EXECUTE FUNCTION refuse_change('second_chances_kept');

CREATE OR REPLACE FUNCTION refuse_auction_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (old.status, new.status) NOT IN (
        ('scheduled', 'live'), ('scheduled', 'awarded'), ('scheduled', 'unsold'), ('scheduled', 'cancelled'),
        ('live', 'awarded'), ('live', 'unsold'), ('live', 'cancelled'),
        ('awarded', 'defaulted'), ('defaulted', 'awarded'), ('unsold', 'awarded')
    ) THEN
        RAISE EXCEPTION 'a % auction cannot become %', old.status, new.status
            USING ERRCODE = 'check_violation', TABLE = 'auctions', CONSTRAINT = 'auctions_status_moves';
    END IF;
    RETURN new;
END $$;
