use shared::testing::TestDb;
use sqlx::Connection;

use super::*;
use crate::listings::model::SaleMode;
use crate::testing::{Trader, listing, trader};

/// Lines of listings that there are not, past every rule.
async fn fill(conn: &mut PgConnection, of: Trader, lines: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query("INSERT INTO basket_lines SELECT $1, $2, gen_random_uuid(), 1 FROM generate_series(1, $3)")
        .bind(of.org)
        .bind(of.user)
        .bind(lines)
        .execute(&mut *tx)
        .await
        .expect("filled");
    tx.commit().await.expect("filled");
}

async fn put_aside(
    conn: &mut PgConnection,
    of: Trader,
    listing: ListingId,
    quantity: i64,
) -> Result<(), CheckoutError> {
    let mut tx = conn.begin().await?;
    put(&mut tx, of.org, of.user, listing, quantity).await?;
    Ok(tx.commit().await?)
}

#[tokio::test]
async fn of_two_listings_at_once_the_last_place_takes_one() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let first = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    let second = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    fill(&mut conn, buyer, 99).await;
    for _ in 0..50 {
        let (one, other) = (db.pool.clone(), db.pool.clone());
        let (one, other) = tokio::join!(
            async move { put_aside(&mut one.acquire().await.expect("a connection"), buyer, first, 1).await },
            async move { put_aside(&mut other.acquire().await.expect("a connection"), buyer, second, 1).await },
        );
        let (kept, refused) = if one.is_ok() { (first, other) } else { (second, one) };
        assert!(matches!(refused, Err(CheckoutError::BasketFull)), "{refused:?}");
        // What is there takes another quantity.
        put_aside(&mut conn, buyer, kept, 5).await.expect("there is room");
        let lines = basket(&mut conn, buyer.org, buyer.user).await.expect("read").lines;
        assert_eq!(lines.iter().map(|line| (line.listing, line.quantity)).collect::<Vec<_>>(), [(kept, 5)]);
        take_out(&mut conn, buyer.org, buyer.user, &[first, second]).await.expect("taken out");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_not_on_offer_stays_in_the_basket_without_a_price() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let good = listing(&mut conn, seller, SaleMode::Fixed, 5).await;
    let auctioned = listing(&mut conn, seller, SaleMode::Auction, 1).await;
    let draft = crate::testing::draft(&mut conn, seller, SaleMode::Fixed, 5).await;
    for (listing, expected) in [
        (auctioned, "the listing is not sold at a fixed price"),
        (draft, "there is no such listing on offer"),
        (ListingId::generate(), "there is no such listing on offer"),
    ] {
        let refused = put_aside(&mut conn, buyer, listing, 1).await.expect_err("refused");
        assert_eq!(refused.to_string(), expected);
    }
    put_aside(&mut conn, buyer, good, 2).await.expect("there is room");
    sqlx::query("UPDATE orgs SET status = 'suspended' WHERE id = $1")
        .bind(seller.org)
        .execute(&mut *conn)
        .await
        .expect("suspended");
    let kept = basket(&mut conn, buyer.org, buyer.user).await.expect("read");
    let [line] = kept.lines.as_slice() else { panic!("{kept:?}") };
    assert_eq!((line.quantity, line.price, line.amount), (2, None, None));
    assert_eq!((kept.totals.as_slice(), kept.in_currency(Currency::EUR)), ([].as_slice(), vec![]));
    drop(conn);
    db.close().await;
}
