-- What runs for every listing and every award keeps its plans.

-- Planned anew for each listing, because its array is thought to have ten: two milliseconds, two thirds of what it takes to close an
-- auction. A plan may have been made while there was little, so it reads nothing but what indexes find.
ALTER FUNCTION index_listings(uuid[])
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;
ALTER FUNCTION index_numbers(uuid[])
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off;

-- As it was, but its sum names no status among its conditions: an index of all awards that stand would answer it as well, and was read
-- from end to end by plans that were made while there were few.
CREATE OR REPLACE FUNCTION refuse_excess_award() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    lot bigint;
BEGIN
    SELECT quantity INTO lot FROM auctions WHERE id = new.auction_id FOR NO KEY UPDATE;
    IF lot < (SELECT sum(quantity) FILTER (WHERE status = 'standing') FROM awards WHERE auction_id = new.auction_id) THEN
        RAISE EXCEPTION 'the awards exceed the lot'
            USING ERRCODE = 'check_violation', TABLE = 'awards', CONSTRAINT = 'awards_within_lot';
    END IF;
    IF EXISTS (SELECT FROM bid_retractions WHERE bid_id = new.bid_id) THEN
        RAISE EXCEPTION 'a retracted bid wins nothing'
            USING ERRCODE = 'check_violation', TABLE = 'awards', CONSTRAINT = 'awards_not_to_retracted';
    END IF;
    RETURN NULL;
END $$;
