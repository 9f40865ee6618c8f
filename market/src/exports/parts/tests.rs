use std::collections::BTreeSet;

use chrono::TimeDelta;
use shared::ids::{OrgId, UserId};
use shared::testing::TestDb;

use super::*;
use crate::auctions::store::{PlaceBid, place_bid};
use crate::exports::model::Scope;
use crate::testing::{Trader, auction, earn, eur, secret, terms, trader};

pub(in crate::exports) async fn scope(conn: &mut PgConnection, org: Option<OrgId>, person: UserId) -> Scope {
    let now = crate::testing::database_time(conn).await + TimeDelta::minutes(1);
    Scope { org, person, from: None, to: now, until: None, asked_at: now, status: None }
}

/// All rows of a part, `limit` at a time.
pub(in crate::exports) async fn all(
    conn: &mut PgConnection,
    part: &Part,
    scope: &Scope,
    limit: i64,
) -> Vec<Map<String, Value>> {
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let lines = (part.read)(conn, scope, after.as_deref(), limit).await.unwrap();
        let Some(last) = lines.last() else { return rows };
        assert!(i64::try_from(lines.len()).unwrap() <= limit, "{}", part.name);
        after = Some(last.key.clone());
        rows.extend(lines.into_iter().map(|line| line.row.0));
        assert!(rows.len() < 10_000, "{}: no end", part.name);
    }
}

async fn bid(conn: &mut PgConnection, auction: crate::ids::AuctionId, by: Trader, maximum: i64) {
    let bid = PlaceBid { auction, org: by.org, user: by.user, maximum: secret(maximum), quantity: None };
    place_bid(conn, &bid).await.unwrap();
}

/// Rows with a batch of one are those with a batch of all: none is left out, and none comes twice.
#[tokio::test]
async fn batches_of_any_size_have_the_same_rows() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer, other) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    for price in [10_000, 20_000, 30_000] {
        earn(&mut conn, seller, buyer, eur(price)).await;
        earn(&mut conn, buyer, other, eur(price)).await;
    }
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, seller, &terms).await;
    for (by, maximum) in [(buyer, 5_000), (other, 6_000), (buyer, 9_000), (other, 20_000)] {
        bid(&mut conn, lot, by, maximum).await;
    }
    sqlx::query(
        "INSERT INTO cargo_events (occurred_at, org, type, status, source, source_event_id, shipment, sequence)
         SELECT now() - make_interval(hours => n % 3), o, 'actual', 'in_transit', 's', n::text, 'S-' || n % 2, n
         FROM generate_series(1, 7) AS n, unnest($1::uuid[]) AS o",
    )
    .bind([seller.org.0, other.org.0])
    .execute(&mut *conn)
    .await
    .unwrap();
    let mut counts = Vec::new();
    for kind in [Kind::Listings, Kind::Orders, Kind::Bids, Kind::CargoEvents] {
        for org in [Some(seller.org), Some(buyer.org), None] {
            let scope = scope(&mut conn, org, buyer.user).await;
            for part in kind.parts() {
                let whole = all(&mut conn, part, &scope, 1_000).await;
                assert_eq!(all(&mut conn, part, &scope, 1).await, whole, "{kind:?}");
                assert_eq!(all(&mut conn, part, &scope, 2).await, whole, "{kind:?}");
                let names: BTreeSet<_> = part.columns.iter().map(|column| column.name).collect();
                for row in &whole {
                    assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), names, "{kind:?}");
                }
                let nothing = Scope { from: Some(scope.to), ..scope.clone() };
                assert!(all(&mut conn, part, &nothing, 9).await.is_empty(), "{kind:?}");
                counts.push(whole.len());
            }
        }
    }
    assert_eq!(
        counts[3..],
        [3, 6, 6, 0, 2, 4, 7, 0, 14],
        "orders, bids and events of the seller, of the buyer, of all"
    );
    db.close().await;
}

#[tokio::test]
async fn each_side_of_an_order_has_its_own_figures() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    earn(&mut conn, seller, buyer, eur(10_000)).await;
    for (party, side, fee) in [(seller, "seller", true), (buyer, "buyer", false)] {
        let scope = scope(&mut conn, Some(party.org), party.user).await;
        let rows = all(&mut conn, &orders::PART, &scope, 10).await;
        assert_eq!((rows.len(), &rows[0]["side"]), (1, &Value::from(side)));
        assert_eq!((rows[0]["fee"].is_i64(), rows[0]["net"].is_i64()), (fee, fee), "{side}");
        let status = rows[0]["status"].as_str().unwrap().to_owned();
        let with = |status: &str| Scope { status: Some(status.to_owned()), ..scope.clone() };
        assert_eq!(all(&mut conn, &orders::PART, &with(&status), 10).await.len(), 1);
        assert_eq!(all(&mut conn, &orders::PART, &with("refunded"), 10).await.len(), 0);
    }
    db.close().await;
}

#[tokio::test]
async fn nobody_sees_how_far_another_bidder_would_have_gone() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer, other) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, seller, &terms).await;
    bid(&mut conn, lot, buyer, 50_000).await;
    bid(&mut conn, lot, other, 7_000).await;
    let own = scope(&mut conn, Some(buyer.org), buyer.user).await;
    let rows = all(&mut conn, &bids::PART, &own, 10).await;
    assert_eq!((rows.len(), &rows[0]["maximum"]), (1, &Value::from(50_000)));
    // The seller has no bids, and somebody who belongs to none of them sees no maximum.
    let sellers = scope(&mut conn, Some(seller.org), seller.user).await;
    assert!(all(&mut conn, &bids::PART, &sellers, 10).await.is_empty());
    for org in [None, Some(buyer.org)] {
        let scope = scope(&mut conn, org, seller.user).await;
        let rows = all(&mut conn, &bids::PART, &scope, 10).await;
        assert!(!rows.is_empty() && rows.iter().all(|row| row["maximum"].is_null()), "{rows:?}");
    }
    db.close().await;
}
