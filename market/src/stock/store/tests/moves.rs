//! Counts, transfers and what a capacity allows.

use super::*;

#[tokio::test]
async fn a_transfer_moves_all_or_nothing() {
    let (stock, mut conn) = TestStock::new().await;
    let (from, to) = (stock.site(&mut conn, None).await, stock.site(&mut conn, Some(5)).await);
    let (_, item) = stock.stocked(&mut conn, from, 9).await;
    let refused = transferred(&mut conn, &stock.moving(item, from, to, 10)).await;
    assert!(matches!(refused, Err(StockError::OutOfStock { available: 9, .. })), "{refused:?}");
    let refused = transferred(&mut conn, &stock.moving(item, from, to, 6)).await;
    assert!(matches!(refused, Err(StockError::SiteFull)), "{refused:?}");
    for (moving, pointer) in
        [(stock.moving(item, from, to, 0), "/quantity"), (stock.moving(item, from, from, 1), "/to")]
    {
        match transferred(&mut conn, &moving).await {
            Err(StockError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(level(&mut conn, stock.seller.org, item, to).await.expect("read"), None);
    assert_eq!(stock.on_hand(&mut conn, item, from).await, (9, 0));
    let done = transferred(&mut conn, &stock.moving(item, from, to, 5)).await.expect("moved");
    assert_eq!((done.from.level.on_hand, done.to.level.on_hand), (4, 5));
    for site in [from, to] {
        let latest = movements(&mut conn, item, site, None, 1).await.expect("movements");
        assert_eq!(latest[0].reference, Some(done.id.0));
    }
    stock.close(conn).await;
}

#[tokio::test]
async fn capacity_is_respected_by_counts_and_transfers() {
    let (stock, mut conn) = TestStock::new().await;
    let (site, other) = (stock.site(&mut conn, Some(10)).await, stock.site(&mut conn, None).await);
    let (_, item) = stock.stocked(&mut conn, site, 6).await;
    let (_, second) = stock.stocked(&mut conn, site, 4).await;
    let refused = stock.adjust(&mut conn, second, site, Count::By(1)).await;
    assert!(matches!(refused, Err(StockError::SiteFull)), "{refused:?}");
    stock.adjust(&mut conn, item, site, Count::By(-3)).await.expect("counted");
    let set = LevelChange { capacity: Some(Some(5)), low_at: None };
    change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
    let refused = stock.adjust(&mut conn, item, site, Count::To(6)).await;
    assert!(matches!(refused, Err(StockError::LevelFull)), "{refused:?}");
    stock.adjust(&mut conn, item, other, Count::To(3)).await.expect("counted");
    let refused = transferred(&mut conn, &stock.moving(item, other, site, 3)).await;
    assert!(matches!(refused, Err(StockError::LevelFull)), "{refused:?}");
    let too_small = LevelChange { capacity: Some(Some(2)), low_at: None };
    let refused = change(&mut conn, stock.seller.org, (item, site), None, too_small).await;
    assert!(matches!(refused, Err(StockError::LevelFull)), "{refused:?}");
    stock.close(conn).await;
}

#[tokio::test]
async fn a_site_with_stock_is_not_archived_and_an_archived_one_gets_nothing() {
    let (stock, mut conn) = TestStock::new().await;
    let (org, other) = (stock.seller.org, stock.buyer.org);
    for capacity in [None, Some(9)] {
        let (site, elsewhere) = (stock.site(&mut conn, capacity).await, stock.site(&mut conn, None).await);
        let (_, item) = stock.stocked(&mut conn, site, 2).await;
        let refused = archive_site(&mut conn, org, site).await;
        assert!(matches!(refused, Err(StockError::SiteInUse)), "{refused:?}");
        let refused = archive_site(&mut conn, other, site).await;
        assert!(matches!(refused, Err(StockError::NotFound)), "{refused:?}");
        transferred(&mut conn, &stock.moving(item, site, elsewhere, 2)).await.expect("moved");
        archive_site(&mut conn, org, site).await.expect("archived");
        let refused = transferred(&mut conn, &stock.moving(item, elsewhere, site, 1)).await;
        assert!(matches!(refused, Err(StockError::SiteArchived)), "{refused:?}");
    }
    stock.close(conn).await;
}

#[tokio::test]
async fn nobody_counts_anothers_things() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let (_, item) = stock.stocked(&mut conn, site, 2).await;
    let theirs = new_site(&mut conn, stock.buyer.org, None).await.expect("a site").id;
    let foreign = Adjust { org: stock.buyer.org, ..stock.count(item, site, Count::To(0)) };
    let refused = adjusted(&mut conn, &foreign).await;
    assert!(matches!(refused, Err(StockError::NotFound)), "{refused:?}");
    let cases =
        [(Adjust { site: theirs, ..foreign }, "/item_id"), (stock.count(item, theirs, Count::To(1)), "/site_id")];
    for (count, pointer) in cases {
        match adjusted(&mut conn, &count).await {
            Err(StockError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer),
            other => panic!("{other:?}"),
        }
    }
    stock.close(conn).await;
}
