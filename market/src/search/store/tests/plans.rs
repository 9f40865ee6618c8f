//! How much of the table a search reads, as the server counts it.

use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::naive::currency;
use crate::ids::ModelId;
use crate::listings::model::{Language, SaleMode};
use crate::search::model::{Days, Filter, Fitting, Near, PriceRange, Query, Sort, Wanted};
use crate::search::store::{facets, find};

const ROWS: i64 = 40_000;

/// Rows as listings would make them: nobody else reads them.
const FILL: &str = "
SET session_replication_role = replica;
SELECT setseed(0.3);
INSERT INTO listing_search (listing_id, item_id, seller_org_id, language, sale_mode, currency, price_minor, euros, body, place,
                            published_at, words, facets, numbers)
SELECT gen_random_uuid(), gen_random_uuid(), md5('seller ' || n % 50)::uuid,
       (ARRAY ['en', 'en', 'en', 'de', 'fi'])[1 + n % 5], CASE WHEN n % 20 = 0 THEN 'auction' ELSE 'fixed' END, 'EUR',
       1 + a * 1000000, 0.01 + a * 10000, 'earth', point(40 * b - 10, 35 + 30 * c), now() - n * interval '1 minute',
       to_tsvector('simple', 'word' || n % 7 || ' rare' || n % 4000),
       ARRAY ['=machinery', '=machinery/tractors', 'condition=' || n % 2, 'make=make ' || n % 30, 'model=m' || n % 3000],
       jsonb_build_object('horsepower', n % 400, 'year', 1980 + n % 45)
FROM (SELECT n, random() AS a, random() AS b, random() AS c FROM generate_series(1, 40000) AS n) AS made;
INSERT INTO listing_numbers (listing_id, name, value)
SELECT listing_id, key, value::double precision FROM listing_search, jsonb_each_text(numbers);
INSERT INTO item_fits (item_id, place, make, model_id)
SELECT item_id, 1, 'Fendt', md5('model ' || row_number() OVER () % 100)::uuid FROM listing_search;
INSERT INTO auctions (id, listing_id, seller_org_id, currency, created_by, starts_at, ends_at, original_ends_at, hard_ends_at,
                      opening_minor, price_minor, next_minimum_minor, status, lot_mode, quantity, min_order, soft_close_seconds,
                      increment_table_id)
SELECT gen_random_uuid(), listing_id, seller_org_id, 'EUR', gen_random_uuid(), now(), e.at, e.at, e.at, 1, 1, 1, 'live', 'whole', 1, 1,
       0, 1
FROM listing_search, LATERAL (SELECT published_at + interval '100 days' AS at) AS e
WHERE sale_mode = 'auction';
ANALYZE";

/// How often the table was read from end to end, and how many of its rows were read by an index.
async fn reads(conn: &mut PgConnection) -> (i64, i64) {
    sqlx::raw_sql("SELECT pg_stat_force_next_flush()").execute(&mut *conn).await.expect("flushed");
    sqlx::query_as("SELECT seq_scan, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'listing_search'")
        .fetch_one(conn)
        .await
        .expect("figures")
}

fn facet(name: &str, value: &str) -> Filter {
    Filter { name: name.to_owned(), wanted: Wanted::Values(vec![value.to_owned()]) }
}

fn range(name: &str, from: i32, to: i32) -> Filter {
    Filter { name: name.to_owned(), wanted: Wanted::Range(Some(from.into()), Some(to.into())) }
}

fn shapes() -> Vec<Query> {
    let text = |text: &str| Query { text: Some(text.to_owned()), ..Query::default() };
    let filters = |filters: Vec<Filter>| Query { filters, ..Query::default() };
    let near = |within_m: f64| {
        let near = Near { body: "earth".to_owned(), latitude: 50.0, longitude: 10.0, within_m: Some(within_m) };
        Query { near: Some(near), ..Query::default() }
    };
    let model = ModelId(uuid::Uuid::from_bytes(
        hex::decode("2b6ee0d4d0d3fbf4fd1f8fbfe2bbbd4f").expect("hex").try_into().expect("16"),
    ));
    let days = Days { first: "2027-03-01".parse().expect("a day"), last: "2027-03-05".parse().expect("a day") };
    let price = PriceRange { currency: currency("EUR"), from: Some(100_000), to: Some(110_000) };
    vec![
        Query::default(),
        text("word3"),
        text("rare33"),
        text("word3 -rare3"),
        text("nothing"),
        Query { language: Some(Language::De), ..text("word3") },
        Query { language: Some(Language::Fi), ..Query::default() },
        Query { language: Some(Language::Sv), ..Query::default() },
        Query { category: Some("machinery".to_owned()), ..Query::default() },
        Query { category: Some("parts".to_owned()), ..Query::default() },
        Query { category: Some("machinery".to_owned()), free: Some(days), ..Query::default() },
        Query { seller: Some(shared::ids::OrgId(uuid::Uuid::nil())), ..Query::default() },
        Query { mode: Some(SaleMode::Wanted), ..Query::default() },
        Query { mode: Some(SaleMode::Auction), ..Query::default() },
        filters(vec![facet("make", "Make 3")]),
        filters(vec![facet("model", "M7"), facet("make", "Make 3")]),
        filters(vec![facet("condition", "1"), range("horsepower", 80, 390)]),
        filters(vec![range("horsepower", 399, 399)]),
        filters(vec![range("horsepower", 900, 999)]),
        filters(vec![range("year", 1990, 2000), range("horsepower", 20, 22)]),
        Query { price: Some(price), ..Query::default() },
        Query { price: Some(PriceRange { currency: currency("USD"), ..price }), ..Query::default() },
        Query { fits: Some(Fitting { model, make: "Claas".to_owned(), year: Some(2000) }), ..Query::default() },
        near(30_000.0),
        near(3_000_000.0),
    ]
}

#[tokio::test]
async fn no_search_reads_a_whole_table() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    sqlx::raw_sql(FILL).execute(&mut conn).await.expect("rows");
    sqlx::raw_sql("VACUUM listing_search").execute(&mut conn).await.expect("vacuumed");
    let names = ["make", "model", "condition"].map(str::to_owned);
    for shape in shapes() {
        let mut sorts = vec![Sort::Newest, Sort::Price, Sort::PriceDesc, Sort::Ending];
        sorts.extend(shape.text.is_some().then_some(Sort::Relevance));
        sorts.extend(shape.near.is_some().then_some(Sort::Distance));
        for sort in sorts {
            let query = Query { sort, ..shape.clone() };
            let before = reads(&mut conn).await;
            let found = find(&mut conn, &query, None, 21).await.expect("found");
            let found_by = reads(&mut conn).await;
            facets(&mut conn, &query, &names).await.expect("counted");
            let counted_by = reads(&mut conn).await;
            assert_eq!((found_by.0 - before.0, counted_by.0 - found_by.0), (0, 0), "a sequential scan: {query:?}");
            let (read, counted) = (found_by.1 - before.1, counted_by.1 - found_by.1);
            assert!(read < ROWS / 2, "{read} rows were read to find {}: {query:?}", found.len());
            assert!(counted < ROWS, "{counted} rows were read to count: {query:?}");
        }
    }
    conn.close().await.expect("closed");
    db.close().await;
}

/// Whoever replaces a function takes its settings away, unless they are repeated.
#[tokio::test]
async fn functions_that_keep_the_searchs_table_have_their_plans_kept() {
    let db = TestDb::new().await;
    let functions: Vec<(String, Option<Vec<String>>)> = sqlx::query_as(
        "SELECT proname::text, proconfig FROM pg_proc WHERE proname IN ('index_listings', 'index_numbers') ORDER BY proname",
    )
    .fetch_all(&db.pool)
    .await
    .expect("two functions");
    let kept =
        ["plan_cache_mode=force_generic_plan", "enable_seqscan=off", "enable_hashjoin=off", "enable_mergejoin=off"];
    let kept = kept.map(str::to_owned).to_vec();
    let expected = ["index_listings", "index_numbers"].map(|name| (name.to_owned(), Some(kept.clone())));
    assert_eq!(functions, expected);
    db.close().await;
}
