-- Nobody joins an organisation while an own bid stands in one of its auctions: a seller's people do not buy its lots, whichever
-- comes first.

CREATE INDEX bids_of_person ON bids (placed_by, seller_org_id);

-- A bid and a membership of the same person take turns by the person's row. The bid's own foreign key takes this lock as well, but
-- only when the membership has been looked for.
CREATE OR REPLACE FUNCTION refuse_sellers_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person uuid;
BEGIN
    IF tg_table_name = 'bids' THEN
        person := new.placed_by;
    ELSE
        person := new.awarded_to;
    END IF;
    PERFORM FROM users WHERE id = person FOR KEY SHARE;
    IF EXISTS (SELECT FROM memberships WHERE org_id = new.seller_org_id AND user_id = person) THEN
        RAISE EXCEPTION 'people of the selling organisation do not buy its lots'
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_name;
    END IF;
    RETURN new;
END $$;

CREATE FUNCTION refuse_bidders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- First the organisation, then the person, as everywhere.
    PERFORM FROM orgs WHERE id = new.org_id FOR NO KEY UPDATE;
    PERFORM FROM users WHERE id = new.user_id FOR UPDATE;
    IF EXISTS (
        SELECT
        FROM bids AS b
        JOIN auctions AS a ON a.id = b.auction_id
        WHERE b.placed_by = new.user_id
          AND b.seller_org_id = new.org_id
          AND a.status IN ('scheduled', 'live')
          AND NOT EXISTS (SELECT FROM bid_retractions AS r WHERE r.bid_id = b.id)
    ) THEN
        RAISE EXCEPTION 'whoever has a bid in an open auction of the organisation cannot join it'
            USING ERRCODE = 'check_violation', TABLE = 'memberships', CONSTRAINT = 'memberships_not_of_bidders';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER memberships_not_of_bidders BEFORE INSERT ON memberships FOR EACH ROW EXECUTE FUNCTION refuse_bidders();
