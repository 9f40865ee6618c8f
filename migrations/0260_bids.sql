-- Who may bid, by person; what a bid on a divisible lot needs to read; how often an outbid bidder is told.

-- The bids that decide a divisible lot, the best first: nobody reads further than the lot reaches.
CREATE INDEX bids_book ON bids (auction_id, amount_minor DESC, seq) WHERE lot_mode = 'divisible';

-- Until now an organisation could not bid on its own lot, but its people could, for another organisation. The store judges by the
-- locked row; this refuses whatever else writes.
CREATE FUNCTION refuse_sellers_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
BEGIN
    IF tg_table_name = 'bids' THEN
        person := new.placed_by;
    ELSE
        person := new.awarded_to;
    END IF;
    IF EXISTS (SELECT FROM memberships WHERE org_id = new.seller_org_id AND user_id = person) THEN
        RAISE EXCEPTION 'people of the selling organisation do not buy its lots'
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER bids_not_by_sellers_people BEFORE INSERT ON bids FOR EACH ROW EXECUTE FUNCTION refuse_sellers_people();
-- An award by bid follows the bid, whoever has joined the seller since.
CREATE TRIGGER awards_not_to_sellers_people BEFORE INSERT ON awards FOR EACH ROW WHEN (new.source = 'buy_now')
EXECUTE FUNCTION refuse_sellers_people();

-- When an organisation was last told that it was outbid in an auction; whoever is about to tell it holds the row.
CREATE TABLE outbid_notices (
    auction_id uuid NOT NULL REFERENCES auctions (id),
    org_id     uuid NOT NULL REFERENCES orgs (id),
    -- NULL: it was not told yet.
    told_at    timestamptz,
    PRIMARY KEY (auction_id, org_id)
) WITH (fillfactor = 70);

-- A lot that is shared out has at most a thousand shares: every bid on it is judged against those that are served.
CREATE FUNCTION refuse_tiny_shares() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a divisible lot has at most 1000 shares'
        USING ERRCODE = 'check_violation', TABLE = 'auctions', CONSTRAINT = tg_name;
END $$;
CREATE TRIGGER auctions_shares_range BEFORE INSERT ON auctions FOR EACH ROW
    WHEN (new.lot_mode = 'divisible' AND new.quantity / new.min_order > 1000)
EXECUTE FUNCTION refuse_tiny_shares();

-- A moderator has suspended the listing. Stands here as well, so that a bid which waited for the auction's lock finds it in the row.
ALTER TABLE auctions ADD COLUMN suspended boolean NOT NULL DEFAULT false;
