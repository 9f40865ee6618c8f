use shared::testing::TestDb;

use super::*;
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::testing::{by_kept_plans, database_time, eur, listing, trader};

#[tokio::test]
async fn an_order_adds_its_lines_and_rounds_its_fee_once() {
    let db = TestDb::new().await;
    let mut tx = db.pool.begin().await.expect("a transaction");
    let (seller, buyer) = (trader(&mut tx).await, trader(&mut tx).await);
    let listing_id = listing(&mut tx, seller, SaleMode::Fixed, 5).await;
    let offered = listings::listing(&mut tx, listing_id).await.expect("read").expect("the listing");
    let line = |quantity: i64, unit_price: i64| OrderLine {
        listing_id: Some(listing_id),
        item_id: offered.item_id,
        title: offered.title.clone(),
        quantity,
        unit: offered.unit.clone(),
        unit_price: Some(eur(unit_price)),
        amount: eur(unit_price * quantity),
        fee_bps: 333,
        days: Vec::new(),
    };
    let mut new = NewOrder {
        source: OrderSource::Checkout,
        award: None,
        offer: None,
        buyer: buyer.org,
        seller: seller.org,
        placed_by: buyer.user,
        created_at: database_time(&mut tx).await,
        premium: None,
        // 3.33 % of each line would round to 0.33 + 0.01; of the total it is 0.35.
        lines: vec![line(1, 1_005), line(2, 20)],
    };
    let id = create(&mut tx, &new).await.expect("made").id;
    let made = order(&mut tx, seller.org, id).await.expect("read").expect("the order");
    assert_eq!((made.total, made.fee, made.net), (eur(1_045), eur(35), eur(1_010)));
    assert_eq!(made.lines, new.lines);
    assert_eq!(made.status, OrderStatus::PendingPayment);
    assert_eq!((made.buyer_name.as_str(), made.seller_name.as_str()), ("Test Ltd", "Test Ltd"));
    tx.commit().await.expect("the lines add up");

    let mut tx = db.pool.begin().await.expect("a transaction");
    new.lines[1].amount = Money::from_minor(40, Currency::JPY);
    let mixed = create(&mut tx, &new).await;
    assert!(matches!(mixed, Err(OrderError::Money(MoneyError::CurrencyMismatch { .. }))), "{mixed:?}");
    new.lines.clear();
    let empty = create(&mut tx, &new).await;
    assert!(matches!(empty, Err(OrderError::Empty)), "{empty:?}");
    drop(tx);
    db.close().await;
}

/// PostgreSQL plans a statement anew the first five times.
#[tokio::test]
async fn orders_are_read_by_a_plan_that_is_kept() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for _ in 0..8 {
        orders(&mut conn, &[Uuid::now_v7()]).await.expect("read");
    }
    assert_eq!(by_kept_plans(&mut conn, "included_tax_minor").await, 3);
    drop(conn);
    db.close().await;
}
