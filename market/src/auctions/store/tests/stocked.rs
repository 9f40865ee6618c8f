//! Lots that are kept in stock.

use super::*;
use crate::ids::{ItemId, ListingId, RegionId, SiteId};
use crate::listings::model::SaleMode;
use crate::stock::model::{NewSite, SiteKind};
use crate::stock::rules::reserve::Count;
use crate::stock::store::{self as stock, Adjust, Kept, StockError};

/// Some units of one item at a site.
#[derive(Clone, Copy)]
pub(super) struct Kit {
    seller: Trader,
    item: ItemId,
    site: SiteId,
}

impl Kit {
    /// A published listing of `quantity` units at a new site that has `on_hand` of them.
    pub(super) async fn new(
        conn: &mut PgConnection,
        seller: Trader,
        terms: &NewAuction,
        lot: i64,
        on_hand: i64,
    ) -> (Self, ListingId) {
        let region: RegionId = sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'")
            .fetch_one(&mut *conn)
            .await
            .expect("the region");
        let new = NewSite {
            region_id: region,
            name: "Depot".to_owned(),
            kind: SiteKind::Depot,
            latitude: 53.5,
            longitude: 10.0,
            capacity: None,
        };
        let site = stock::create_site(conn, seller.org, &new).await.expect("a site").id;
        let mode = if terms.buy_now.is_some() { SaleMode::AuctionBuyNow } else { SaleMode::Auction };
        let draft = crate::testing::draft(conn, seller, mode, lot).await;
        let item = sqlx::query_scalar("UPDATE listings SET site_id = $2 WHERE id = $1 RETURNING item_id")
            .bind(draft)
            .bind(site)
            .fetch_one(&mut *conn)
            .await
            .expect("the draft");
        crate::listings::store::publish(conn, seller.org, draft).await.expect("published");
        let kit = Self { seller, item, site };
        let count = Adjust { org: seller.org, item, site, count: Count::To(on_hand), reason: None, actor: seller.user };
        let mut tx = conn.begin().await.expect("a transaction");
        stock::adjust(&mut tx, &count).await.expect("counted");
        tx.commit().await.expect("committed");
        (kit, draft)
    }

    /// On hand and reserved.
    pub(super) async fn level(self, conn: &mut PgConnection) -> (i64, i64) {
        let level = stock::level(conn, self.seller.org, self.item, self.site).await.expect("read").expect("the level");
        (level.on_hand, level.reserved)
    }
}

/// Makes an auction in a transaction of its own, as a request does.
pub(super) async fn auctioned(
    conn: &mut PgConnection,
    seller: Trader,
    listing: ListingId,
    terms: &NewAuction,
) -> Result<AuctionId, AuctionError> {
    let mut tx = conn.begin().await?;
    let id = create(&mut tx, seller.org, seller.user, listing, terms).await?;
    tx.commit().await?;
    Ok(id)
}

#[tokio::test]
async fn an_auctioned_lot_keeps_its_stock_until_it_is_decided() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let plain = terms(&mut conn).await;
    // Sold: its order holds the units, until they are taken.
    let (kit, listing) = Kit::new(&mut conn, market.seller, &plain, 3, 5).await;
    let lot = auctioned(&mut conn, market.seller, listing, &plain).await.expect("an auction");
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    bid(&mut conn, lot, a, 2_000).await.expect("a bid");
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    let sold = finish(&mut conn, lot).await;
    assert_eq!(kit.level(&mut conn).await, (5, 3));
    stock::take(&mut conn, Kept::OfOrder(sold.awards[0].order)).await.expect("taken");
    assert_eq!(kit.level(&mut conn).await, (2, 0));
    // Unsold: they are available again.
    let (kit, listing) = Kit::new(&mut conn, market.seller, &plain, 3, 5).await;
    let lot = auctioned(&mut conn, market.seller, listing, &plain).await.expect("an auction");
    assert!(finish(&mut conn, lot).await.awards.is_empty());
    assert_eq!(kit.level(&mut conn).await, (5, 0));
    // Cancelled: as well.
    let (kit, listing) = Kit::new(&mut conn, market.seller, &plain, 5, 5).await;
    let lot = auctioned(&mut conn, market.seller, listing, &plain).await.expect("an auction");
    assert_eq!(kit.level(&mut conn).await, (5, 5));
    let mut tx = conn.begin().await.expect("a transaction");
    cancel(&mut tx, shared::audit::Actor::User(market.seller.user), lot, Some(market.seller.org))
        .await
        .expect("cancelled");
    tx.commit().await.expect("committed");
    assert_eq!(kit.level(&mut conn).await, (5, 0));
    // Bought at once: the order holds them, and gives them back when it ends.
    let at_once = NewAuction { buy_now: Some(eur(9_000)), ..plain.clone() };
    let (kit, listing) = Kit::new(&mut conn, market.seller, &at_once, 2, 5).await;
    let lot = auctioned(&mut conn, market.seller, listing, &at_once).await.expect("an auction");
    let bought = purchase(&mut conn, lot, b).await.expect("bought");
    assert_eq!(kit.level(&mut conn).await, (5, 2));
    stock::free(&mut conn, Kept::OfOrder(bought.awards[0].order)).await.expect("freed");
    assert_eq!(kit.level(&mut conn).await, (5, 0));
    market.close(conn).await;
}

#[tokio::test]
async fn of_a_shared_lot_each_order_holds_its_part_and_the_rest_is_available() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, b, _] = market.bidders;
    let shared = NewAuction { lot_mode: LotMode::Divisible, ..terms(&mut conn).await };
    let (kit, listing) = Kit::new(&mut conn, market.seller, &shared, 100, 120).await;
    let lot = auctioned(&mut conn, market.seller, listing, &shared).await.expect("an auction");
    bid_for(&mut conn, lot, a, 2_000, Some(70)).await.expect("a bid");
    bid_for(&mut conn, lot, b, 1_500, Some(20)).await.expect("a bid");
    assert_eq!(kit.level(&mut conn).await, (120, 100));
    let closed = finish(&mut conn, lot).await;
    assert_eq!(kit.level(&mut conn).await, (120, 90));
    for award in &closed.awards {
        let held: i64 = sqlx::query_scalar("SELECT quantity FROM reservations WHERE order_id = $1 AND status = 'held'")
            .bind(award.order)
            .fetch_one(&mut *conn)
            .await
            .expect("a reservation");
        assert_eq!(held, award.quantity);
    }
    market.close(conn).await;
}

#[tokio::test]
async fn a_lot_that_is_not_in_stock_is_not_auctioned() {
    let (market, mut conn) = TestMarket::new().await;
    let plain = terms(&mut conn).await;
    let (kit, listing) = Kit::new(&mut conn, market.seller, &plain, 6, 5).await;
    match auctioned(&mut conn, market.seller, listing, &plain).await {
        Err(AuctionError::Stock(StockError::OutOfStock { available: 5, site: Some(site), .. })) => {
            assert_eq!(site, kit.site);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(kit.level(&mut conn).await, (5, 0));
    assert!(of_listing(&mut conn, listing).await.expect("read").is_empty());
    market.close(conn).await;
}

#[tokio::test]
async fn of_two_auctions_of_the_last_unit_one_is_made() {
    let (market, mut conn) = TestMarket::new().await;
    let plain = terms(&mut conn).await;
    for round in 0..10 {
        let (kit, first) = Kit::new(&mut conn, market.seller, &plain, 1, 1).await;
        // Another listing of the same unit.
        let second = crate::testing::draft(&mut conn, market.seller, SaleMode::Auction, 1).await;
        sqlx::query("UPDATE listings SET site_id = $2, item_id = $3 WHERE id = $1")
            .bind(second)
            .bind(kit.site)
            .bind(kit.item)
            .execute(&mut *conn)
            .await
            .expect("the draft");
        crate::listings::store::publish(&mut conn, market.seller.org, second).await.expect("published");
        let race = [first, second].map(|listing| {
            let (pool, plain, seller) = (market.db.pool.clone(), plain.clone(), market.seller);
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                auctioned(&mut conn, seller, listing, &plain).await.is_ok()
            })
        });
        let mut made = 0;
        for racer in race {
            made += u8::from(racer.await.expect("ran"));
        }
        assert_eq!((made, kit.level(&mut conn).await), (1, (1, 1)), "round {round}");
    }
    market.close(conn).await;
}
