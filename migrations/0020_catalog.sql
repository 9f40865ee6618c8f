-- What can be sold: currencies, categories with the shape of their attributes, and the items that organisations hold.

-- ISO 4217; the program has the same list (money/currency.rs), and a test compares the two.
CREATE TABLE currencies (
    code     text PRIMARY KEY CHECK (code ~ '^[A-Z]{3}$'),
    -- How many digits follow the decimal point; amounts are whole units of the last one.
    exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4)
);

CREATE TABLE categories (
    id               uuid PRIMARY KEY,
    parent_id        uuid REFERENCES categories (id),
    -- 'machinery/tractors': the parent's path, a slash, the own name; permanent.
    path             text NOT NULL CONSTRAINT categories_path_unique UNIQUE
                     CONSTRAINT categories_path_form CHECK (path ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$' AND length(path) <= 200),
    name             text NOT NULL CONSTRAINT categories_name_length CHECK (length(name) BETWEEN 1 AND 100),
    -- JSON Schema of an item's attributes.
    attribute_schema jsonb NOT NULL DEFAULT '{"type": "object"}'
                     CONSTRAINT categories_schema_object CHECK (jsonb_typeof(attribute_schema) = 'object'),
    flags            text[] NOT NULL DEFAULT '{}'
                     CONSTRAINT categories_flags_known CHECK (flags <@ ARRAY ['waste', 'vehicle', 'part', 'service']),
    -- The platform's share of a sale in basis points; frozen on each order.
    fee_bps          integer NOT NULL DEFAULT 500
                     CONSTRAINT categories_fee_range CHECK (fee_bps BETWEEN 0 AND 10000),
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX categories_parent ON categories (parent_id);

CREATE TABLE items (
    id            uuid PRIMARY KEY,
    org_id        uuid NOT NULL REFERENCES orgs (id),
    category_id   uuid NOT NULL CONSTRAINT items_category_exists REFERENCES categories (id),
    sku           text NOT NULL CONSTRAINT items_sku_length CHECK (length(sku) BETWEEN 1 AND 64),
    title         text NOT NULL CONSTRAINT items_title_length CHECK (length(title) BETWEEN 1 AND 200),
    -- What a quantity counts: piece, kg, hour …
    unit          text NOT NULL CONSTRAINT items_unit_length CHECK (length(unit) BETWEEN 1 AND 20),
    attributes    jsonb NOT NULL DEFAULT '{}'
                  CONSTRAINT items_attributes_object CHECK (jsonb_typeof(attributes) = 'object'),
    compatibility text[] NOT NULL DEFAULT '{}'
                  CONSTRAINT items_compatibility_count CHECK (cardinality(compatibility) <= 500),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    archived_at   timestamptz,
    CONSTRAINT items_sku_unique UNIQUE (org_id, sku),
    -- What listings refer to, so that nobody lists another's item.
    CONSTRAINT items_owner UNIQUE (id, org_id)
);
CREATE INDEX items_of_org ON items (org_id, id);
CREATE INDEX items_of_category ON items (category_id);

-- For the tables of later migrations that only ever grow.
CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', tg_table_name
        USING ERRCODE = 'restrict_violation', TABLE = tg_table_name, CONSTRAINT = tg_table_name || '_append_only';
END $$;

INSERT INTO currencies (code, exponent)
VALUES
    ('AED', 2), ('AFN', 2), ('ALL', 2), ('AMD', 2), ('AOA', 2), ('ARS', 2), ('AUD', 2), ('AWG', 2), ('AZN', 2),
    ('BAM', 2), ('BBD', 2), ('BDT', 2), ('BGN', 2), ('BHD', 3), ('BIF', 0), ('BMD', 2), ('BND', 2), ('BOB', 2),
    ('BRL', 2), ('BSD', 2), ('BTN', 2), ('BWP', 2), ('BYN', 2), ('BZD', 2), ('CAD', 2), ('CDF', 2), ('CHF', 2),
    ('CLP', 0), ('CNY', 2), ('COP', 2), ('CRC', 2), ('CUP', 2), ('CVE', 2), ('CZK', 2), ('DJF', 0), ('DKK', 2),
    ('DOP', 2), ('DZD', 2), ('EGP', 2), ('ERN', 2), ('ETB', 2), ('EUR', 2), ('FJD', 2), ('FKP', 2), ('GBP', 2),
    ('GEL', 2), ('GHS', 2), ('GIP', 2), ('GMD', 2), ('GNF', 0), ('GTQ', 2), ('GYD', 2), ('HKD', 2), ('HNL', 2),
    ('HTG', 2), ('HUF', 2), ('IDR', 2), ('ILS', 2), ('INR', 2), ('IQD', 3), ('IRR', 2), ('ISK', 0), ('JMD', 2),
    ('JOD', 3), ('JPY', 0), ('KES', 2), ('KGS', 2), ('KHR', 2), ('KMF', 0), ('KPW', 2), ('KRW', 0), ('KWD', 3),
    ('KYD', 2), ('KZT', 2), ('LAK', 2), ('LBP', 2), ('LKR', 2), ('LRD', 2), ('LSL', 2), ('LYD', 3), ('MAD', 2),
    ('MDL', 2), ('MGA', 2), ('MKD', 2), ('MMK', 2), ('MNT', 2), ('MOP', 2), ('MRU', 2), ('MUR', 2), ('MVR', 2),
    ('MWK', 2), ('MXN', 2), ('MYR', 2), ('MZN', 2), ('NAD', 2), ('NGN', 2), ('NIO', 2), ('NOK', 2), ('NPR', 2),
    ('NZD', 2), ('OMR', 3), ('PAB', 2), ('PEN', 2), ('PGK', 2), ('PHP', 2), ('PKR', 2), ('PLN', 2), ('PYG', 0),
    ('QAR', 2), ('RON', 2), ('RSD', 2), ('RUB', 2), ('RWF', 0), ('SAR', 2), ('SBD', 2), ('SCR', 2), ('SDG', 2),
    ('SEK', 2), ('SGD', 2), ('SHP', 2), ('SLE', 2), ('SOS', 2), ('SRD', 2), ('SSP', 2), ('STN', 2), ('SVC', 2),
    ('SYP', 2), ('SZL', 2), ('THB', 2), ('TJS', 2), ('TMT', 2), ('TND', 3), ('TOP', 2), ('TRY', 2), ('TTD', 2),
    ('TWD', 2), ('TZS', 2), ('UAH', 2), ('UGX', 0), ('USD', 2), ('UYU', 2), ('UZS', 2), ('VES', 2), ('VND', 0),
    ('VUV', 0), ('WST', 2), ('XAF', 0), ('XCD', 2), ('XCG', 2), ('XOF', 0), ('XPF', 0), ('YER', 2), ('ZAR', 2),
    ('ZMW', 2), ('ZWG', 2);

INSERT INTO categories (id, path, name, flags, attribute_schema)
VALUES
    ('01900000-0000-7000-8000-000000000001', 'machinery', 'Machinery', '{}', '{"type": "object"}'),
    ('01900000-0000-7000-8000-000000000002', 'parts', 'Parts', '{part}',
     '{"type": "object", "properties": {"part_number": {"type": "string"}}}'),
    ('01900000-0000-7000-8000-000000000003', 'services', 'Services', '{service}', '{"type": "object"}'),
    ('01900000-0000-7000-8000-000000000004', 'waste', 'Waste and recyclables', '{waste}',
     '{"type": "object", "required": ["material"], "properties": {"material": {"type": "string"}}}'),
    ('01900000-0000-7000-8000-000000000005', 'electronics', 'Electronics', '{}', '{"type": "object"}'),
    ('01900000-0000-7000-8000-000000000006', 'resources', 'Space resources', '{}',
     '{"type": "object", "required": ["purity"], "properties": {"purity": {"type": "number"}}}');

INSERT INTO categories (id, parent_id, path, name, flags, attribute_schema)
VALUES
    ('01900000-0000-7000-8000-000000000011', '01900000-0000-7000-8000-000000000001', 'machinery/tractors', 'Tractors',
     '{vehicle}',
     '{"type": "object", "required": ["make", "model"], "properties": {"make": {"type": "string"},
       "model": {"type": "string"}, "year": {"type": "integer"}, "power_kw": {"type": "number"}}}'),
    ('01900000-0000-7000-8000-000000000012', '01900000-0000-7000-8000-000000000005', 'electronics/consoles',
     'Game consoles', '{}', '{"type": "object"}');
