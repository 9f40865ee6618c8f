mod drafts;
mod live;
mod parts;
mod relist;
mod review;

use shared::audit::Actor;
use shared::money::Currency;
use shared::testing::TestDb;

use super::*;
use crate::auctions::model::{AuctionStatus, PlacedBid};
use crate::auctions::rules::Refused;
use crate::auctions::store as auctions;
use crate::ids::AuctionId;
use crate::listings::model::NewListing;
use crate::search::model::Query;
use crate::search::store::find;
use crate::testing::{Trader, auction, draft, end_in, eur, listing as published, member_of, secret, terms, trader};

fn new(item_id: ItemId) -> NewListing {
    NewListing {
        item_id,
        site_id: None,
        title: "Console".to_owned(),
        description: String::new(),
        language: Language::En,
        sale_mode: SaleMode::Fixed,
        currency: Currency::EUR,
        price: Some(eur(5_000)),
        takes_offers: false,
        quantity: 10,
        min_quantity: 2,
        delivery_options: vec!["pickup".to_owned(), "parcel".to_owned()],
    }
}

async fn ids(conn: &mut PgConnection, wanted: Query) -> Vec<ListingId> {
    find(conn, &wanted, None, 10).await.expect("found").iter().map(|found| found.id).collect()
}

#[tokio::test]
async fn a_draft_is_published_and_withdrawn_by_its_seller() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let id = draft(&mut conn, seller, SaleMode::Fixed, 3).await;
    let shown = listing(&mut conn, id).await.expect("read").expect("the draft");
    assert_eq!((shown.status, shown.price, shown.quantity), (ListingStatus::Draft, Some(eur(10_000)), 3));
    assert_eq!(shown.cursor(), None);
    for result in [publish(&mut conn, other.org, id).await.map(drop), withdraw(&mut conn, other.org, id).await] {
        assert!(matches!(result, Err(ListingError::NotFound)), "{result:?}");
    }
    publish(&mut conn, seller.org, id).await.expect("published");
    let again = publish(&mut conn, seller.org, id).await;
    assert!(matches!(again, Err(ListingError::WrongStatus(ListingStatus::Published))), "{again:?}");
    withdraw(&mut conn, seller.org, id).await.expect("withdrawn");
    let again = withdraw(&mut conn, seller.org, id).await;
    assert!(matches!(again, Err(ListingError::WrongStatus(ListingStatus::Withdrawn))), "{again:?}");
    assert_eq!(listings_of(&mut conn, seller.org, None, 10).await.expect("list").len(), 1);
    assert_eq!(listings_of(&mut conn, seller.org, Some(id), 10).await.expect("list"), []);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn bad_listings_name_their_field() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let Trader { org, user } = trader(&mut conn).await;
    let seller = Trader { org, user };
    let own = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    let item = listing(&mut conn, own).await.expect("read").expect("the draft").item_id;
    create(&mut conn, org, user, &new(item)).await.expect("a good one");
    let foreign = trader(&mut conn).await;
    let theirs = draft(&mut conn, foreign, SaleMode::Fixed, 1).await;
    let theirs = listing(&mut conn, theirs).await.expect("read").expect("the draft").item_id;
    let yen = Money::from_minor(5, Currency::JPY);
    let cases = [
        (new(theirs), "/item_id"),
        (new(ItemId::generate()), "/item_id"),
        (NewListing { title: String::new(), ..new(item) }, "/title"),
        (NewListing { description: "x".repeat(20_001), ..new(item) }, "/description"),
        (NewListing { price: Some(eur(0)), ..new(item) }, "/price"),
        (NewListing { price: Some(yen), ..new(item) }, "/price/currency"),
        (NewListing { sale_mode: SaleMode::Auction, ..new(item) }, "/price"),
        (NewListing { sale_mode: SaleMode::Offer, takes_offers: true, ..new(item) }, "/takes_offers"),
        (NewListing { quantity: 1_000_000_001, ..new(item) }, "/quantity"),
        (NewListing { min_quantity: 11, ..new(item) }, "/min_quantity"),
        (NewListing { delivery_options: vec![], ..new(item) }, "/delivery_options"),
        (NewListing { delivery_options: vec!["owl".to_owned()], ..new(item) }, "/delivery_options"),
    ];
    for (new, pointer) in cases {
        match create(&mut conn, org, user, &new).await {
            Err(ListingError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer),
            other => panic!("{pointer}: {other:?}"),
        }
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn the_search_shows_published_listings_newest_first() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let first = published(&mut conn, seller, SaleMode::Fixed, 1).await;
    let second = published(&mut conn, other, SaleMode::Auction, 1).await;
    let third = published(&mut conn, seller, SaleMode::Auction, 1).await;
    draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    let all = Query::default();
    assert_eq!(ids(&mut conn, all.clone()).await, [third, second, first]);
    assert_eq!(ids(&mut conn, Query { seller: Some(seller.org), ..all.clone() }).await, [third, first]);
    for (text, found) in
        [("controllers", 3), ("\"two controllers\"", 3), ("tractor", 0), ("console -hardly", 0), ("\"((", 0)]
    {
        let found_now = ids(&mut conn, Query { text: Some(text.to_owned()), ..all.clone() }).await;
        assert_eq!(found_now.len(), found, "{text}");
    }
    for (path, found) in [("electronics", 3), ("electronics/consoles", 3), ("electro", 0), ("machinery", 0)] {
        let found_now = ids(&mut conn, Query { category: Some(path.to_owned()), ..all.clone() }).await;
        assert_eq!(found_now.len(), found, "{path}");
    }
    let page = find(&mut conn, &all, None, 2).await.expect("found");
    let rest = find(&mut conn, &all, Some(page[1]), 2).await.expect("found");
    assert_eq!(rest.iter().map(|found| found.id).collect::<Vec<_>>(), [first]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_archived_item_is_neither_listed_nor_published() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let id = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    let item = listing(&mut conn, id).await.expect("read").expect("the draft").item_id;
    crate::catalog::store::archive_item(&mut conn, seller.org, item).await.expect("archived");
    match publish(&mut conn, seller.org, id).await {
        Err(ListingError::Incomplete(faults)) => assert_eq!(faults.to_string(), "/item_id: was archived"),
        other => panic!("{other:?}"),
    }
    match create(&mut conn, seller.org, seller.user, &new(item)).await {
        Err(ListingError::Invalid(invalid)) => assert_eq!(invalid.pointer, "/item_id"),
        other => panic!("{other:?}"),
    }
    drop(conn);
    db.close().await;
}

/// A live auction, and the listing that it sells.
async fn lot_and_listing(conn: &mut PgConnection) -> (AuctionId, ListingId) {
    let (seller, terms) = (trader(conn).await, terms(conn).await);
    let lot = auction(conn, seller, &terms).await;
    let listing = auctions::view(conn, lot, None).await.expect("read").expect("the auction").listing_id;
    (lot, listing)
}

async fn bid_by(
    conn: &mut PgConnection,
    bidder: Trader,
    lot: AuctionId,
    cents: i64,
) -> Result<PlacedBid, auctions::AuctionError> {
    let Trader { org, user } = bidder;
    auctions::place_bid(conn, &auctions::PlaceBid { auction: lot, org, user, maximum: secret(cents), quantity: None })
        .await
}

#[track_caller]
fn assert_suspended(refused: &Result<PlacedBid, auctions::AuctionError>) {
    let is = matches!(refused, Err(auctions::AuctionError::Refused { refusal: Refused::ListingSuspended, .. }));
    assert!(is, "{refused:?}");
}

#[tokio::test]
async fn a_suspended_listing_is_found_by_nobody_takes_no_bids_and_ends_without_a_winner() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (bidder, moderator) = (trader(&mut conn).await, member_of(&mut conn, &[]).await);
    let (lot, id) = lot_and_listing(&mut conn).await;
    let found = async |conn: &mut PgConnection| {
        let open = auctions::OpenFilter { seller: None, after: None, limit: 10 };
        (ids(conn, Query::default()).await.len(), auctions::open_auctions(conn, open).await.expect("a list").len())
    };
    let bid = async |conn: &mut PgConnection, cents| {
        let mut tx = sqlx::Connection::begin(conn).await.expect("a transaction");
        let placed = bid_by(&mut tx, bidder, lot, cents).await;
        tx.commit().await.expect("committed");
        placed
    };
    bid(&mut conn, 2_000).await.expect("accepted");
    assert_eq!(found(&mut conn).await, (1, 1));

    let suspended =
        decide(&mut conn, Actor::User(moderator), id, Decision::Suspend("counterfeit")).await.expect("suspended");
    assert_eq!(suspended.listing.status, ListingStatus::Suspended);
    assert_eq!(suspended.listing.status_reason.as_deref(), Some("counterfeit"));
    assert!(suspended.auction.is_some_and(|auction| auction.suspended));
    assert_eq!(found(&mut conn).await, (0, 0));
    let refused = bid(&mut conn, 3_000).await;
    assert_suspended(&refused);
    let again = decide(&mut conn, Actor::User(moderator), id, Decision::Suspend("counterfeit")).await;
    assert!(matches!(again, Err(ListingError::WrongStatus(ListingStatus::Suspended))), "{again:?}");

    let back = decide(&mut conn, Actor::User(moderator), id, Decision::Reinstate).await.expect("reinstated");
    assert_eq!((back.listing.status, back.listing.status_reason), (ListingStatus::Published, None));
    assert_eq!(found(&mut conn).await, (1, 1));
    bid(&mut conn, 3_000).await.expect("accepted again");

    decide(&mut conn, Actor::User(moderator), id, Decision::Suspend("again")).await.expect("suspended");
    end_in(&mut conn, lot, chrono::TimeDelta::seconds(-1)).await;
    auctions::close(&mut conn, lot).await.expect("closed");
    let ended = auctions::view(&mut conn, lot, None).await.expect("read").expect("the auction");
    let listing = listing(&mut conn, id).await.expect("read").expect("the listing");
    assert_eq!((ended.status, listing.status), (AuctionStatus::Cancelled, ListingStatus::Withdrawn));
    let entries = shared::audit::page(&mut conn, Some(("listing", &id.to_string())), None, 10).await.expect("entries");
    let actions: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.actor)).collect();
    let by = Some(moderator);
    assert_eq!(actions, [("listing.suspend", by), ("listing.reinstate", by), ("listing.suspend", by)]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_bid_that_waited_for_the_suspension_is_refused() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (bidder, moderator) = (trader(&mut conn).await, member_of(&mut conn, &[]).await);
    let (lot, id) = lot_and_listing(&mut conn).await;
    let mut tx = db.pool.begin().await.expect("a transaction");
    decide(&mut tx, Actor::User(moderator), id, Decision::Suspend("counterfeit")).await.expect("suspended");
    let bid = tokio::spawn(async move { bid_by(&mut conn, bidder, lot, 2_000).await });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&db.pool).await.expect("an answer") {
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("committed");
    let refused = bid.await.expect("an answer");
    assert_suspended(&refused);
    db.close().await;
}

#[tokio::test]
async fn what_a_suspended_seller_offers_is_not_found() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let terms = terms(&mut conn).await;
    auction(&mut conn, seller, &terms).await;
    let shown = published(&mut conn, other, SaleMode::Fixed, 1).await;
    sqlx::query("UPDATE orgs SET status = 'suspended' WHERE id = $1")
        .bind(seller.org)
        .execute(&mut *conn)
        .await
        .expect("done");
    assert_eq!(ids(&mut conn, Query::default()).await, [shown]);
    let open = auctions::OpenFilter { seller: None, after: None, limit: 10 };
    assert_eq!(auctions::open_auctions(&mut conn, open).await.expect("a list"), []);
    drop(conn);
    db.close().await;
}
