use std::sync::Arc;

use chrono::TimeDelta;
use shared::audit::Actor;
use shared::ids::{OrgId, UserId};
use shared::money::Currency;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use crate::checkout::model::CheckoutLine;
use crate::identity::Plan;
use crate::ids::{CheckoutId, ListingId};
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::money::store::tariffs::revise_commission;
use crate::orders::model::OrderStatus;
use crate::testing::{CONSOLES, Trader, eur, listing, member_of, trader};

mod machine;

const TERM: TimeDelta = TimeDelta::minutes(30);

/// A hundred euros each, as the listings of the test kit cost.
fn line(listing: ListingId, quantity: i64) -> CheckoutLine {
    CheckoutLine { listing, quantity, price: eur(10_000) }
}

async fn buy(conn: &mut PgConnection, by: Trader, lines: &[CheckoutLine]) -> Result<CheckoutId, CheckoutError> {
    let mut tx = conn.begin().await?;
    let placed = place(&mut tx, by.org, by.user, lines, TERM).await?;
    tx.commit().await?;
    Ok(placed)
}

/// How many units of the listing are reserved and sold.
async fn kept(conn: &mut PgConnection, listing: ListingId) -> (i64, i64) {
    sqlx::query_as("SELECT reserved, sold FROM listings WHERE id = $1")
        .bind(listing)
        .fetch_one(conn)
        .await
        .expect("a row")
}

#[tokio::test]
async fn a_basket_of_three_sellers_is_one_payment_and_three_orders() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let buyer = trader(&mut conn).await;
    let mut lines = Vec::new();
    for quantity in [1, 2, 3] {
        let seller = trader(&mut conn).await;
        lines.push(line(listing(&mut conn, seller, SaleMode::Fixed, 10).await, quantity));
        lines.push(line(listing(&mut conn, seller, SaleMode::Fixed, 10).await, 1));
    }
    let id = buy(&mut conn, buyer, &lines).await.expect("ordered");
    let placed = checkout(&mut conn, buyer.org, id).await.expect("read").expect("the checkout");
    assert_eq!((placed.status, placed.payable, placed.orders.len()), (CheckoutStatus::Open, eur(90_000), 3));
    for order in &placed.orders {
        assert_eq!((order.checkout, order.status, order.lines.len()), (id, OrderStatus::PendingPayment, 2));
        assert_eq!((order.payable, order.pay_by), (order.total, placed.pay_by));
    }
    assert_eq!(kept(&mut conn, lines[4].listing).await, (3, 0));
    let other = trader(&mut conn).await;
    assert_eq!(checkout(&mut conn, other.org, id).await.expect("read"), None);
    assert_eq!(of_buyer(&mut conn, buyer.org, None, 10).await.expect("a list"), [placed]);
    assert_eq!(of_buyer(&mut conn, buyer.org, Some(id), 10).await.expect("a list"), []);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn each_refusal_names_its_line_and_reserves_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let good = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    let own = listing(&mut conn, buyer, SaleMode::Fixed, 5).await;
    let auctioned = listing(&mut conn, seller, SaleMode::Auction, 1).await;
    let draft = crate::testing::draft(&mut conn, seller, SaleMode::Fixed, 5).await;
    let price = |price| CheckoutLine { price, ..line(good, 1) };
    let yen = shared::money::Money::from_minor(10_000, Currency::JPY);
    let second = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    for (lines, expected) in [
        (vec![], "there is nothing to buy"),
        (vec![line(good, 1); 101], "a checkout has at most 100 lines"),
        (vec![line(good, 1), line(good, 2)], "the listing is there twice"),
        (vec![line(second, 1), line(good, 0)], "must lie between 1 and 1000000000"),
        (vec![line(second, 1), line(good, -1)], "must lie between 1 and 1000000000"),
        (vec![line(second, 1), price(yen)], "a checkout has one currency; these have EUR, JPY"),
        (vec![line(second, 1), line(ListingId::generate(), 1)], "there is no such listing on offer"),
        (vec![line(second, 1), line(draft, 1)], "there is no such listing on offer"),
        (vec![line(second, 1), line(auctioned, 1)], "the listing is not sold at a fixed price"),
        (vec![line(second, 1), price(eur(9_999))], "the price is now 100.00 EUR"),
        (vec![line(second, 1), line(own, 1)], "an organisation does not buy from itself"),
        (vec![line(second, 1), line(good, 6)], "must lie between 1 and 5"),
    ] {
        let refused = buy(&mut conn, buyer, &lines).await.expect_err(expected);
        assert_eq!(refused.to_string(), expected);
        if let CheckoutError::Line { line, .. } = refused {
            assert_eq!(line, 1, "{expected}");
        }
        assert_eq!(kept(&mut conn, second).await, (0, 0), "{expected}");
    }
    // Nobody buys from the own organisation by way of another one.
    let both = member_of(&mut conn, &[seller.org, buyer.org]).await;
    let refused = buy(&mut conn, Trader { org: buyer.org, user: both }, &[line(good, 1)]).await;
    assert!(matches!(refused, Err(CheckoutError::SellersPeople)), "{refused:?}");
    buy(&mut conn, buyer, &[line(good, 4)]).await.expect("ordered");
    let refused = buy(&mut conn, buyer, &[line(second, 1), line(good, 2)]).await;
    assert!(matches!(refused, Err(CheckoutError::OutOfStock { line: 1, available: 1 })), "{refused:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_hundred_buyers_of_one_unit_make_one_order() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let good = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let mut tasks = JoinSet::new();
    let barrier = Arc::new(Barrier::new(100));
    for _ in 0..100 {
        let buyer = trader(&mut conn).await;
        let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            // There are fewer connections than buyers, and a busy machine lets them wait long.
            let mut conn = loop {
                match pool.acquire().await {
                    Err(sqlx::Error::PoolTimedOut) => {}
                    conn => break conn.expect("a connection"),
                }
            };
            buy(&mut conn, buyer, &[line(good, 1)]).await
        });
    }
    drop(conn);
    let results = tasks.join_all().await;
    let refused = |result: &&Result<_, _>| matches!(result, Err(CheckoutError::OutOfStock { available: 0, .. }));
    assert_eq!(results.iter().filter(refused).count(), 99, "{results:?}");
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&db.pool).await.expect("a count");
    assert_eq!(orders, 1);
    db.close().await;
}

async fn age(conn: &mut PgConnection, id: CheckoutId) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query("UPDATE checkouts SET created_at = created_at - interval '1 hour', pay_by = pay_by - interval '1 hour' WHERE id = $1")
        .bind(id)
        .execute(&mut *tx)
        .await
        .expect("aged");
    tx.commit().await.expect("aged");
}

#[tokio::test]
async fn an_unpaid_order_expires_once_and_frees_its_stock() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let good = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    let id = buy(&mut conn, buyer, &[line(good, 3)]).await.expect("ordered");
    assert!(matches!(expire(&mut conn, id).await.expect("judged"), Expiry::NotYet { .. }));
    assert_eq!(kept(&mut conn, good).await, (3, 0));
    age(&mut conn, id).await;
    let mut tx = conn.begin().await.expect("a transaction");
    match expire(&mut tx, id).await.expect("judged") {
        Expiry::Ended(ended) => assert_eq!(ended.orders.len(), 1),
        other => panic!("{other:?}"),
    }
    tx.commit().await.expect("committed");
    assert!(matches!(expire(&mut conn, id).await.expect("judged"), Expiry::Nothing));
    assert_eq!(kept(&mut conn, good).await, (0, 0));
    let placed = checkout(&mut conn, buyer.org, id).await.expect("read").expect("the checkout");
    assert_eq!((placed.status, placed.orders[0].status), (CheckoutStatus::Expired, OrderStatus::Expired));
    let late = cancel(&mut conn, buyer.org, buyer.user, id).await;
    assert!(matches!(late, Err(CheckoutError::Ended(CheckoutStatus::Expired))), "{late:?}");
    buy(&mut conn, buyer, &[line(good, 5)]).await.expect("all of them are there again");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn of_expiry_and_cancelling_at_once_one_wins_and_the_stock_comes_back_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let good = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    for _ in 0..200 {
        let id = buy(&mut conn, buyer, &[line(good, 5)]).await.expect("ordered");
        age(&mut conn, id).await;
        let both: (OrgId, UserId) = (buyer.org, buyer.user);
        let (first, second) = (db.pool.clone(), db.pool.clone());
        let (expired, cancelled) = tokio::join!(
            async move {
                let mut tx = first.begin().await.expect("a transaction");
                let result = expire(&mut tx, id).await.expect("judged");
                tx.commit().await.expect("committed");
                matches!(result, Expiry::Ended(_))
            },
            async move {
                let mut tx = second.begin().await.expect("a transaction");
                let result = cancel(&mut tx, both.0, both.1, id).await;
                tx.commit().await.expect("committed");
                result.is_ok()
            }
        );
        assert!(expired != cancelled, "expired {expired}, cancelled {cancelled}");
        assert_eq!(kept(&mut conn, good).await, (0, 0));
    }
    let shown = listings::listing(&mut conn, good).await.expect("read").expect("the listing");
    assert_eq!(shown.quantity, 5);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_later_revision_of_a_commission_changes_no_order() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (free, pro, buyer) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    sqlx::query("UPDATE orgs SET plan = CASE WHEN id = $1 THEN 'free' ELSE 'pro' END WHERE id IN ($1, $2)")
        .bind(free.org)
        .bind(pro.org)
        .execute(&mut *conn)
        .await
        .expect("plans");
    let lines = [
        line(listing(&mut conn, free, SaleMode::Fixed, 10).await, 1),
        line(listing(&mut conn, pro, SaleMode::Fixed, 10).await, 1),
    ];
    let of_category: i32 = sqlx::query_scalar("SELECT fee_bps FROM categories WHERE id = $1")
        .bind(CONSOLES)
        .fetch_one(&mut *conn)
        .await
        .expect("a rate");
    let mut placed = vec![(buy(&mut conn, buyer, &lines).await.expect("ordered"), [of_category, of_category])];
    for (plan, category, fee, expected) in [
        (Plan::Free, None, 900, [900, of_category]),
        (Plan::Pro, Some(CONSOLES), 250, [900, 250]),
        (Plan::Free, Some(CONSOLES), 700, [700, 250]),
        (Plan::Pro, None, 800, [700, 250]),
        (Plan::Pro, Some(CONSOLES), 0, [700, 0]),
    ] {
        let mut tx = conn.begin().await.expect("a transaction");
        let fee = fee.try_into().expect("a rate");
        revise_commission(&mut tx, Actor::System, plan, category, fee).await.expect("revised");
        tx.commit().await.expect("committed");
        placed.push((buy(&mut conn, buyer, &lines).await.expect("ordered"), expected));
    }
    for (id, expected) in placed {
        let orders = checkout(&mut conn, buyer.org, id).await.expect("read").expect("the checkout").orders;
        for (seller, bps) in [free, pro].into_iter().zip(expected) {
            let order = orders.iter().find(|order| order.seller_org_id == seller.org).expect("an order");
            // Of a hundred euros, a basis point is a cent.
            let found = (order.fee_bps, order.lines[0].fee_bps, order.fee, order.net);
            assert_eq!(found, (Some(bps), bps, eur(bps.into()), eur(10_000 - i64::from(bps))));
        }
    }
    drop(conn);
    db.close().await;
}
