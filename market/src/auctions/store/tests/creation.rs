use chrono::DateTime;
use shared::audit::Actor;

use super::*;
use crate::listings::model::{ListingStatus, SaleMode};
use crate::listings::store::{self as listings, ListingError};

async fn attempt(
    conn: &mut PgConnection,
    market: &TestMarket,
    sale_mode: SaleMode,
    terms: &NewAuction,
) -> Result<AuctionId, AuctionError> {
    let listing = listing(conn, market.seller, sale_mode, 1).await;
    create(conn, market.seller.org, market.seller.user, listing, terms).await
}

#[tokio::test]
async fn an_auction_starts_at_once_or_later() {
    let (market, mut conn) = TestMarket::new().await;
    let mut terms = terms(&mut conn).await;
    let live = attempt(&mut conn, &market, SaleMode::Auction, &terms).await.expect("made");
    let view = seen(&mut conn, live, None).await;
    assert_eq!((view.status, view.price, view.next_minimum), (AuctionStatus::Live, eur(1_000), eur(1_000)));
    assert_eq!(view.hard_ends_at, view.ends_at + TimeDelta::minutes(60));
    assert!(matches!(open(&mut conn, live).await, Ok(OpenOutcome::Already(AuctionStatus::Live))));

    terms.starts_at = Some(database_time(&mut conn).await + TimeDelta::hours(1));
    terms.soft_close_seconds = None;
    let later = attempt(&mut conn, &market, SaleMode::Auction, &terms).await.expect("made");
    let view = seen(&mut conn, later, None).await;
    assert_eq!((view.status, view.soft_close_seconds), (AuctionStatus::Scheduled, 300));
    let early = bid(&mut conn, later, market.bidders[0], 2_000).await;
    assert_eq!(refusal(early), Refused::NotStarted);
    let starts_at = view.starts_at;
    let early = open(&mut conn, later).await.expect("judged");
    assert!(matches!(early, OpenOutcome::NotYet { starts_at: at, now } if at == starts_at && now < at), "{early:?}");
    assert_eq!(due_to_open(&mut conn, 10).await.expect("list"), []);
    // As things stand an hour later.
    end_in(&mut conn, later, TimeDelta::days(10) - TimeDelta::hours(1) - TimeDelta::seconds(5)).await;
    assert_eq!(due_to_open(&mut conn, 10).await.expect("list"), [later]);
    let opened = open(&mut conn, later).await.expect("opened");
    assert!(matches!(opened, OpenOutcome::Opened(ref view) if view.version == 2), "{opened:?}");
    assert_eq!(due_to_open(&mut conn, 10).await.expect("list"), []);
    market.close(conn).await;
}

#[tokio::test]
async fn a_bid_opens_an_auction_whose_job_is_late() {
    let (market, mut conn) = TestMarket::new().await;
    let mut terms = terms(&mut conn).await;
    terms.starts_at = Some(database_time(&mut conn).await + TimeDelta::hours(1));
    let lot = attempt(&mut conn, &market, SaleMode::Auction, &terms).await.expect("made");
    end_in(&mut conn, lot, TimeDelta::hours(1)).await;
    bid(&mut conn, lot, market.bidders[0], 2_000).await.expect("accepted");
    assert_eq!(seen(&mut conn, lot, None).await.status, AuctionStatus::Live);
    assert!(matches!(open(&mut conn, lot).await, Ok(OpenOutcome::Already(AuctionStatus::Live))));
    market.close(conn).await;
}

#[tokio::test]
async fn impossible_terms_name_their_field() {
    let (market, mut conn) = TestMarket::new().await;
    let good = terms(&mut conn).await;
    let now = database_time(&mut conn).await;
    let yen = |minor| shared::money::Money::from_minor(minor, Currency::JPY);
    let cases = [
        (NewAuction { ends_at: now - TimeDelta::seconds(1), ..good.clone() }, "/ends_at"),
        (NewAuction { starts_at: Some(good.ends_at), ..good.clone() }, "/ends_at"),
        (NewAuction { hard_ends_at: Some(good.ends_at - TimeDelta::seconds(1)), ..good.clone() }, "/ends_at"),
        (NewAuction { ends_at: now + TimeDelta::days(367), ..good.clone() }, "/hard_ends_at"),
        (NewAuction { ends_at: DateTime::<chrono::Utc>::MAX_UTC, ..good.clone() }, "/hard_ends_at"),
        (NewAuction { soft_close_seconds: Some(-1), ..good.clone() }, "/soft_close_seconds"),
        (NewAuction { soft_close_seconds: Some(86_401), ..good.clone() }, "/soft_close_seconds"),
        (NewAuction { opening: eur(0), ..good.clone() }, "/opening"),
        (NewAuction { opening: eur(-5), ..good.clone() }, "/opening"),
        (NewAuction { opening: yen(5), ..good.clone() }, "/opening/currency"),
        (NewAuction { reserve: Some(secret(1_000)), ..good.clone() }, "/reserve"),
        (NewAuction { reserve: Some(SecretMoney::new(yen(5_000))), ..good.clone() }, "/reserve/currency"),
        (NewAuction { buy_now: Some(eur(9_000)), ..good.clone() }, "/buy_now"),
    ];
    for (terms, pointer) in cases {
        match attempt(&mut conn, &market, SaleMode::Auction, &terms).await {
            Err(AuctionError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer, "{terms:?}"),
            other => panic!("{terms:?} gave {other:?}"),
        }
    }
    let buyable = [
        (good.clone(), "/buy_now"),
        (NewAuction { buy_now: Some(eur(1_000)), ..good.clone() }, "/buy_now"),
        (NewAuction { buy_now: Some(yen(9_000)), ..good.clone() }, "/buy_now/currency"),
        (NewAuction { buy_now: Some(eur(4_000)), reserve: Some(secret(4_001)), ..good.clone() }, "/buy_now"),
        (NewAuction { buy_now: Some(eur(4_000)), lot_mode: LotMode::Divisible, ..good.clone() }, "/lot_mode"),
    ];
    for (terms, pointer) in buyable {
        match attempt(&mut conn, &market, SaleMode::AuctionBuyNow, &terms).await {
            Err(AuctionError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer, "{terms:?}"),
            other => panic!("{terms:?} gave {other:?}"),
        }
    }
    market.close(conn).await;
}

#[tokio::test]
async fn only_a_published_auction_listing_of_ones_own_has_one_auction_at_a_time() {
    let (market, mut conn) = TestMarket::new().await;
    let terms = terms(&mut conn).await;
    let Trader { org, user } = market.seller;
    let fixed = attempt(&mut conn, &market, SaleMode::Fixed, &terms).await;
    assert!(matches!(fixed, Err(AuctionError::NotForAuction)), "{fixed:?}");
    let draft = crate::testing::draft(&mut conn, market.seller, SaleMode::Auction, 1).await;
    let unpublished = create(&mut conn, org, user, draft, &terms).await;
    assert!(matches!(unpublished, Err(AuctionError::NotForAuction)), "{unpublished:?}");
    let mine = listing(&mut conn, market.seller, SaleMode::Auction, 1).await;
    let foreign = create(&mut conn, market.bidders[0].org, market.bidders[0].user, mine, &terms).await;
    assert!(matches!(foreign, Err(AuctionError::NotFound)), "{foreign:?}");
    let first = create(&mut conn, org, user, mine, &terms).await.expect("made");
    let second = create(&mut conn, org, user, mine, &terms).await;
    assert!(matches!(second, Err(AuctionError::AlreadyOpen)), "{second:?}");
    assert_eq!(of_listing(&mut conn, mine).await.expect("list"), [first]);
    market.close(conn).await;
}

#[tokio::test]
async fn a_seller_cancels_while_no_bid_stands_an_operator_always() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    let seller = market.seller.org;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let listing = seen(&mut conn, lot, None).await.listing_id;
    let open_auction = listings::withdraw(&mut conn, seller, listing).await;
    assert!(matches!(open_auction, Err(ListingError::AuctionOpen)), "{open_auction:?}");
    let foreign = cancel(&mut conn, Actor::System, lot, Some(a.org)).await;
    assert!(matches!(foreign, Err(AuctionError::NotFound)), "{foreign:?}");
    assert_eq!(cancel(&mut conn, Actor::System, lot, Some(seller)).await.expect("cancelled").version, 2);
    assert_eq!(seen(&mut conn, lot, None).await.status, AuctionStatus::Cancelled);
    let shown = listings::listing(&mut conn, listing).await.expect("read").expect("the listing");
    assert_eq!(shown.status, ListingStatus::Withdrawn);
    assert_eq!(refusal(bid(&mut conn, lot, a, 2_000).await), Refused::Ended);
    let again = cancel(&mut conn, Actor::System, lot, None).await;
    assert!(matches!(again, Err(AuctionError::NotCancellable)), "{again:?}");

    let lot = auction(&mut conn, market.seller, &terms).await;
    bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    let with_bid = cancel(&mut conn, Actor::System, lot, Some(seller)).await;
    assert!(matches!(with_bid, Err(AuctionError::NotCancellable)), "{with_bid:?}");
    cancel(&mut conn, Actor::System, lot, None).await.expect("the operator may");
    market.close(conn).await;
}

#[tokio::test]
async fn the_nearest_categorys_latest_increments_apply() {
    let (market, mut conn) = TestMarket::new().await;
    let [a, ..] = market.bidders;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, market.seller, &terms).await;
    let placed = bid(&mut conn, lot, a, 2_000).await.expect("accepted");
    assert_eq!(placed.auction.next_minimum, eur(1_050));
    for (path, revision, step) in [("electronics", 1, 700), ("electronics", 2, 900), ("machinery", 1, 800)] {
        sqlx::query(
            "INSERT INTO increment_tables (category_id, currency, revision, below, steps)
             SELECT id, 'EUR', $2, '{}', ARRAY [$3::bigint] FROM categories WHERE path = $1",
        )
        .bind(path)
        .bind(revision)
        .bind(i64::from(step))
        .execute(&mut *conn)
        .await
        .expect("increments");
    }
    let other = auction(&mut conn, market.seller, &terms).await;
    let placed = bid(&mut conn, other, a, 2_000).await.expect("accepted");
    assert_eq!(placed.auction.next_minimum, eur(1_900));
    // The running auction keeps what it promised.
    let placed = bid(&mut conn, lot, market.bidders[1], 1_050).await.expect("accepted");
    assert_eq!(placed.auction.price, eur(1_100));
    market.close(conn).await;
}
