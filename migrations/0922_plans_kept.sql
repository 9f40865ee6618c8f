-- What runs for every listing and every award keeps its plans.

-- What is found, as it was. What is asked of a listing and of its seller is not said as the indexes of all that is published or approved
-- have it: a plan of before there was anything would read those from end to end.
CREATE OR REPLACE VIEW searchable_listings AS
SELECT l.id AS listing_id,
       l.item_id,
       l.seller_org_id,
       l.language,
       l.sale_mode,
       l.currency,
       l.price_minor,
       in_euros(l.price_minor, l.currency, rates.id) AS euros,
       CASE WHEN l.currency <> 'EUR' AND l.price_minor IS NOT NULL THEN rates.id END AS rates_id,
       s.body,
       point(s.longitude, s.latitude) AS place,
       l.published_at,
       setweight(to_tsvector(stemmer(l.language), l.title), 'A')
           || setweight(to_tsvector(stemmer(l.language), l.description), 'B') AS words,
       facets_of(c.attribute_schema, i.attributes, c.path) AS facets,
       numbers_of(c.attribute_schema, i.attributes) AS numbers
FROM listings AS l
JOIN items AS i ON i.id = l.item_id
JOIN categories AS c ON c.id = i.category_id
JOIN orgs AS o ON o.id = l.seller_org_id
LEFT JOIN sites AS s ON s.id = l.site_id
CROSS JOIN (SELECT newest_rates() AS id) AS rates
WHERE (l.status = 'published') IS TRUE
  AND (o.status = 'approved') IS TRUE;

-- Planned anew for each listing, because its array is thought to have ten: two milliseconds, two thirds of what it takes to close an
-- auction. Plans are kept now. Each statement asks listing by listing (a scalar, OFFSET), since what becomes a join may begin with all
-- organisations.
CREATE OR REPLACE FUNCTION index_listings(which uuid[]) RETURNS void LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM listing_search AS t
    WHERE t.listing_id = ANY (which)
      AND (SELECT true FROM searchable_listings AS s WHERE s.listing_id = t.listing_id LIMIT 1) IS NULL;
    INSERT INTO listing_search AS t
        (listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body, place, published_at,
         words, facets, numbers)
    SELECT listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body, place, published_at,
           words, facets, numbers
    FROM (SELECT DISTINCT id FROM unnest(which) AS named (id)) AS asked
    CROSS JOIN LATERAL (SELECT * FROM searchable_listings AS s WHERE s.listing_id = asked.id OFFSET 0) AS found
    ORDER BY listing_id
    ON CONFLICT (listing_id) DO UPDATE
    SET item_id = excluded.item_id,
        language = excluded.language,
        sale_mode = excluded.sale_mode,
        currency = excluded.currency,
        price_minor = excluded.price_minor,
        euros = excluded.euros,
        rates_id = excluded.rates_id,
        body = excluded.body,
        place = excluded.place,
        published_at = excluded.published_at,
        words = excluded.words,
        facets = excluded.facets,
        numbers = excluded.numbers,
        indexed_at = clock_timestamp();
    PERFORM index_numbers(which);
END $$;
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
