-- Where each bid stands: in the list that everybody sees, among the bidders, and among the bids of its organisation. A page of the
-- list, the bound for an organisation, and a retraction then read no more bids than they need.

ALTER TABLE bids
    -- Counts the bids of the auction that everybody sees; a raise has the number of the bid before it.
    ADD COLUMN number bigint,
    -- Numbers the auction's bidders in the order of their first bid.
    ADD COLUMN bidder bigint,
    -- Counts the bids and raises of the organisation in the auction.
    ADD COLUMN nth integer;

ALTER TABLE bids DISABLE TRIGGER USER;
UPDATE bids AS b
SET number = placed.number,
    bidder = placed.bidder,
    nth = placed.nth
FROM (
    SELECT id, number, nth, dense_rank() OVER (PARTITION BY auction_id ORDER BY first_seq) AS bidder
    FROM (
        SELECT
            id, auction_id,
            count(*) FILTER (WHERE kind = 'bid') OVER (PARTITION BY auction_id ORDER BY seq) AS number,
            row_number() OVER (PARTITION BY auction_id, org_id ORDER BY seq) AS nth,
            min(seq) OVER (PARTITION BY auction_id, org_id) AS first_seq
        FROM bids
    ) AS counted
) AS placed
WHERE placed.id = b.id;
ALTER TABLE bids ENABLE TRIGGER USER;

ALTER TABLE bids
    ALTER COLUMN number SET NOT NULL,
    ALTER COLUMN bidder SET NOT NULL,
    ALTER COLUMN nth SET NOT NULL;

CREATE INDEX bids_shown ON bids (auction_id, number) WHERE kind = 'bid';
CREATE INDEX bids_bidders ON bids (auction_id, bidder) WHERE nth = 1;
CREATE INDEX bids_by_org ON bids (auction_id, org_id, nth);
-- What decides a whole lot after a retraction: the highest that remain.
CREATE INDEX bids_highest ON bids (auction_id, maximum_minor DESC, seq) WHERE lot_mode = 'whole';

-- Numbers a bid, and refuses one too many of an organisation.
CREATE FUNCTION number_bid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most constant integer := tg_argv[0]::integer;
    own record;
BEGIN
    -- Whoever bids holds this lock; whatever else writes takes its turn.
    PERFORM FROM auctions WHERE id = new.auction_id FOR NO KEY UPDATE;
    SELECT bidder, nth INTO own
    FROM bids
    WHERE auction_id = new.auction_id
      AND org_id = new.org_id
    ORDER BY nth DESC
    LIMIT 1;
    IF own.nth >= most THEN
        RAISE EXCEPTION 'an organisation has at most % bids in an auction', most
            USING ERRCODE = 'check_violation', TABLE = 'bids', CONSTRAINT = 'bids_per_org';
    END IF;
    new.nth := coalesce(own.nth, 0) + 1;
    new.bidder := coalesce(
        own.bidder,
        (SELECT bidder FROM bids WHERE auction_id = new.auction_id AND nth = 1 ORDER BY bidder DESC LIMIT 1) + 1,
        1);
    new.number := coalesce((SELECT number FROM bids WHERE auction_id = new.auction_id ORDER BY seq DESC LIMIT 1), 0)
                  + CASE new.kind WHEN 'bid' THEN 1 ELSE 0 END;
    RETURN new;
END $$;
CREATE TRIGGER bids_per_org BEFORE INSERT ON bids FOR EACH ROW EXECUTE FUNCTION number_bid(1000);
