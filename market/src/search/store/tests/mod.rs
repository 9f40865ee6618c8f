mod kept;
mod model;
mod naive;
mod peers;
mod plans;
mod prices;
mod words;

use sqlx::PgConnection;

/// Asserts that the search's tables say of every listing what the tables say that they are made of.
async fn assert_kept(conn: &mut PgConnection, after: &str) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "WITH kept AS (
             SELECT listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body,
                    place::text, published_at, words, facets, numbers
             FROM listing_search
         ), wanted AS (
             SELECT listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, rates_id, body,
                    place::text, published_at, words, facets, numbers
             FROM searchable_listings
         ), numbers AS (
             SELECT s.listing_id, n.key, n.value::double precision
             FROM searchable_listings AS s
             CROSS JOIN jsonb_each_text(s.numbers) AS n
         )
         SELECT 'stale: ' || k::text FROM (TABLE kept EXCEPT TABLE wanted) AS k
         UNION ALL
         SELECT 'missing: ' || w::text FROM (TABLE wanted EXCEPT TABLE kept) AS w
         UNION ALL
         SELECT 'stale: ' || k::text FROM (TABLE listing_numbers EXCEPT TABLE numbers) AS k
         UNION ALL
         SELECT 'missing: ' || w::text FROM (TABLE numbers EXCEPT TABLE listing_numbers) AS w",
    )
    .fetch_all(conn)
    .await
    .expect("compared");
    assert!(wrong.is_empty(), "after {after}: {wrong:#?}");
}
