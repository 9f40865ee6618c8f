-- Bounds on what a caller can grow. Rows that are there already stay; the checks meet them when they are written next.

ALTER TABLE items
    ADD CONSTRAINT items_attributes_size CHECK (octet_length(attributes::text) <= 16384) NOT VALID,
    ADD CONSTRAINT items_compatibility_size CHECK (octet_length(array_to_string(compatibility, '')) <= 20000) NOT VALID;
ALTER TABLE categories
    ADD CONSTRAINT categories_schema_size CHECK (octet_length(attribute_schema::text) <= 65536) NOT VALID;

-- Counted whenever an organisation adds another one.
CREATE INDEX items_kept ON items (org_id) WHERE archived_at IS NULL;
CREATE INDEX listings_kept ON listings (seller_org_id) WHERE status IN ('draft', 'in_review', 'published', 'suspended');

-- How many of a thing an organisation has at most. Requests at the same moment may pass the limit by a few.
CREATE FUNCTION refuse_too_many() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most constant integer := tg_argv[0]::integer;
    counted bigint;
BEGIN
    CASE tg_table_name
        WHEN 'items' THEN
            SELECT count(*) INTO counted
            FROM (SELECT FROM items WHERE org_id = new.org_id AND archived_at IS NULL LIMIT most) AS kept;
        WHEN 'listings' THEN
            SELECT count(*) INTO counted
            FROM (
                SELECT
                FROM listings
                WHERE seller_org_id = new.seller_org_id
                  AND status IN ('draft', 'in_review', 'published', 'suspended')
                LIMIT most
            ) AS kept;
        WHEN 'images' THEN
            SELECT count(*) INTO counted FROM (SELECT FROM images WHERE org_id = new.org_id LIMIT most) AS kept;
    END CASE;
    IF counted >= most THEN
        RAISE EXCEPTION 'an organisation has at most % %', most, tg_table_name
            USING ERRCODE = 'check_violation', TABLE = tg_table_name, CONSTRAINT = tg_table_name || '_per_org';
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER items_per_org BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION refuse_too_many(10000);
CREATE TRIGGER listings_per_org BEFORE INSERT ON listings FOR EACH ROW EXECUTE FUNCTION refuse_too_many(5000);
CREATE TRIGGER images_per_org BEFORE INSERT ON images FOR EACH ROW EXECUTE FUNCTION refuse_too_many(20000);
