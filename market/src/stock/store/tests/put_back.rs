//! Units that come back, and those that are quarantined.

use super::*;
use crate::stock::model::MovementKind;

/// An order that has taken one unit of each of these.
async fn taken(stock: &TestStock, conn: &mut PgConnection, of: &[(ListingId, ItemId)]) -> OrderId {
    let order = stock.order(conn, of).await;
    let wants: Vec<_> = (1..).zip(of).map(|(line_no, (listing, _))| want(*listing, order, line_no)).collect();
    reserved(conn, &wants).await.expect("reserved");
    take(conn, Kept::OfOrder(order)).await.expect("taken");
    order
}

fn back(line_no: i16, quarantined: bool) -> Back {
    Back { line_no, quantity: 1, quarantined }
}

#[tokio::test]
async fn units_come_back_where_they_were_taken_from_by_one_movement_a_level() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, Some(100)).await;
    let (listing, item) = stock.stocked(&mut conn, site, 5).await;
    let own = crate::testing::listing(&mut conn, stock.seller, SaleMode::Fixed, 2).await;
    let without = listings::listing(&mut conn, own).await.expect("read").expect("the listing").item_id;
    let order = taken(&stock, &mut conn, &[(listing, item), (own, without), (listing, item)]).await;
    assert_eq!(stock.on_hand(&mut conn, item, site).await, (3, 0));
    let done = returned(&mut conn, order, &[back(1, true), back(2, false), back(3, false)]).await.expect("put back");
    // Line 2 was sold without a stock book.
    assert_eq!((done.lines.as_slice(), done.moved.len()), ([1, 3].as_slice(), 1));
    let level = &done.moved[0].level;
    assert_eq!((level.on_hand, level.quarantined, level.available()), (4, 1, 4));
    let latest = movements(&mut conn, item, site, None, 1).await.expect("movements").remove(0);
    assert_eq!((latest.kind, latest.on_hand_delta, latest.quarantined_delta), (MovementKind::Return, 1, 1));
    assert!(latest.reference.is_some(), "{latest:?}");
    stock.close(conn).await;
}

#[tokio::test]
async fn the_same_return_does_not_move_the_same_units_twice() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let (listing, item) = stock.stocked(&mut conn, site, 5).await;
    let order = taken(&stock, &mut conn, &[(listing, item)]).await;
    let id = ReturnId::generate();
    let mut tx = conn.begin().await.expect("a transaction");
    put_back(&mut tx, order, id, &[back(1, false)], None).await.expect("put back");
    tx.commit().await.expect("committed");
    let mut tx = conn.begin().await.expect("a transaction");
    let again = put_back(&mut tx, order, id, &[back(1, false)], None).await;
    tx.rollback().await.expect("rolled back");
    assert!(matches!(again, Err(StockError::Database(_))), "{again:?}");
    assert_eq!(stock.on_hand(&mut conn, item, site).await, (5, 0));
    stock.close(conn).await;
}

#[tokio::test]
async fn what_is_quarantined_is_released_or_written_off_and_no_more_than_that() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, Some(100)).await;
    let (listing, item) = stock.stocked(&mut conn, site, 9).await;
    let set = LevelChange { low_at: Some(Some(7)), ..LevelChange::default() };
    change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
    let order = taken(&stock, &mut conn, &[(listing, item), (listing, item), (listing, item)]).await;
    let done = returned(&mut conn, order, &[back(1, true), back(2, true), back(3, true)]).await.expect("put back");
    assert_eq!((done.moved[0].level.on_hand, done.moved[0].level.quarantined), (6, 3));
    assert_eq!(done.moved[0].alert, None, "what is quarantined is not on hand, and the level stays low");
    let moved = stock.inspect(&mut conn, item, site, Verdict::Release(2)).await.expect("released");
    assert_eq!((moved.level.on_hand, moved.level.quarantined), (8, 1));
    assert_eq!(moved.alert.map(|alert| alert.crossing), Some(Crossing::Up));
    let refused = stock.inspect(&mut conn, item, site, Verdict::WriteOff(2)).await;
    assert!(matches!(refused, Err(StockError::OutOfStock { available: 1, .. })), "{refused:?}");
    for units in [0, -1, 1_000_000_001] {
        let refused = stock.inspect(&mut conn, item, site, Verdict::Release(units)).await;
        assert!(matches!(refused, Err(StockError::Invalid(_))), "{units}: {refused:?}");
    }
    let moved = stock.inspect(&mut conn, item, site, Verdict::WriteOff(1)).await.expect("written off");
    assert_eq!((moved.level.on_hand, moved.level.quarantined), (8, 0));
    let other = trader(&mut conn).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let (org, actor, verdict) = (other.org, other.user, Verdict::Release(1));
    let refused = inspect(&mut tx, &Inspect { org, item, site, verdict, reason: None, actor }).await;
    assert!(matches!(refused, Err(StockError::NotFound)), "{refused:?}");
    tx.rollback().await.expect("rolled back");
    stock.close(conn).await;
}
