//! Purchases, sales on approval, and what sellers do to listings and registrations.

use shared::money::Money;

use super::*;
use crate::auctions::model::{Answer, Participant, SecretMoney};
use crate::listings::model::{ListingChange, SaleMode};
use crate::listings::store::{self as listings, ListingError};
use crate::sale_events::model::{NewSaleEvent, NewSaleEventLot, RegistrationStatus};
use crate::testing::{database_time, draft, listing};

/// A draft of an event in which bidders have this limit.
async fn catalogue(conn: &mut PgConnection, seller: Trader, limit: Option<Money>) -> SaleEventId {
    let now = database_time(conn).await;
    let new = NewSaleEvent {
        title: "Autumn sale".to_owned(),
        description: String::new(),
        currency: Currency::EUR,
        starts_at: now - TimeDelta::minutes(1),
        first_ends_at: now + TimeDelta::days(10),
        step_ms: None,
        soft_close_seconds: None,
        hard_close_seconds: None,
        default_limit: limit,
    };
    create(conn, seller.org, seller.user, &new).await.expect("a draft")
}

/// A published event whose lots have a reserve, and are sold at once for an amount.
async fn reserved_lots(
    conn: &mut PgConnection,
    seller: Trader,
    limit: Money,
    lots: &[(SecretMoney, Option<Money>)],
) -> (SaleEventId, Vec<AuctionId>) {
    let mut tx = conn.begin().await.unwrap();
    let event = catalogue(&mut tx, seller, Some(limit)).await;
    for (reserve, buy_now) in lots {
        let mode = if buy_now.is_some() { SaleMode::AuctionBuyNow } else { SaleMode::Auction };
        let listing_id = listing(&mut tx, seller, mode, 1).await;
        let lot = NewSaleEventLot {
            listing_id,
            lot_no: None,
            group: None,
            opening: eur(1_000),
            reserve: Some(*reserve),
            buy_now: *buy_now,
        };
        add_lot(&mut tx, seller.org, event, &lot).await.expect("a lot");
    }
    let lots = publish(&mut tx, seller.org, seller.user, event).await.expect("published");
    tx.commit().await.unwrap();
    (event, lots)
}

/// Why `by` cannot buy the lot at once; `None`: it is bought.
async fn buy_now(conn: &mut PgConnection, lot: AuctionId, by: Trader) -> Option<Refused> {
    let mut tx = conn.begin().await.unwrap();
    match auctions::buy_now(&mut tx, lot, by.org, by.user).await {
        Ok(_) => {
            tx.commit().await.unwrap();
            None
        }
        Err(AuctionError::Refused { refusal, .. }) => Some(refusal),
        Err(error) => panic!("{error:?}"),
    }
}

/// Whoever buys a lot at once needs the limit for its price, which stays reserved; whoever led has theirs again.
#[tokio::test]
async fn a_purchase_at_once_takes_the_limit_of_the_buyer() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let terms = [(secret(4_000), Some(eur(5_000))); 2];
    let (event, lots) = reserved_lots(&mut conn, sale.seller, eur(7_500), &terms).await;
    register(&mut conn, event, a).await;
    bid(&mut conn, lots[0], a, 2_000).await.expect("below the reserve");
    assert_eq!(buy_now(&mut conn, lots[0], b).await, Some(Refused::NotRegistered));
    register(&mut conn, event, b).await;
    assert_eq!(buy_now(&mut conn, lots[0], b).await, None);
    assert_eq!((reserved(&mut conn, event, a).await, reserved(&mut conn, event, b).await), (0, 5_000));
    assert_eq!(buy_now(&mut conn, lots[1], b).await, Some(Refused::LimitExceeded { left: 2_500 }));
    assert_eq!(reserved(&mut conn, event, b).await, 5_000);
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

async fn answered(conn: &mut PgConnection, lot: AuctionId, by: Trader, answer: Answer) -> Result<(), AuctionError> {
    let mut tx = conn.begin().await?;
    auctions::answer(&mut tx, lot, Participant { org: by.org, user: by.user }, answer).await?;
    tx.commit().await?;
    Ok(())
}

/// While the seller decides about a bid below the reserve, its maximum stays reserved; then the price is, or nothing. What the seller asks
/// for instead may be beyond the limit.
#[tokio::test]
async fn a_sale_on_approval_keeps_the_maximum_until_it_is_decided() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let terms = [(secret(8_000), None); 2];
    let (event, lots) = reserved_lots(&mut conn, sale.seller, eur(5_000), &terms).await;
    let id = register(&mut conn, event, a).await.registration.id;
    bid(&mut conn, lots[0], a, 2_000).await.expect("below the reserve");
    bid(&mut conn, lots[1], a, 3_000).await.expect("below the reserve");
    for lot in &lots {
        end_in(&mut conn, *lot, TimeDelta::seconds(-1)).await;
        let outcome = close_lot(&mut conn, *lot).await;
        assert!(matches!(outcome, CloseOutcome::OnApproval(_)), "{outcome:?}");
    }
    assert_eq!(reserved(&mut conn, event, a).await, 5_000);
    answered(&mut conn, lots[1], sale.seller, Answer::Decline).await.expect("declined");
    assert_eq!(reserved(&mut conn, event, a).await, 2_000);
    answered(&mut conn, lots[0], sale.seller, Answer::Counter(eur(7_000))).await.expect("asked for more");
    assert_eq!(reserved(&mut conn, event, a).await, 2_000);
    let beyond = answered(&mut conn, lots[0], a, Answer::Accept).await;
    assert!(
        matches!(beyond, Err(AuctionError::Refused { refusal: Refused::LimitExceeded { left: 5_000 }, .. })),
        "{beyond:?}"
    );
    let mut tx = conn.begin().await.unwrap();
    decide(&mut tx, sale.seller.org, sale.seller.user, event, id, Some(eur(7_000))).await.expect("raised");
    tx.commit().await.unwrap();
    answered(&mut conn, lots[0], a, Answer::Accept).await.expect("sold");
    assert_eq!(reserved(&mut conn, event, a).await, 7_000);
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

/// A draft of a listing that is in a catalogue says so when its currency is changed, and reads no other lots to find out.
#[tokio::test]
async fn a_listing_in_a_catalogue_keeps_its_currency() {
    let (sale, mut conn) = TestSale::new().await;
    let event = catalogue(&mut conn, sale.seller, None).await;
    let listing_id = draft(&mut conn, sale.seller, SaleMode::Auction, 1).await;
    let lot =
        NewSaleEventLot { listing_id, lot_no: None, group: None, opening: eur(1_000), reserve: None, buy_now: None };
    add_lot(&mut conn, sale.seller.org, event, &lot).await.expect("a lot");
    let found = listings::listing(&mut conn, listing_id).await.unwrap().expect("the listing");
    let dollars = ListingChange { currency: Some(Currency::USD), ..ListingChange::default() };
    let refused = listings::change(&mut conn, &found, &dollars).await;
    assert!(matches!(&refused, Err(ListingError::Invalid(it)) if it.pointer == "/currency"), "{refused:?}");

    let mut tx = conn.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off").execute(&mut *tx).await.unwrap();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT FROM ONLY sale_event_lots WHERE listing_id = $1 AND seller_org_id = $2 AND currency = 'EUR' FOR KEY SHARE",
    )
    .bind(listing_id)
    .bind(sale.seller.org)
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    tx.rollback().await.unwrap();
    assert!(plan.join("\n").contains("sale_event_lots_by_listing"), "{plan:?}");

    remove_lot(&mut conn, sale.seller.org, event, 1).await.expect("taken out");
    listings::change(&mut conn, &found, &dollars).await.expect("nobody's lot any more");
    sale.close(conn).await;
}

/// Whoever auctions a listing by itself has locked it, and waits for its stock next: publication waits for them before it has any.
#[tokio::test]
async fn publication_waits_for_whoever_auctions_one_of_its_lots() {
    let (sale, mut conn) = TestSale::new().await;
    let event = catalogue(&mut conn, sale.seller, None).await;
    let listing_id = listing(&mut conn, sale.seller, SaleMode::Auction, 1).await;
    let lot =
        NewSaleEventLot { listing_id, lot_no: None, group: None, opening: eur(1_000), reserve: None, buy_now: None };
    add_lot(&mut conn, sale.seller.org, event, &lot).await.expect("a lot");
    let mut other = sale.db.pool.begin().await.unwrap();
    // As the creation of an auction does.
    sqlx::query("SELECT FROM listings WHERE id = $1 FOR SHARE").bind(listing_id).execute(&mut *other).await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SET LOCAL lock_timeout = '100ms'").execute(&mut *tx).await.unwrap();
    let waits = publish(&mut tx, sale.seller.org, sale.seller.user, event).await;
    tx.rollback().await.unwrap();
    let state = match &waits {
        Err(SaleEventError::Sql(error)) => error.as_database_error().and_then(sqlx::error::DatabaseError::code),
        _ => None,
    };
    assert_eq!(state.as_deref(), Some("55P03"), "{waits:?}");
    other.rollback().await.unwrap();
    publish(&mut conn, sale.seller.org, sale.seller.user, event).await.expect("published");
    sale.close(conn).await;
}

/// The same decision again is none: it is not written down twice, and nobody is to hear of it again.
#[tokio::test]
async fn a_decision_is_made_once() {
    let (sale, mut conn) = TestSale::new().await;
    let (org, user) = (sale.seller.org, sale.seller.user);
    let (event, _) = sale_event(&mut conn, sale.seller, &[None], None).await;
    let id = register(&mut conn, event, sale.bidders[0]).await.registration.id;
    let mut news = Vec::new();
    let mut tx = conn.begin().await.unwrap();
    let mut last = None;
    for cents in [3_000, 3_000, 4_000, 4_000] {
        let decided = decide(&mut tx, org, user, event, id, Some(eur(cents))).await.expect("decided");
        if !decided.news {
            assert_eq!(last, Some(decided.registration.clone()), "nothing has changed");
        }
        news.push(decided.news);
        last = Some(decided.registration);
    }
    tx.commit().await.unwrap();
    assert_eq!(news, [true, false, true, false]);
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE action = 'sale_event.decide'")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(written, 2);
    sale.close(conn).await;
}

/// Nobody is approved for, or refused in, what does not take place.
#[tokio::test]
async fn in_a_cancelled_event_nothing_is_decided() {
    let (sale, mut conn) = TestSale::new().await;
    let (org, user) = (sale.seller.org, sale.seller.user);
    let (event, _) = sale_event(&mut conn, sale.seller, &[None], None).await;
    let bidder = sale.bidders[0];
    let id = register(&mut conn, event, bidder).await.registration.id;
    let mut tx = conn.begin().await.unwrap();
    cancel(&mut tx, org, user, event).await.expect("cancelled");
    tx.commit().await.unwrap();
    for limit in [Some(eur(3_000)), None] {
        let refused = decide(&mut conn, org, user, event, id, limit).await;
        assert!(matches!(refused, Err(SaleEventError::NotDone(NotDone::Cancelled))), "{refused:?}");
    }
    let own = own(&mut conn, bidder.org, event).await.unwrap().expect("registered");
    assert_eq!(own.registration.status, RegistrationStatus::Requested);
    sale.close(conn).await;
}

/// Whoever decides while the event is being cancelled waits for that: otherwise its bidder would hear of an approval after the end.
#[tokio::test]
async fn a_decision_waits_for_a_cancellation() {
    let (sale, mut conn) = TestSale::new().await;
    let (org, user) = (sale.seller.org, sale.seller.user);
    let (event, _) = sale_event(&mut conn, sale.seller, &[None], None).await;
    let id = register(&mut conn, event, sale.bidders[0]).await.registration.id;
    let mut tx = conn.begin().await.unwrap();
    cancel(&mut tx, org, user, event).await.expect("cancelled");
    let pool = sale.db.pool.clone();
    let deciding = tokio::spawn(async move {
        let mut tx = pool.begin().await.unwrap();
        let decided = decide(&mut tx, org, user, event, id, Some(eur(3_000))).await;
        tx.commit().await.unwrap();
        decided
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&sale.db.pool).await.unwrap() == 0 {
        assert!(!deciding.is_finished(), "it waits for the event");
    }
    tx.commit().await.unwrap();
    let refused = deciding.await.unwrap();
    assert!(matches!(refused, Err(SaleEventError::NotDone(NotDone::Cancelled))), "{refused:?}");
    sale.close(conn).await;
}

/// Lots that are closed in one transaction hold what is awarded of them, as when each is closed by itself.
#[tokio::test]
async fn lots_closed_in_one_transaction_hold_what_is_awarded() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, None, None, Some(1)], Some(eur(20_000))).await;
    for bidder in [a, b] {
        register(&mut conn, event, bidder).await;
    }
    // One of them leads two, both above their prices, the other one; nobody wants the third.
    for (lot, by, cents) in [(0, a, 5_000), (0, b, 2_000), (1, a, 4_000), (3, b, 3_000)] {
        bid(&mut conn, lots[lot], by, cents).await.expect("accepted");
    }
    assert_eq!((reserved(&mut conn, event, a).await, reserved(&mut conn, event, b).await), (9_000, 3_000));
    for lot in &lots {
        end_in(&mut conn, *lot, TimeDelta::seconds(-1)).await;
    }
    let mut tx = conn.begin().await.unwrap();
    let outcomes = auctions::close_all(&mut tx, &lots).await.unwrap();
    tx.commit().await.unwrap();
    let mut won = [0, 0];
    for outcome in outcomes {
        let Some(CloseOutcome::Closed(closed)) = outcome else { panic!("{outcome:?}") };
        for award in closed.awards {
            won[usize::from(award.winner.org == b.org)] += award.amount.minor();
        }
    }
    assert_eq!([reserved(&mut conn, event, a).await, reserved(&mut conn, event, b).await], won);
    assert!(won[0] > 2_000 && won[1] == 1_000, "{won:?}");
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}
