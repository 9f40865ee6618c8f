-- Listings to search, made up by the server itself: sellers with sites all over Europe, tractors, implements, parts and the rest of
-- the catalogue, in four languages and four currencies. How many is $1.
WITH snapshot AS (
    INSERT INTO fx_snapshots (source, day, rates, checksum) VALUES ('bench', '2026-01-05', 3, sha256('bench')) RETURNING id
)
INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro)
SELECT id, n, 3, code, per_euro
FROM snapshot, (VALUES (1, 'USD', 1.0837), (2, 'DKK', 7.46), (3, 'PLN', 4.31)) AS r (n, code, per_euro);

SELECT setseed(0.42);

INSERT INTO users (id, email, email_verified_at, name, password_hash)
VALUES ('00000000-0000-7000-9000-000000000000', 'sellers@bench.test', now(), 'Bench', '-');
INSERT INTO orgs (id, legal_name, kinds, time_zone, status, created_by)
SELECT ('00000000-0000-7000-9001-' || lpad(n::text, 12, '0'))::uuid, 'Seller ' || n, '{seller}', 'UTC', 'approved',
       '00000000-0000-7000-9000-000000000000'
FROM generate_series(1, 400) AS n;
INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
SELECT ('00000000-0000-7000-9002-' || lpad(n::text, 12, '0'))::uuid, ('00000000-0000-7000-9001-' || lpad((1 + n % 400)::text, 12, '0'))::uuid,
       r.id, 'Site', 'dealership', 'earth', 37 + 24 * random(), -9 + 39 * random()
FROM generate_series(0, 799) AS n, regions AS r
WHERE r.code = 'earth/de';
INSERT INTO machine_models (id, category_id, make, name, slug)
SELECT gen_random_uuid(), c.id, 'Make ' || n / 20, 'M' || n, 'make-' || n / 20 || '-m' || n
FROM generate_series(0, 599) AS n, categories AS c
WHERE c.path = 'machinery/tractors';

-- What each listing is: few makes have most of them.
CREATE TEMPORARY TABLE made AS
SELECT n,
       ('00000000-0000-7000-9003-' || lpad(n::text, 12, '0'))::uuid AS item_id,
       ('00000000-0000-7000-9004-' || lpad(n::text, 12, '0'))::uuid AS listing_id,
       1 + n % 400 AS seller,
       CASE WHEN kind < 0.35 THEN 'machinery/tractors'
            WHEN kind < 0.55 THEN 'machinery/implements'
            WHEN kind < 0.85 THEN 'parts'
            WHEN kind < 0.92 THEN 'waste/plastic'
            ELSE 'shop/tools' END AS path,
       floor(30 * random() * random())::int AS make,
       floor(20 * random())::int AS model,
       random() AS a, random() AS b, random() AS c, random() AS d
FROM (SELECT n, random() AS kind FROM generate_series(1, $1) AS n) AS lots;

INSERT INTO items (id, org_id, category_id, sku, title, unit, attributes)
SELECT m.item_id, ('00000000-0000-7000-9001-' || lpad(m.seller::text, 12, '0'))::uuid, c.id, 'S' || m.n, 'Thing', 'piece',
       jsonb_build_object('make', 'Make ' || m.make, 'condition', CASE WHEN m.a < 0.3 THEN 'new' ELSE 'used' END)
       || CASE WHEN m.path = 'machinery/tractors' THEN jsonb_build_object(
              'model', 'M' || (20 * m.make + m.model), 'year', 1990 + floor(36 * sqrt(m.b))::int,
              'horsepower', 40 + floor(360 * m.c * m.c)::int, 'operating_hours', floor(15000 * m.d)::int,
              'four_wheel_drive', m.a < 0.8)
          WHEN m.path = 'machinery/implements' THEN jsonb_build_object('working_width_m', round((1 + 11 * m.b)::numeric, 1),
              'needed_horsepower', 30 + floor(300 * m.c)::int)
          WHEN m.path = 'waste/plastic' THEN jsonb_build_object('material', (ARRAY ['LDPE', 'HDPE', 'PP', 'PET', 'PVC'])[1 + floor(5 * m.b)::int],
              'moisture_percent', round((20 * m.c)::numeric, 1))
          WHEN m.path = 'parts' THEN jsonb_build_object('weight_kg', round((200 * m.b * m.b)::numeric, 1))
          ELSE '{}' END
FROM made AS m
JOIN categories AS c ON c.path = m.path;

INSERT INTO item_fits (item_id, place, make, model_id)
SELECT m.item_id, p.place, 'Make ' || m.make, mm.id
FROM made AS m
CROSS JOIN generate_series(1, 2) AS p (place)
LEFT JOIN machine_models AS mm ON p.place = 1 AND mm.name = 'M' || (20 * m.make + m.model)
WHERE m.path = 'parts'
  AND (p.place = 1 OR m.d < 0.1);

INSERT INTO listings (id, seller_org_id, item_id, created_by, title, description, language, sale_mode, currency, price_minor, site_id,
                      status, published_at)
SELECT m.listing_id, ('00000000-0000-7000-9001-' || lpad(m.seller::text, 12, '0'))::uuid, m.item_id,
       '00000000-0000-7000-9000-000000000000',
       'Make ' || m.make || ' M' || (20 * m.make + m.model) || ' ' || (ARRAY ['tractor', 'plough', 'harvester', 'loader', 'filter'])[1 + m.n % 5],
       (SELECT string_agg('word' || floor(2000 * random() * random())::int, ' ') FROM generate_series(1, 30 + m.n % 20)),
       (ARRAY ['en', 'en', 'de', 'fr', 'xx'])[1 + floor(5 * m.d)::int],
       CASE WHEN m.b < 0.1 THEN 'auction' WHEN m.b < 0.2 THEN 'offer' ELSE 'fixed' END,
       (ARRAY ['EUR', 'EUR', 'EUR', 'USD', 'DKK', 'PLN'])[1 + floor(6 * m.a)::int],
       CASE WHEN m.b >= 0.1 THEN 1000 + floor(10000000 * m.c * m.d)::bigint END,
       CASE WHEN m.d < 0.9 THEN ('00000000-0000-7000-9002-' || lpad((CASE WHEN m.a < 0.5 THEN m.seller - 1 ELSE m.seller + 399 END)::text, 12, '0'))::uuid END,
       'published', now() - m.n * interval '20 seconds'
FROM made AS m;

-- Indexes are built once all rows are there.
CREATE TEMPORARY TABLE indexes AS
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE indrelid IN ('listing_search'::regclass, 'listing_numbers'::regclass)
  AND NOT indisprimary;
DO $$
DECLARE
    sql text;
BEGIN
    FOR sql IN SELECT 'DROP INDEX ' || name FROM indexes LOOP
        EXECUTE sql;
    END LOOP;
    PERFORM index_listings(ARRAY (SELECT listing_id FROM made));
    FOR sql IN SELECT definition FROM indexes LOOP
        EXECUTE sql;
    END LOOP;
END $$;
