-- The search's table follows what it is made of, at the end of the transaction that changes it.
--
-- Two transactions that change two parts of one row do not see each other's. Each therefore takes advisory locks first, as the last
-- locks it takes: shared on what it reads, exclusive on what it has changed. They are taken in the order organisation, categories,
-- item, site, and whoever had to wait reads afterwards what the other one wrote.

CREATE FUNCTION lock_searched(part text, id uuid, changed boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key constant bigint := hashtextextended('search ' || part || ' ' || coalesce(id::text, 'all'), 0);
BEGIN
    IF changed THEN
        PERFORM pg_advisory_xact_lock(key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
END $$;

-- Writes these listings' rows anew, or deletes them. The caller holds the locks.
CREATE FUNCTION index_listings(which uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM listing_search AS t
    WHERE t.listing_id = ANY (which)
      AND NOT EXISTS (SELECT FROM searchable_listings AS s WHERE s.listing_id = t.listing_id);
    INSERT INTO listing_search AS t
        (listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body, place, published_at,
         words, facets, numbers)
    SELECT listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body, place, published_at,
           words, facets, numbers
    FROM searchable_listings
    WHERE listing_id = ANY (which)
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

CREATE FUNCTION index_numbers(which uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM listing_numbers WHERE listing_id = ANY (which);
    INSERT INTO listing_numbers (listing_id, name, value)
    SELECT t.listing_id, n.key, n.value::double precision
    FROM listing_search AS t
    CROSS JOIN LATERAL jsonb_each_text(t.numbers) AS n
    WHERE t.listing_id = ANY (which);
END $$;

-- Writes anew what these listings' rows have of their items, and nothing that another transaction may be changing.
CREATE FUNCTION index_attributes(which uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listing_search AS t
    SET facets = facets_of(c.attribute_schema, i.attributes, c.path),
        numbers = numbers_of(c.attribute_schema, i.attributes),
        indexed_at = clock_timestamp()
    FROM items AS i
    JOIN categories AS c ON c.id = i.category_id
    WHERE i.id = t.item_id
      AND t.listing_id = ANY (which);
    PERFORM index_numbers(which);
END $$;

CREATE FUNCTION keep_search_of_listing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_searched('org', new.seller_org_id, false);
    PERFORM lock_searched('categories', NULL, false);
    PERFORM lock_searched('item', new.item_id, false);
    IF new.site_id IS NOT NULL THEN
        PERFORM lock_searched('site', new.site_id, false);
    END IF;
    PERFORM index_listings(ARRAY [new.id]);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER listings_search_begun AFTER INSERT ON listings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.status = 'published')
EXECUTE FUNCTION keep_search_of_listing();
CREATE CONSTRAINT TRIGGER listings_search_kept AFTER UPDATE ON listings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((old.status = 'published' OR new.status = 'published')
          AND ROW (old.status, old.item_id, old.title, old.description, old.language, old.sale_mode, old.currency, old.price_minor,
                   old.site_id, old.published_at)
              IS DISTINCT FROM
              ROW (new.status, new.item_id, new.title, new.description, new.language, new.sale_mode, new.currency, new.price_minor,
                   new.site_id, new.published_at))
EXECUTE FUNCTION keep_search_of_listing();

CREATE FUNCTION keep_search_of_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_searched('org', new.org_id, false);
    PERFORM lock_searched('categories', NULL, false);
    PERFORM lock_searched('item', new.id, true);
    PERFORM index_attributes(ARRAY (SELECT listing_id FROM listing_search WHERE item_id = new.id ORDER BY listing_id));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER items_search_kept AFTER UPDATE ON items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (ROW (old.attributes, old.category_id) IS DISTINCT FROM ROW (new.attributes, new.category_id))
EXECUTE FUNCTION keep_search_of_item();

CREATE FUNCTION keep_search_of_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_searched('org', new.org_id, false);
    PERFORM lock_searched('site', new.id, true);
    UPDATE listing_search AS t
    SET body = s.body,
        place = point(s.longitude, s.latitude),
        indexed_at = clock_timestamp()
    FROM sites AS s
    JOIN listings AS l ON l.site_id = s.id
    WHERE s.id = new.id
      AND t.listing_id = l.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sites_search_kept AFTER UPDATE ON sites DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (ROW (old.latitude, old.longitude) IS DISTINCT FROM ROW (new.latitude, new.longitude))
EXECUTE FUNCTION keep_search_of_site();

CREATE FUNCTION keep_search_of_org() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_searched('org', new.id, true);
    PERFORM lock_searched('categories', NULL, false);
    PERFORM index_listings(ARRAY (SELECT id FROM listings WHERE seller_org_id = new.id AND status = 'published'));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER orgs_search_kept AFTER UPDATE ON orgs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((old.status = 'approved') <> (new.status = 'approved'))
EXECUTE FUNCTION keep_search_of_org();

-- Only items that have an attribute which is looked for in another way now.
CREATE FUNCTION keep_search_of_category() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    names text[];
BEGIN
    PERFORM lock_searched('categories', NULL, true);
    SELECT array_agg(coalesce(o.key, n.key)) INTO names
    FROM jsonb_each(coalesce(old.attribute_schema -> 'properties', '{}')) AS o
    FULL JOIN jsonb_each(coalesce(new.attribute_schema -> 'properties', '{}')) AS n ON n.key = o.key
    WHERE o.value -> 'filter' IS DISTINCT FROM n.value -> 'filter';
    PERFORM index_attributes(ARRAY (
        SELECT t.listing_id
        FROM items AS i
        JOIN listing_search AS t ON t.item_id = i.id
        WHERE i.category_id = new.id
          AND i.attributes ?| names));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER categories_search_kept AFTER UPDATE ON categories DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (old.attribute_schema IS DISTINCT FROM new.attribute_schema)
EXECUTE FUNCTION keep_search_of_category();

SELECT index_listings(ARRAY (SELECT listing_id FROM searchable_listings));
