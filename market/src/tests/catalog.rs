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
