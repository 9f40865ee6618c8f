-- What people find listings by: one narrow row for each listing that is on offer, made of the listing, its item and its site.

-- How search takes words apart; what is in another language is not stemmed.
CREATE FUNCTION stemmer(language text) RETURNS regconfig LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE language
               WHEN 'da' THEN 'danish'::regconfig
               WHEN 'de' THEN 'german'::regconfig
               WHEN 'en' THEN 'english'::regconfig
               WHEN 'es' THEN 'spanish'::regconfig
               WHEN 'fi' THEN 'finnish'::regconfig
               WHEN 'fr' THEN 'french'::regconfig
               WHEN 'it' THEN 'italian'::regconfig
               WHEN 'nl' THEN 'dutch'::regconfig
               WHEN 'no' THEN 'norwegian'::regconfig
               WHEN 'pt' THEN 'portuguese'::regconfig
               WHEN 'sv' THEN 'swedish'::regconfig
               ELSE 'simple'::regconfig
           END
$$;

CREATE FUNCTION newest_rates() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM fx_snapshots ORDER BY day DESC, id DESC LIMIT 1
$$;

-- What an amount is worth in euros, to compare and to sort by, never to book; NULL without a rate.
CREATE FUNCTION in_euros(minor bigint, of_currency text, by_snapshot bigint) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT minor / power(10::double precision, c.exponent)
           / CASE of_currency
                 WHEN 'EUR' THEN 1
                 ELSE (SELECT per_euro::double precision FROM fx_rates WHERE snapshot_id = by_snapshot AND currency = of_currency)
             END
    FROM currencies AS c
    WHERE c.code = of_currency
$$;

-- A value of an attribute as it is looked for: 'make=deere'. Long ones are told apart by how they begin.
CREATE FUNCTION facet(name text, value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT name || '=' || left(lower(value), 200)
$$;

-- An item's attributes that its category's schema makes facets; its category and those above it have no name: '=machinery'.
CREATE FUNCTION facets_of(attribute_schema jsonb, attributes jsonb, path text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_agg(facet ORDER BY facet COLLATE "C")
    FROM (
        SELECT facet('', array_to_string((string_to_array(path, '/'))[1:depth], '/')) AS facet
        FROM generate_series(1, cardinality(string_to_array(path, '/'))) AS depth
        UNION
        SELECT facet(p.key, v.value #>> '{}')
        FROM jsonb_each(attribute_schema -> 'properties') AS p
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(attributes -> p.key)
                WHEN 'array' THEN attributes -> p.key
                ELSE jsonb_build_array(attributes -> p.key)
            END) AS v
        WHERE p.value ->> 'filter' = 'facet'
          AND jsonb_typeof(v.value) IN ('string', 'number', 'boolean')
    ) AS facets
$$;

-- An item's numbers that its category's schema makes ranges.
CREATE FUNCTION numbers_of(attribute_schema jsonb, attributes jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_object_agg(p.key, attributes -> p.key), '{}')
    FROM jsonb_each(attribute_schema -> 'properties') AS p
    WHERE p.value ->> 'filter' = 'range'
      AND CASE jsonb_typeof(attributes -> p.key)
              -- Larger ones than fit are not looked for.
              WHEN 'number' THEN abs((attributes ->> p.key)::numeric) < 1e300
          END
$$;

-- What is found, from the tables that say so.
CREATE VIEW searchable_listings AS
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
WHERE l.status = 'published'
  AND o.status = 'approved';

CREATE TABLE listing_search (
    listing_id    uuid PRIMARY KEY CONSTRAINT listing_search_of_listing REFERENCES listings (id) ON DELETE CASCADE,
    item_id       uuid NOT NULL,
    seller_org_id uuid NOT NULL,
    language      text NOT NULL,
    sale_mode     text NOT NULL,
    currency      text NOT NULL,
    -- Per unit. NULL: it has no price of its own, like an auction.
    price_minor   bigint,
    -- The price; NULL without a rate.
    euros         double precision,
    -- By these rates; NULL: by none.
    rates_id      bigint,
    -- Where its item is, (longitude, latitude); NULL: nobody said.
    body          text,
    place         point,
    published_at  timestamptz NOT NULL,
    words         tsvector NOT NULL,
    -- 'make=deere', '=machinery', '=machinery/tractors'.
    facets        text[] NOT NULL,
    -- {"horsepower": 120}
    numbers       jsonb NOT NULL,
    indexed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT listing_search_place_on_body CHECK ((body IS NULL) = (place IS NULL))
);
-- What the planner has not counted it thinks more frequent than it is, and rare words are many.
ALTER TABLE listing_search ALTER COLUMN words SET STATISTICS 1000, ALTER COLUMN facets SET STATISTICS 1000;
CREATE INDEX listing_search_newest ON listing_search (published_at DESC, listing_id DESC);
CREATE INDEX listing_search_of_seller ON listing_search (seller_org_id, published_at DESC, listing_id DESC);
CREATE INDEX listing_search_of_item ON listing_search (item_id);
CREATE INDEX listing_search_price ON listing_search (euros, listing_id) WHERE euros IS NOT NULL;
CREATE INDEX listing_search_currency ON listing_search (currency, price_minor) WHERE price_minor IS NOT NULL;
-- Whose prices are by older rates.
CREATE INDEX listing_search_rates ON listing_search (rates_id, listing_id) WHERE currency <> 'EUR' AND price_minor IS NOT NULL;
CREATE INDEX listing_search_place ON listing_search USING gist (place) WHERE place IS NOT NULL;
-- Without pending lists: whoever searches does not tidy up.
CREATE INDEX listing_search_words ON listing_search USING gin (words) WITH (fastupdate = off);
CREATE INDEX listing_search_facets ON listing_search USING gin (facets) WITH (fastupdate = off);

-- The same numbers, to begin a search with those that few have.
CREATE TABLE listing_numbers (
    listing_id uuid NOT NULL CONSTRAINT listing_numbers_of_listing REFERENCES listing_search (listing_id) ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL,
    value      double precision NOT NULL,
    PRIMARY KEY (listing_id, name)
);
CREATE INDEX listing_numbers_range ON listing_numbers (name, value, listing_id);

-- Auctions that end soonest, with what they sell.
CREATE INDEX auctions_ending_listings ON auctions (ends_at, listing_id) WHERE status IN ('scheduled', 'live');
