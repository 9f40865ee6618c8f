//! What acts on lots reserve and free.

use serde_json::json;
use shared::audit::Actor;
use shared::ids::UserId;
use shared::money::{BasisPoints, Currency};

use super::*;
use crate::auctions::store::DefaultOutcome;
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::revise_premium;
use crate::orders::model::AwardId;
use crate::sale_events::model::RegistrationStatus;

#[tokio::test]
async fn who_is_not_approved_does_not_bid() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None], None).await;
    assert_eq!(refusal(bid(&mut conn, lots[0], a, 2_000).await), Refused::NotRegistered);
    let own = register(&mut conn, event, a).await;
    assert_eq!(own.registration.status, RegistrationStatus::Requested);
    assert_eq!(refusal(bid(&mut conn, lots[0], a, 2_000).await), Refused::NotRegistered);
    let mut tx = conn.begin().await.unwrap();
    let id = own.registration.id;
    let decided = decide(&mut tx, sale.seller.org, sale.seller.user, event, id, Some(eur(3_000))).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(decided.registration.status, RegistrationStatus::Approved);
    bid(&mut conn, lots[0], a, 2_000).await.expect("accepted");
    // Who has asked stays as they are.
    assert_eq!(register(&mut conn, event, a).await.left, eur(1_000));
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

/// Of a decision about others' registrations nobody but their seller hears.
#[tokio::test]
async fn only_the_seller_decides_and_never_lowers() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, _) = sale_event(&mut conn, sale.seller, &[None], None).await;
    let id = register(&mut conn, event, a).await.registration.id;
    let as_other = decide(&mut conn, b.org, b.user, event, id, Some(eur(100))).await;
    assert!(matches!(as_other, Err(SaleEventError::NotFound("sale event"))), "{as_other:?}");
    let (org, user) = (sale.seller.org, sale.seller.user);
    decide(&mut conn, org, user, event, id, Some(eur(3_000))).await.unwrap();
    let lowered = decide(&mut conn, org, user, event, id, Some(eur(2_000))).await;
    assert!(matches!(lowered, Err(SaleEventError::NotDone(NotDone::Lowered))), "{lowered:?}");
    let raised = decide(&mut conn, org, user, event, id, Some(eur(4_000))).await.unwrap();
    assert_eq!(raised.registration.limit, Some(eur(4_000)));
    let listed = registrations(&mut conn, event, None, 10).await.unwrap();
    assert_eq!(listed, [raised.registration]);
    assert!(serde_json::to_value(&listed[0]).unwrap().get("reserved").is_none(), "{:?}", json!(listed));
    sale.close(conn).await;
}

#[tokio::test]
async fn a_limit_counts_across_lots_and_is_free_when_outbid() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, None, None], Some(eur(10_000))).await;
    register(&mut conn, event, a).await;
    register(&mut conn, event, b).await;
    bid(&mut conn, lots[0], a, 5_000).await.expect("accepted");
    assert_eq!(bid(&mut conn, lots[0], a, 6_000).await.expect("accepted").effect, Effect::Raised);
    assert_eq!(reserved(&mut conn, event, a).await, 6_000);
    let refused = refusal(bid(&mut conn, lots[1], a, 4_001).await);
    assert_eq!(refused, Refused::LimitExceeded { left: 4_000 });
    bid(&mut conn, lots[1], a, 4_000).await.expect("exactly what is left");
    // A raise counts with what the lot holds of it.
    assert_eq!(refusal(bid(&mut conn, lots[1], a, 4_100).await), Refused::LimitExceeded { left: 4_000 });
    assert_eq!(reserved(&mut conn, event, a).await, 10_000);
    bid(&mut conn, lots[0], b, 7_000).await.expect("leads");
    assert_eq!((reserved(&mut conn, event, a).await, reserved(&mut conn, event, b).await), (4_000, 7_000));
    bid(&mut conn, lots[2], a, 6_000).await.expect("what was outbid is free");
    // A bid that does not lead must be within the limit, and reserves nothing.
    assert_eq!(refusal(bid(&mut conn, lots[2], b, 5_500).await), Refused::LimitExceeded { left: 3_000 });
    assert_eq!(bid(&mut conn, lots[2], b, 2_000).await.expect("accepted").effect, Effect::Outbid);
    assert_eq!(reserved(&mut conn, event, b).await, 7_000);
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

/// Who has spent elsewhere what they would need does not lead again: the bid goes with the one that is taken back.
#[tokio::test]
async fn nobody_leads_again_beyond_their_limit() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let c = trader(&mut conn).await;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, None], Some(eur(10_000))).await;
    for by in [a, b, c] {
        register(&mut conn, event, by).await;
    }
    bid(&mut conn, lots[0], c, 2_000).await.expect("accepted");
    bid(&mut conn, lots[0], a, 6_000).await.expect("accepted");
    let better = bid(&mut conn, lots[0], b, 9_000).await.expect("leads");
    bid(&mut conn, lots[1], a, 7_000).await.expect("with what is free again");
    let mut tx = conn.begin().await.unwrap();
    let back = auctions::retract(&mut tx, better.bid, b.org, b.user).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((back.auction.price, back.auction.bid_count), (eur(1_000), 1), "c's bid alone");
    assert_eq!(back.lapsed, [a.org]);
    let leader: OrgId = sqlx::query_scalar("SELECT leader_org_id FROM auctions WHERE id = $1")
        .bind(lots[0])
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    assert_eq!(leader, c.org);
    // Of what has lapsed nobody says that they have taken it back.
    let by: Vec<(OrgId, Option<UserId>)> = sqlx::query_as(
        "SELECT org_id, retracted_by FROM bid_retractions WHERE auction_id = $1 ORDER BY retracted_by NULLS FIRST",
    )
    .bind(lots[0])
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    assert_eq!(by, [(a.org, None), (b.org, Some(b.user))]);
    assert_eq!((reserved(&mut conn, event, a).await, reserved(&mut conn, event, b).await), (7_000, 0));
    assert_eq!(reserved(&mut conn, event, c).await, 2_000);
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

/// What was awarded stays reserved, and no more than that; it is free when it is not paid.
#[tokio::test]
async fn an_award_keeps_its_price_until_it_defaults() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, b] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, None], Some(eur(10_000))).await;
    register(&mut conn, event, a).await;
    register(&mut conn, event, b).await;
    bid(&mut conn, lots[0], b, 2_000).await.expect("accepted");
    bid(&mut conn, lots[0], a, 8_000).await.expect("leads");
    end_in(&mut conn, lots[0], TimeDelta::seconds(-1)).await;
    let CloseOutcome::Closed(closed) = close_lot(&mut conn, lots[0]).await else { panic!("not closed") };
    let price = closed.awards[0].amount.minor();
    assert!(price < 8_000);
    assert_eq!(reserved(&mut conn, event, a).await, price);
    assert_reserved_as_recomputed(&mut conn, event).await;
    let left = 10_000 - price;
    assert_eq!(refusal(bid(&mut conn, lots[1], a, left + 1).await), Refused::LimitExceeded { left });
    default_award(&mut conn, closed.awards[0].id).await;
    assert_eq!(reserved(&mut conn, event, a).await, 0);
    // The next bidder takes the lot: that counts for them.
    let chance: crate::ids::SecondChanceId = sqlx::query_scalar("SELECT id FROM second_chances WHERE auction_id = $1")
        .bind(lots[0])
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    bid(&mut conn, lots[1], b, 9_000).await.expect("leads");
    let mut tx = conn.begin().await.unwrap();
    let refused = auctions::accept(&mut tx, chance, b.org, b.user).await;
    tx.rollback().await.unwrap();
    let exceeded =
        matches!(refused, Err(AuctionError::Refused { refusal: Refused::LimitExceeded { left: 1_000 }, .. }));
    assert!(exceeded, "{refused:?}");
    bid(&mut conn, lots[1], a, 9_500).await.expect("leads");
    let mut tx = conn.begin().await.unwrap();
    auctions::accept(&mut tx, chance, b.org, b.user).await.expect("agreed");
    tx.commit().await.unwrap();
    assert_eq!(reserved(&mut conn, event, b).await, 2_000);
    assert_reserved_as_recomputed(&mut conn, event).await;
    sale.close(conn).await;
}

async fn default_award(conn: &mut PgConnection, award: AwardId) {
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query(
        "UPDATE checkouts
         SET created_at = created_at - interval '73 hours', pay_by = pay_by - interval '73 hours'
         WHERE id = (SELECT checkout_id FROM orders WHERE award_id = $1)",
    )
    .bind(award)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let outcome = auctions::default(&mut tx, award).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(outcome, DefaultOutcome::Defaulted(_)), "{outcome:?}");
}

/// Unsold and cancelled lots hold nothing, and an event without bids is cancelled whole.
#[tokio::test]
async fn what_is_cancelled_holds_nothing() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None, None], Some(eur(10_000))).await;
    register(&mut conn, event, a).await;
    bid(&mut conn, lots[0], a, 6_000).await.expect("accepted");
    let mut tx = conn.begin().await.unwrap();
    let refused = cancel(&mut tx, sale.seller.org, sale.seller.user, event).await;
    tx.rollback().await.unwrap();
    assert!(matches!(refused, Err(SaleEventError::NotDone(NotDone::HasBids))), "{refused:?}");
    // A moderator may, with bids.
    let mut tx = conn.begin().await.unwrap();
    auctions::cancel(&mut tx, Actor::System, lots[0], None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reserved(&mut conn, event, a).await, 0);
    let mut tx = conn.begin().await.unwrap();
    let cancelled = cancel(&mut tx, sale.seller.org, sale.seller.user, event).await.unwrap();
    tx.commit().await.unwrap();
    let cancelled: Vec<_> = cancelled.iter().map(|view| (view.id, view.status)).collect();
    assert_eq!(cancelled, [(lots[1], AuctionStatus::Cancelled)]);
    sale.close(conn).await;
}

/// A maximum is reserved with the premium on it, by the tariff of the publication.
#[tokio::test]
async fn the_premium_is_reserved_as_well() {
    let (sale, mut conn) = TestSale::new().await;
    let [a, _] = sale.bidders;
    let rates = vec![BasisPoints::try_from(1_000).unwrap()];
    let tariff = PremiumTariff::new(Currency::EUR, Vec::new(), rates, 0).unwrap();
    let mut tx = conn.begin().await.unwrap();
    revise_premium(&mut tx, Actor::System, None, &tariff).await.unwrap();
    tx.commit().await.unwrap();
    let (event, lots) = sale_event(&mut conn, sale.seller, &[None], Some(eur(10_000))).await;
    register(&mut conn, event, a).await;
    assert_eq!(refusal(bid(&mut conn, lots[0], a, 9_100).await), Refused::LimitExceeded { left: 10_000 });
    bid(&mut conn, lots[0], a, 9_000).await.expect("900 of premium");
    assert_eq!(reserved(&mut conn, event, a).await, 9_900);
    sale.close(conn).await;
}
