//! Views and inquiries.

use super::{Breach, many};

pub(super) fn breaches() -> Vec<Breach> {
    let sql = str::to_owned;
    let view = |values: &str| {
        format!("INSERT INTO listing_views (listing_id, day, visitor) SELECT {values} FROM listings AS l LIMIT 1")
    };
    let inquiry = |values: &str| {
        format!(
            "INSERT INTO inquiries (id, listing_id, org_id, asked_by, text)
             SELECT gen_random_uuid(), {values} FROM listings AS l LIMIT 1"
        )
    };
    let asked = inquiry("l.id, l.seller_org_id, l.created_by, 'How old is it?'");
    vec![
        ("visit_keys_length", sql("INSERT INTO visit_keys (day, key) VALUES ('2020-01-01', 'short')")),
        ("listing_views_of_listing", view("gen_random_uuid(), '2020-01-01', '12345678'")),
        ("listing_views_visitor_length", view("l.id, '2020-01-01', '123456789'")),
        ("listing_days_of_listing", sql("INSERT INTO listing_days VALUES (gen_random_uuid(), '2020-01-01', 1)")),
        (
            "listing_days_views_positive",
            sql("INSERT INTO listing_days SELECT id, '2020-01-01', 0 FROM listings LIMIT 1"),
        ),
        ("inquiries_of_known_listing", inquiry("gen_random_uuid(), l.seller_org_id, l.created_by, 'How old is it?'")),
        ("inquiries_text_length", inquiry("l.id, l.seller_org_id, l.created_by, ''")),
        ("inquiries_append_only", format!("{asked}; UPDATE inquiries SET text = 'Never mind'")),
        (
            "inquiries_per_day",
            format!(
                "{asked}; {}",
                many("inquiries", "listing_id, org_id, asked_by, text", "listing_id, org_id, asked_by, text", 200)
            ),
        ),
    ]
}
