-- What the platform and the state take: commission, buyer's premium, value-added tax. Never changed: another tariff is a
-- higher revision, another tax rate begins on a later day.

CREATE TABLE commission_rates (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan        text NOT NULL CONSTRAINT commission_rates_plan_known CHECK (plan IN ('free', 'standard', 'pro', 'partner')),
    -- NULL: for every category that has none of its own.
    category_id uuid REFERENCES categories (id),
    revision    integer NOT NULL CONSTRAINT commission_rates_revision_positive CHECK (revision > 0),
    fee_bps     integer NOT NULL CONSTRAINT commission_rates_range CHECK (fee_bps BETWEEN 0 AND 10000),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT commission_rates_revision UNIQUE NULLS NOT DISTINCT (plan, category_id, revision)
);

-- Limits that rise, one more rate than limits, rates of 0 to 10000; neither holes nor arrays of arrays.
CREATE FUNCTION premium_usable(upto bigint[], bps integer[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        array_ndims(bps) = 1
        AND array_lower(bps, 1) = 1
        AND coalesce(array_ndims(upto), 1) = 1
        AND coalesce(array_lower(upto, 1), 1) = 1
        AND cardinality(bps) BETWEEN 1 AND 20
        AND cardinality(bps) = cardinality(upto) + 1
        AND NOT EXISTS (SELECT FROM unnest(upto) AS edge WHERE edge IS NULL OR edge NOT BETWEEN 1 AND 1000000000000000)
        AND NOT EXISTS (SELECT FROM unnest(bps) AS rate WHERE rate IS NULL OR rate NOT BETWEEN 0 AND 10000)
        AND NOT EXISTS (SELECT FROM generate_subscripts(upto, 1) AS i WHERE upto[i] >= upto[i + 1]),
        false)
$$;

CREATE TABLE premium_tariffs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- NULL: for every category that has none of its own.
    category_id uuid REFERENCES categories (id),
    currency    text NOT NULL REFERENCES currencies (code),
    revision    integer NOT NULL CONSTRAINT premium_tariffs_revision_positive CHECK (revision > 0),
    -- The part of a price above upto[i - 1] and up to upto[i] pays bps[i]; what lies above the last limit pays the last rate.
    upto        bigint[] NOT NULL,
    bps         integer[] NOT NULL,
    least_minor bigint NOT NULL CONSTRAINT premium_tariffs_least_range CHECK (least_minor BETWEEN 0 AND 1000000000000000),
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT premium_tariffs_revision UNIQUE NULLS NOT DISTINCT (category_id, currency, revision),
    CONSTRAINT premium_tariffs_usable CHECK (premium_usable(upto, bps))
);

CREATE TABLE vat_rates (
    country    text NOT NULL CONSTRAINT vat_rates_country_known REFERENCES countries (code),
    kind       text NOT NULL CONSTRAINT vat_rates_kind_known CHECK (kind IN ('standard', 'reduced')),
    valid_from date NOT NULL,
    bps        integer NOT NULL CONSTRAINT vat_rates_range CHECK (bps BETWEEN 0 AND 10000),
    PRIMARY KEY (country, kind, valid_from)
);

CREATE TRIGGER commission_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commission_rates FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER premium_tariffs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON premium_tariffs FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER vat_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON vat_rates FOR EACH STATEMENT
EXECUTE FUNCTION refuse_rewrite();

-- The standard rates of the Union's members; reduced ones differ by goods and are entered by people.
INSERT INTO vat_rates (country, kind, valid_from, bps)
VALUES
    ('AT', 'standard', '2025-01-01', 2000), ('BE', 'standard', '2025-01-01', 2100), ('BG', 'standard', '2025-01-01', 2000),
    ('CY', 'standard', '2025-01-01', 1900), ('CZ', 'standard', '2025-01-01', 2100), ('DE', 'standard', '2025-01-01', 1900),
    ('DK', 'standard', '2025-01-01', 2500), ('EE', 'standard', '2025-01-01', 2200), ('EE', 'standard', '2025-07-01', 2400),
    ('ES', 'standard', '2025-01-01', 2100), ('FI', 'standard', '2025-01-01', 2550), ('FR', 'standard', '2025-01-01', 2000),
    ('GR', 'standard', '2025-01-01', 2400), ('HR', 'standard', '2025-01-01', 2500), ('HU', 'standard', '2025-01-01', 2700),
    ('IE', 'standard', '2025-01-01', 2300), ('IT', 'standard', '2025-01-01', 2200), ('LT', 'standard', '2025-01-01', 2100),
    ('LU', 'standard', '2025-01-01', 1700), ('LV', 'standard', '2025-01-01', 2100), ('MT', 'standard', '2025-01-01', 1800),
    ('NL', 'standard', '2025-01-01', 2100), ('PL', 'standard', '2025-01-01', 2300), ('PT', 'standard', '2025-01-01', 2300),
    ('RO', 'standard', '2025-01-01', 1900), ('RO', 'standard', '2025-08-01', 2100), ('SE', 'standard', '2025-01-01', 2500),
    ('SI', 'standard', '2025-01-01', 2200), ('SK', 'standard', '2025-01-01', 2300);
