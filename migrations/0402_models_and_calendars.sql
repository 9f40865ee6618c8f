-- Models of machines, which parts fit them, and the days on which what is for hire is taken.

CREATE TABLE machine_models (
    id          uuid PRIMARY KEY,
    category_id uuid NOT NULL CONSTRAINT machine_models_category_exists REFERENCES categories (id),
    make        text NOT NULL CONSTRAINT machine_models_make_length CHECK (length(make) BETWEEN 1 AND 100),
    name        text NOT NULL CONSTRAINT machine_models_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- Its name in addresses: 'john-deere-6130r'.
    slug        text NOT NULL CONSTRAINT machine_models_slug_unique UNIQUE
                CONSTRAINT machine_models_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 201),
    -- When it was built; open where nobody said.
    year_from   smallint CONSTRAINT machine_models_year_from_range CHECK (year_from BETWEEN 1800 AND 2100),
    year_to     smallint CONSTRAINT machine_models_year_to_range CHECK (year_to BETWEEN 1800 AND 2100),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT machine_models_years CHECK (year_from <= year_to)
);
CREATE UNIQUE INDEX machine_models_named ON machine_models (lower(make), lower(name));

CREATE TABLE item_fits (
    item_id   uuid NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    -- Its place in the seller's list.
    place     smallint NOT NULL CONSTRAINT item_fits_place_range CHECK (place BETWEEN 1 AND 500),
    make      text NOT NULL CONSTRAINT item_fits_make_length CHECK (length(make) BETWEEN 1 AND 100),
    -- Absent: it fits every model of the make.
    model_id  uuid CONSTRAINT item_fits_model_exists REFERENCES machine_models (id),
    year_from smallint CONSTRAINT item_fits_year_from_range CHECK (year_from BETWEEN 1800 AND 2100),
    year_to   smallint CONSTRAINT item_fits_year_to_range CHECK (year_to BETWEEN 1800 AND 2100),
    PRIMARY KEY (item_id, place),
    CONSTRAINT item_fits_years CHECK (year_from <= year_to)
);
CREATE INDEX item_fits_of_model ON item_fits (model_id, item_id) WHERE model_id IS NOT NULL;
CREATE INDEX item_fits_of_make ON item_fits (lower(make), item_id) WHERE model_id IS NULL;


-- What people bid on does not change under their bids: what a part fits is as much a promise as its attributes.
CREATE FUNCTION refuse_fits_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_item uuid := CASE tg_op WHEN 'DELETE' THEN old.item_id ELSE new.item_id END;
BEGIN
    -- A bid changes the auction's row: whoever is about to bid has decided when this lock is held.
    PERFORM
    FROM auctions
    WHERE listing_id IN (SELECT id FROM listings WHERE item_id = of_item)
    ORDER BY id
    FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT
        FROM listings AS l
        JOIN auctions AS a ON a.listing_id = l.id
        JOIN bids AS b ON b.auction_id = a.id
        WHERE l.item_id = of_item
    ) THEN
        RAISE EXCEPTION 'what an item with bids fits is fixed'
            USING ERRCODE = 'check_violation', TABLE = 'item_fits', CONSTRAINT = 'item_fits_fixed_by_bids';
    END IF;
    RETURN CASE tg_op WHEN 'DELETE' THEN old ELSE new END;
END $$;
CREATE TRIGGER item_fits_fixed_by_bids BEFORE INSERT OR UPDATE OR DELETE ON item_fits FOR EACH ROW
EXECUTE FUNCTION refuse_fits_change();

-- A day of something for hire that nobody else can have. Free days have no row.
CREATE TABLE hire_days (
    item_id uuid NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    day     date NOT NULL,
    CONSTRAINT hire_days_once PRIMARY KEY (item_id, day)
);
