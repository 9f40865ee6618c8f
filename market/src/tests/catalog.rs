//! Currencies, categories and items.

use super::{Breach, copy, many};

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    vec![
        ("currencies_code_check", sql("INSERT INTO currencies VALUES ('eur', 2)")),
        ("currencies_exponent_check", sql("INSERT INTO currencies VALUES ('XYZ', 5)")),
        ("categories_path_unique", copy("categories", "true", "")),
        ("categories_path_form", copy("categories", "true", "'path', 'Über/uns'")),
        ("categories_name_length", copy("categories", "true", "'path', 'x', 'name', ''")),
        ("categories_schema_object", copy("categories", "true", "'path', 'x', 'attribute_schema', '[]'::jsonb")),
        ("categories_flags_known", copy("categories", "true", "'path', 'x', 'flags', '{toxic}'::text[]")),
        ("categories_fee_range", copy("categories", "true", "'path', 'x', 'fee_bps', 10001")),
        ("categories_parent_id_fkey", copy("categories", "true", "'path', 'x', 'parent_id', gen_random_uuid()")),
        ("categories_review_known", copy("categories", "true", "'path', 'x', 'review', 'never'")),
        ("machine_models_make_length", copy("machine_models", "true", "'slug', 'x', 'make', ''")),
        ("machine_models_name_length", copy("machine_models", "true", "'slug', 'x', 'name', ''")),
        ("machine_models_slug_unique", copy("machine_models", "true", "'name', 'x'")),
        ("machine_models_slug_form", copy("machine_models", "true", "'name', 'x', 'slug', 'a--b'")),
        ("machine_models_named", copy("machine_models", "true", "'slug', 'x', 'make', 'FENDT'")),
        ("machine_models_year_from_range", copy("machine_models", "true", "'name', 'x', 'slug', 'x', 'year_from', 1700")),
        ("machine_models_year_to_range", copy("machine_models", "true", "'name', 'x', 'slug', 'x', 'year_to', 2200")),
        (
            "machine_models_years",
            copy("machine_models", "true", "'name', 'x', 'slug', 'x', 'year_from', 2001, 'year_to', 2000"),
        ),
        ("item_fits_item_id_fkey", copy("item_fits", "true", "'item_id', gen_random_uuid()")),
        ("item_fits_place_range", sql("UPDATE item_fits SET place = 501")),
        ("item_fits_make_length", sql("UPDATE item_fits SET make = ''")),
        ("item_fits_model_exists", sql("UPDATE item_fits SET model_id = gen_random_uuid()")),
        ("item_fits_year_from_range", sql("UPDATE item_fits SET year_from = 1700")),
        ("item_fits_year_to_range", sql("UPDATE item_fits SET year_to = 2200")),
        ("item_fits_years", sql("UPDATE item_fits SET year_from = 2001, year_to = 2000")),
        (
            "item_fits_fixed_by_bids",
            sql("INSERT INTO item_fits (item_id, place, make)
                 SELECT l.item_id, 2, 'x'
                 FROM listings AS l JOIN auctions AS a ON a.listing_id = l.id JOIN bids AS b ON b.auction_id = a.id LIMIT 1"),
        ),
        ("hire_days_item_id_fkey", sql("INSERT INTO hire_days (item_id, day) VALUES (gen_random_uuid(), '2027-01-01')")),
        (
            "hire_days_of_line",
            sql("INSERT INTO hire_days (item_id, day, order_id, line_no)
                 SELECT item_id, '2027-01-01', order_id, line_no + 100 FROM order_lines LIMIT 1"),
        ),
        (
            "hire_days_line_whole",
            sql("INSERT INTO hire_days (item_id, day, order_id)
                 SELECT item_id, '2027-01-01', order_id FROM order_lines LIMIT 1"),
        ),
        (
            "hire_days_hired_kept",
            sql("INSERT INTO hire_days (item_id, day, order_id, line_no)
                 SELECT item_id, '2027-01-01', order_id, line_no FROM order_lines LIMIT 1;
                 DELETE FROM hire_days"),
        ),
        ("items_category_exists", copy("items", "true", "'sku', 'x', 'category_id', gen_random_uuid()")),
        ("items_sku_length", copy("items", "true", "'sku', ''")),
        ("items_sku_unique", copy("items", "true", "")),
        ("items_title_length", copy("items", "true", "'sku', 'x', 'title', repeat('x', 201)")),
        ("items_unit_length", copy("items", "true", "'sku', 'x', 'unit', ''")),
        ("items_attributes_object", copy("items", "true", "'sku', 'x', 'attributes', '1'::jsonb")),
        (
            "items_compatibility_count",
            copy("items", "true", "'sku', 'x', 'compatibility', array_fill('x'::text, ARRAY [501])"),
        ),
        (
            "items_attributes_size",
            copy("items", "true", "'sku', 'x', 'attributes', jsonb_build_object('a', repeat('x', 20000))"),
        ),
        ("items_fixed_by_bids", sql("UPDATE items SET unit = 'crate'")),
        (
            "items_per_day",
            many(
                "items",
                "org_id, category_id, sku, title, unit, archived_at",
                "org_id, category_id, 'n' || n, title, unit, now()",
                20_000,
            ),
        ),
        ("items_compatibility_blank", copy("items", "true", "'sku', 'x', 'compatibility', ARRAY ['']")),
        ("items_compatibility_size", copy("items", "true", "'sku', 'x', 'compatibility', ARRAY [repeat('x', 20001)]")),
        (
            "categories_schema_size",
            copy("categories", "true", "'path', 'x', 'attribute_schema', jsonb_build_object('a', repeat('x', 70000))"),
        ),
        (
            "items_per_org",
            many(
                "items",
                "org_id, category_id, sku, title, unit",
                "org_id, category_id, 'n' || n, title, unit",
                10_000,
            ),
        ),
    ]
}
