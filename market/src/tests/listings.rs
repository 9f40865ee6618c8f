//! Listings.

use super::{Breach, copy, many};

pub(super) fn breaches() -> Vec<Breach> {
    let listing = |changes: &str| copy("listings", "status = 'draft'", changes);
    let sql = str::to_owned;
    vec![
        (
            "images_recipe_positive",
            "INSERT INTO images (id, upload_id, org_id, recipe) SELECT gen_random_uuid(), gen_random_uuid(), id, 0 FROM orgs LIMIT 1"
                .to_owned(),
        ),
        (
            "listings_per_org",
            many(
                "listings",
                "seller_org_id, item_id, created_by, title, sale_mode, currency",
                "seller_org_id, item_id, created_by, title, 'auction', currency",
                5_000,
            ),
        ),
        (
            "listings_per_day",
            many(
                "listings",
                "seller_org_id, item_id, created_by, title, sale_mode, currency, status",
                "seller_org_id, item_id, created_by, title, 'auction', currency, 'withdrawn'",
                10_000,
            ),
        ),
        ("listings_status_reason_length", listing("'status_reason', ''")),
        ("listings_own_item", listing("'item_id', gen_random_uuid()")),
        ("listings_own_item", listing("'seller_org_id', (SELECT id FROM orgs WHERE id <> t.seller_org_id LIMIT 1)")),
        ("listings_title_length", listing("'title', ''")),
        ("listings_description_length", listing("'description', repeat('x', 20001)")),
        ("listings_sale_mode_known", listing("'sale_mode', 'raffle'")),
        ("listings_currency_known", listing("'currency', 'XYZ'")),
        ("listings_price_positive", listing("'sale_mode', 'fixed', 'price_minor', 0")),
        (
            "listings_price_by_mode",
            sql(
                "UPDATE listings SET sale_mode = 'fixed', status = 'published', published_at = now() WHERE status = 'draft'",
            ),
        ),
        ("listings_in_review_since", listing("'status', 'in_review'")),
        ("listings_language_known", listing("'language', 'klingon'")),
        (
            "listings_relisted_once",
            sql("UPDATE listings SET relist_of = (SELECT id FROM listings WHERE status = 'draft' LIMIT 1)"),
        ),
        ("listings_price_by_mode", listing("'price_minor', 5")),
        ("listings_takes_offers_if_fixed", listing("'takes_offers', true")),
        ("listings_quantity_positive", listing("'quantity', 1000000001")),
        ("listings_min_quantity_range", listing("'min_quantity', 2")),
        ("listings_min_quantity_range", listing("'min_quantity', 0")),
        ("listings_delivery_known", listing("'delivery_options', '{}'::text[]")),
        ("listings_delivery_known", listing("'delivery_options', '{teleport}'::text[]")),
        ("listings_status_check", listing("'status', 'lost', 'published_at', now()")),
        ("listings_published_has_time", listing("'status', 'published'")),
        ("listings_relist_of_fkey", listing("'relist_of', gen_random_uuid()")),
        ("listings_status_moves", sql("UPDATE listings SET status = 'published' WHERE status = 'sold_out'")),
        ("listings_terms_fixed", sql("UPDATE listings SET quantity = quantity + 1 WHERE status = 'published'")),
    ]
}
