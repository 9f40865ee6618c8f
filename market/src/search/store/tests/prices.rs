//! Prices follow the newest rates.

use rand::SeedableRng;
use rand::rngs::StdRng;
use shared::testing::TestDb;
use sqlx::Connection;

use super::assert_kept;
use super::naive::{Market, currency};
use crate::search::model::{PriceRange, Query};
use crate::search::store::{convert_prices, find};

#[tokio::test]
async fn new_rates_move_prices_in_euros_and_no_listing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut rng = StdRng::seed_from_u64(53);
    let market = Market::new(&mut conn, &mut rng, 60).await;
    let versions = "SELECT sum(version)::bigint FROM listings";
    let before: i64 = sqlx::query_scalar(versions).fetch_one(&mut conn).await.expect("versions");
    assert_eq!(convert_prices(&mut conn, 1_000).await.expect("converted"), 0);
    // A dollar is worth nothing any more, and of the yen nobody says anything.
    let rates = "WITH snapshot AS (
             INSERT INTO fx_snapshots (source, day, rates, checksum) VALUES ('ecb', '2026-01-06', 1, sha256('b')) RETURNING id
         )
         INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro) SELECT id, 1, 1, 'USD', 1000000 FROM snapshot";
    sqlx::raw_sql(rates).execute(&mut conn).await.expect("rates");
    let dollars = |price: &PriceRange| PriceRange { currency: currency("USD"), ..*price };
    let all = PriceRange { currency: currency("EUR"), from: Some(1), to: None };
    let in_dollars = market.lots.iter().filter(|lot| lot.currency == currency("USD") && lot.price.is_some()).count();
    assert!(in_dollars > 2, "{in_dollars}");
    // Until they are converted, a price in the currency of the search is what it says.
    let query = Query { price: Some(PriceRange { to: Some(1), ..dollars(&all) }), ..Query::default() };
    assert_eq!(find(&mut conn, &query, None, 100).await.expect("found"), []);
    while convert_prices(&mut conn, 5).await.expect("converted") > 0 {}
    assert_kept(&mut conn, "new rates").await;
    let query = Query { price: Some(PriceRange { to: Some(500), ..all }), ..Query::default() };
    let cheap = find(&mut conn, &query, None, 100).await.expect("found");
    let of_dollars = cheap
        .iter()
        .filter(|found| market.lots.iter().any(|lot| lot.id == found.id && lot.currency == currency("USD")));
    // What comes to less than a cent is not one.
    assert_eq!(of_dollars.count(), 0);
    let query = Query { price: Some(dollars(&all)), ..Query::default() };
    let found = find(&mut conn, &query, None, 100).await.expect("found").len();
    assert!(found >= in_dollars, "{found} of {in_dollars}");
    let after: i64 = sqlx::query_scalar(versions).fetch_one(&mut conn).await.expect("versions");
    assert_eq!(before, after);
    conn.close().await.expect("closed");
    db.close().await;
}
