//! Many connections at once. The tests assert what must hold in whatever order the server serves them.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use shared::audit::Actor;
use sqlx::PgPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use crate::stock::model::{NewRegion, RegionKind};

#[tokio::test]
async fn of_two_removals_of_the_last_unit_one_is_refused() {
    let (stock, mut conn) = TestStock::new().await;
    let (site, other) = (stock.site(&mut conn, Some(10)).await, stock.site(&mut conn, Some(10)).await);
    let (listing, item) = stock.stocked(&mut conn, site, 0).await;
    for round in 0..60 {
        stock.adjust(&mut conn, item, site, Count::To(1)).await.expect("counted");
        let order = stock.order(&mut conn, &[(listing, item)]).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, gate) = (stock.db.pool.clone(), Arc::clone(&barrier));
        let reserving = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            gate.wait().await;
            reserved(&mut conn, &[want(listing, order, 1)]).await
        });
        let (pool, count, moving) =
            (stock.db.pool.clone(), stock.count(item, site, Count::By(-1)), stock.moving(item, site, other, 1));
        let removing = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            barrier.wait().await;
            if round % 2 == 0 {
                adjusted(&mut conn, &count).await.map(|_| ())
            } else {
                transferred(&mut conn, &moving).await.map(|_| ())
            }
        });
        match (reserving.await.expect("ran"), removing.await.expect("ran")) {
            (Ok(()), Err(StockError::OutOfStock { available: 0, .. })) => {
                assert_eq!(stock.on_hand(&mut conn, item, site).await, (1, 1));
                free(&mut conn, Kept::OfOrder(order)).await.expect("freed");
            }
            (Err(StockError::OutOfStock { available: 0, .. }), Ok(())) => {
                assert_eq!(stock.on_hand(&mut conn, item, site).await, (0, 0));
            }
            other => panic!("{other:?}"),
        }
        if round % 2 == 1 && level(&mut conn, stock.seller.org, item, other).await.expect("read").is_some() {
            stock.adjust(&mut conn, item, other, Count::To(0)).await.expect("counted");
        }
    }
    stock.close(conn).await;
}

#[tokio::test]
async fn a_hundred_reservations_of_one_unit_make_one() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let at_level = stock.stocked(&mut conn, site, 1).await;
    let own = crate::testing::listing(&mut conn, stock.seller, SaleMode::Fixed, 1).await;
    let item = listings::listing(&mut conn, own).await.expect("read").expect("the listing").item_id;
    for (listing, item) in [at_level, (own, item)] {
        let mut tasks = JoinSet::new();
        for _ in 0..100 {
            let order = stock.order(&mut conn, &[(listing, item)]).await;
            let pool = stock.db.pool.clone();
            tasks.spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                match reserved(&mut conn, &[want(listing, order, 1)]).await {
                    Ok(()) => 1,
                    Err(StockError::OutOfStock { available: 0, .. }) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<i32>(), 1);
    }
    stock.close(conn).await;
}

/// What everybody trades in at once.
#[derive(Clone)]
struct Trade {
    seller: Trader,
    buyer: Trader,
    sites: Vec<SiteId>,
    /// Each item with a listing at each of the sites.
    goods: Vec<(ListingId, ItemId)>,
}

impl Trade {
    /// One act at random; an error that is not a plain refusal ends the test.
    async fn act(&self, conn: &mut PgConnection, held: &mut Vec<OrderId>) {
        let item = self.goods.choose(&mut rand::rng()).expect("goods").1;
        let site = self.sites.choose(&mut rand::rng()).expect("sites");
        let quantity = rand::rng().random_range(1..9);
        let (org, actor) = (self.seller.org, self.seller.user);
        // Nothing of the generator may be held across an await.
        let act: u8 = rand::rng().random_range(0..6);
        let done = match act {
            0 | 1 => {
                let mut goods = self.goods.clone();
                goods.shuffle(&mut rand::rng());
                goods.truncate(3);
                let order = order(conn, self.seller, self.buyer, &goods).await;
                let wants: Vec<_> = (1..).zip(&goods).map(|(line, (listing, _))| want(*listing, order, line)).collect();
                let done = reserved(conn, &wants).await;
                held.extend(done.is_ok().then_some(order));
                done
            }
            2 => match held.pop() {
                Some(order) => in_transaction(conn, async |tx| free(tx, Kept::OfOrder(order)).await.map(|_| ())).await,
                None => Ok(()),
            },
            3 => match held.pop() {
                Some(order) => in_transaction(conn, async |tx| take(tx, Kept::OfOrder(order)).await.map(|_| ())).await,
                None => Ok(()),
            },
            4 => {
                let to = *self.sites.choose(&mut rand::rng()).expect("sites");
                let moving = Transfer { org, item, from: *site, to, quantity, reason: None, actor };
                transferred(conn, &moving).await.map(|_| ())
            }
            _ => {
                let count = Count::By(quantity - 4);
                let count = Adjust { org, item, site: *site, count, reason: None, actor };
                adjusted(conn, &count).await.map(|_| ())
            }
        };
        match done {
            Ok(())
            | Err(
                StockError::OutOfStock { .. }
                | StockError::SiteFull
                | StockError::LevelFull
                | StockError::NotFound
                | StockError::Invalid(_),
            ) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn in_transaction(
    conn: &mut PgConnection,
    act: impl AsyncFnOnce(&mut PgConnection) -> Result<(), StockError>,
) -> Result<(), StockError> {
    let mut tx = conn.begin().await?;
    act(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn acts(pool: PgPool, trade: Trade, times: usize) {
    let mut conn = pool.acquire().await.expect("a connection");
    let mut held = Vec::new();
    for _ in 0..times {
        trade.act(&mut conn, &mut held).await;
    }
}

/// Reservations of several lines in any order, payments, transfers that cross and counts, between sites with a capacity and one
/// without.
#[tokio::test]
async fn levels_are_locked_in_one_order_whatever_the_order_of_the_lines() {
    let (stock, mut conn) = TestStock::new().await;
    let mut sites = Vec::new();
    for capacity in [Some(150), None, Some(60)] {
        sites.push(stock.site(&mut conn, capacity).await);
    }
    let mut goods = Vec::new();
    for site in [0, 1, 2, 0, 1, 2] {
        goods.push(stock.stocked(&mut conn, sites[site], 18).await);
    }
    let trade = Trade { seller: stock.seller, buyer: stock.buyer, sites, goods };
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        tasks.spawn(acts(stock.db.pool.clone(), trade.clone(), 125));
    }
    tasks.join_all().await;
    let moved: i64 =
        sqlx::query_scalar("SELECT count(*) FROM stock_movements").fetch_one(&mut conn).await.expect("a count");
    assert!(moved > 500, "only {moved} movements");
    stock.close(conn).await;
}

#[tokio::test]
async fn of_many_units_taken_at_once_one_makes_the_level_low() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, Some(1_000)).await;
    let (_, item) = stock.stocked(&mut conn, site, 20).await;
    let set = LevelChange { capacity: None, low_at: Some(Some(10)) };
    change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (pool, count) = (stock.db.pool.clone(), stock.count(item, site, Count::By(-1)));
        tasks.spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            adjusted(&mut conn, &count).await.expect("counted").alert
        });
    }
    let alerts: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].crossing, alerts[0].on_hand), (Crossing::Down, 10));
    stock.close(conn).await;
}

/// Whoever brings something to a site, and whoever ends its use, meet: never is there stock at a site that is not used any more.
#[tokio::test]
async fn of_an_archived_site_and_a_delivery_one_wins() {
    let (stock, mut conn) = TestStock::new().await;
    for round in 0..30 {
        let site = stock.site(&mut conn, (round % 2 == 0).then_some(10)).await;
        let (_, item) = stock.stocked(&mut conn, site, 0).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, gate, org) = (stock.db.pool.clone(), Arc::clone(&barrier), stock.seller.org);
        let archiving = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            gate.wait().await;
            in_transaction(&mut conn, async |tx| archive_site(tx, org, site).await).await
        });
        let (pool, count) = (stock.db.pool.clone(), stock.count(item, site, Count::By(1)));
        let bringing = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            barrier.wait().await;
            adjusted(&mut conn, &count).await.map(|_| ())
        });
        match (archiving.await.expect("ran"), bringing.await.expect("ran")) {
            (Ok(()), Err(StockError::SiteArchived)) | (Err(StockError::SiteInUse), Ok(())) => {}
            other => panic!("{other:?}"),
        }
    }
    stock.close(conn).await;
}

/// Whoever puts a site or a part into a region, and whoever ends the region's use, meet: never does anything in use lie in one that is
/// not.
#[tokio::test]
async fn of_an_archived_region_and_what_is_put_there_one_wins() {
    let (stock, mut conn) = TestStock::new().await;
    let earth: RegionId = sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth'")
        .fetch_one(&mut conn)
        .await
        .expect("the Earth");
    let country = |slug: String| NewRegion {
        parent_id: Some(earth),
        kind: RegionKind::Country,
        slug,
        name: "X".to_owned(),
        radius_m: None,
    };
    for round in 0..30 {
        let mut tx = conn.begin().await.expect("begun");
        let region = create_region(&mut tx, Actor::System, &country(format!("x-{round}"))).await.expect("a region").id;
        tx.commit().await.expect("committed");
        let barrier = Arc::new(Barrier::new(2));
        let (pool, gate) = (stock.db.pool.clone(), Arc::clone(&barrier));
        let archiving = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            gate.wait().await;
            in_transaction(&mut conn, async |tx| archive_region(tx, Actor::System, region).await).await
        });
        let (pool, org) = (stock.db.pool.clone(), stock.seller.org);
        let putting = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            barrier.wait().await;
            if round % 2 == 0 {
                let (name, kind) = ("Depot".to_owned(), SiteKind::Depot);
                let new = NewSite { region_id: region, name, kind, latitude: 1.0, longitude: 2.0, capacity: None };
                in_transaction(&mut conn, async |tx| create_site(tx, org, &new).await.map(|_| ())).await
            } else {
                let (kind, slug, name) = (RegionKind::State, "x".to_owned(), "X".to_owned());
                let new = NewRegion { parent_id: Some(region), kind, slug, name, radius_m: None };
                in_transaction(&mut conn, async |tx| create_region(tx, Actor::System, &new).await.map(|_| ())).await
            }
        });
        match (archiving.await.expect("ran"), putting.await.expect("ran")) {
            (Ok(()), Err(StockError::Invalid(_))) | (Err(StockError::RegionInUse), Ok(())) => {}
            other => panic!("{other:?}"),
        }
    }
    stock.close(conn).await;
}

/// Of different items, so that only the sites are shared.
#[tokio::test]
async fn transfers_that_cross_between_two_sites_do_not_block_each_other() {
    let (stock, mut conn) = TestStock::new().await;
    let (a, b) = (stock.site(&mut conn, Some(1_000)).await, stock.site(&mut conn, Some(1_000)).await);
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let (mut from, mut to) = if number % 2 == 0 { (a, b) } else { (b, a) };
        let (_, item) = stock.stocked(&mut conn, from, 5).await;
        let (pool, moving) = (stock.db.pool.clone(), stock.moving(item, from, to, 5));
        tasks.spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            for _ in 0..60 {
                transferred(&mut conn, &Transfer { from, to, ..moving }).await.expect("moved");
                std::mem::swap(&mut from, &mut to);
            }
        });
    }
    tasks.join_all().await;
    stock.close(conn).await;
}
