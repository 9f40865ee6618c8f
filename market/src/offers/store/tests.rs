mod trades;

use shared::ids::UserId;
use shared::testing::TestDb;
use sqlx::{Connection, PgPool};

use super::*;
use crate::catalog::model::NewItem;
use crate::catalog::store as catalog;
use crate::checkout::model::{CheckoutLine, CheckoutStatus};
use crate::checkout::store::{self as checkout, place};
use crate::ids::{ItemId, OfferId};
use crate::listings::model::SaleMode;
use crate::offers::model::{Offer, OfferStatus, Party, Proposal};
use crate::orders::model::{OrderSource, OrderStatus, PAYMENT_TERM, Side};
use crate::orders::store as orders;
use crate::testing::{CONSOLES, Trader, eur, listing, member_of, trader};

fn party(trader: Trader) -> Party {
    Party { org: trader.org, user: trader.user }
}

const fn terms(cents: i64, quantity: i64) -> Proposal<'static> {
    Proposal { price: eur(cents), quantity, note: None }
}

struct Market {
    db: TestDb,
    seller: Trader,
    buyer: Trader,
    goods: ListingId,
}

impl Market {
    /// Five units by offer.
    async fn new() -> Self {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection");
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        let goods = listing(&mut conn, seller, SaleMode::Offer, 5).await;
        drop(conn);
        Self { db, seller, buyer, goods }
    }

    async fn offer(&self, proposal: Proposal<'_>) -> Result<OfferId, OfferError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let new = NewOffer { listing: self.goods, item: None, proposal };
        let made = create(&mut tx, party(self.buyer), new).await?;
        tx.commit().await.expect("committed");
        Ok(made)
    }

    async fn read(&self, id: OfferId) -> Offer {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        offer(&mut conn, self.buyer.org, id).await.expect("read").expect("the offer")
    }

    /// How many units of the listing are reserved.
    async fn reserved(&self) -> i64 {
        let sql = "SELECT reserved FROM listings WHERE id = $1";
        sqlx::query_scalar(sql).bind(self.goods).fetch_one(&self.db.pool).await.expect("a row")
    }

    async fn orders(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&self.db.pool).await.expect("a count")
    }

    async fn age(&self, id: OfferId) {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        let sql = "UPDATE offers
                   SET created_at = created_at - interval '3 days', expires_at = clock_timestamp() - interval '1 second'
                   WHERE id = $1";
        sqlx::query(sql).bind(id).execute(&mut *tx).await.expect("aged");
        tx.commit().await.expect("committed");
    }
}

async fn do_accept(pool: PgPool, by: Party, id: OfferId, version: i32) -> Result<Accepted, OfferError> {
    let mut tx = pool.begin().await.expect("a transaction");
    let accepted = accept(&mut tx, by, id, version).await?;
    tx.commit().await.expect("committed");
    Ok(accepted)
}

async fn do_counter(pool: PgPool, by: Party, id: OfferId, version: i32, cents: i64) -> Result<(), OfferError> {
    let mut tx = pool.begin().await.expect("a transaction");
    counter(&mut tx, by, id, version, &terms(cents, 2)).await?;
    tx.commit().await.expect("committed");
    Ok(())
}

#[tokio::test]
async fn terms_go_to_and_fro_until_one_side_accepts_and_there_is_one_order_like_a_checkouts() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let (buyer, seller) = (party(market.buyer), party(market.seller));
    let id = market.offer(terms(8_000, 2)).await.expect("made");
    let refused = market.offer(terms(8_500, 1)).await;
    assert!(matches!(refused, Err(OfferError::AlreadyOpen)), "{refused:?}");
    let refused = do_accept(pool(), buyer, id, 1).await;
    assert!(matches!(refused, Err(OfferError::Act(ActRefusal::NotYourTurn))), "{refused:?}");
    do_counter(pool(), seller, id, 1, 9_500).await.expect("countered");
    do_counter(pool(), buyer, id, 2, 9_000).await.expect("countered");
    let refused = do_accept(pool(), seller, id, 2).await;
    assert!(matches!(refused, Err(OfferError::Act(ActRefusal::Changed))), "{refused:?}");
    assert_eq!((market.reserved().await, market.orders().await), (0, 0));
    let accepted = do_accept(pool(), seller, id, 3).await.expect("accepted");
    let offer = market.read(id).await;
    assert_eq!(
        (offer.status, offer.order, offer.checkout),
        (OfferStatus::Accepted, Some(accepted.order), Some(accepted.checkout))
    );
    let told: Vec<_> = offer.terms.iter().map(|one| (one.version, one.side, one.price, one.quantity)).collect();
    assert_eq!(
        told,
        [(1, Side::Buyer, eur(8_000), 2), (2, Side::Seller, eur(9_500), 2), (3, Side::Buyer, eur(9_000), 2)]
    );
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let order = orders::order(&mut conn, buyer.org, accepted.order).await.expect("read").expect("the order");
    assert_eq!(
        (order.source, order.status, order.total),
        (OrderSource::Offer, OrderStatus::PendingPayment, eur(18_000))
    );
    assert_eq!((order.lines[0].unit_price, order.lines[0].quantity), (Some(eur(9_000)), 2));
    assert_eq!(order.pay_by, order.created_at + PAYMENT_TERM);
    // The fee is that of a purchase at a fixed price.
    let fixed = listing(&mut conn, market.seller, SaleMode::Fixed, 1).await;
    let line = CheckoutLine { listing: fixed, quantity: 1, price: eur(10_000) };
    let mut tx = conn.begin().await.expect("a transaction");
    let bought = place(&mut tx, buyer.org, buyer.user, &[line], PAYMENT_TERM).await.expect("bought");
    let bought = checkout::checkout(&mut tx, buyer.org, bought).await.expect("read").expect("the checkout");
    tx.commit().await.expect("committed");
    assert_eq!((order.fee_bps, order.vat_treatment), (bought.orders[0].fee_bps, bought.orders[0].vat_treatment));
    assert_eq!(market.reserved().await, 2);
    // Whoever does not pay loses it, as after any checkout.
    let mut tx = conn.begin().await.expect("a transaction");
    checkout::cancel(&mut tx, buyer.org, buyer.user, accepted.checkout).await.expect("cancelled");
    tx.commit().await.expect("committed");
    assert_eq!(market.reserved().await, 0);
    let ended = checkout::checkout(&mut conn, buyer.org, accepted.checkout).await.expect("read").expect("the checkout");
    assert_eq!(ended.status, CheckoutStatus::Cancelled);
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn two_accepts_at_once_make_one_order() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let partner = Party { org: market.seller.org, user: member_of(&mut conn, &[market.seller.org]).await };
    for round in 1..=50 {
        let id = market.offer(terms(8_000, 1)).await.expect("made");
        let (one, other) =
            tokio::join!(do_accept(pool(), party(market.seller), id, 1), do_accept(pool(), partner, id, 1));
        let results = [one, other];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        let refused =
            |result: &Result<_, _>| matches!(result, Err(OfferError::Act(ActRefusal::Ended(OfferStatus::Accepted))));
        assert!(results.iter().any(refused), "{results:?}");
        assert_eq!((market.orders().await, market.reserved().await), (round, 1));
        let accepted = market.read(id).await.checkout.expect("a checkout");
        let mut tx = conn.begin().await.expect("a transaction");
        checkout::cancel(&mut tx, market.buyer.org, market.buyer.user, accepted).await.expect("cancelled");
        tx.commit().await.expect("committed");
    }
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn of_accepting_and_withdrawing_at_once_one_wins() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let mut bought = 0;
    for _ in 0..50 {
        let id = market.offer(terms(8_000, 1)).await.expect("made");
        let (accepted, withdrawn) = tokio::join!(do_accept(pool(), party(market.seller), id, 1), async {
            let mut tx = market.db.pool.begin().await.expect("a transaction");
            let result = withdraw(&mut tx, party(market.buyer), id, 1).await;
            tx.commit().await.expect("committed");
            result
        });
        assert!(accepted.is_ok() != withdrawn.is_ok(), "{accepted:?} {withdrawn:?}");
        bought += i64::from(accepted.is_ok());
        assert_eq!(market.orders().await, bought);
        if let Ok(accepted) = accepted {
            let mut tx = market.db.pool.begin().await.expect("a transaction");
            let buyer = market.buyer;
            checkout::cancel(&mut tx, buyer.org, buyer.user, accepted.checkout).await.expect("cancelled");
            tx.commit().await.expect("committed");
        }
    }
    market.db.close().await;
}

#[tokio::test]
async fn what_is_accepted_is_what_was_shown_also_when_the_terms_change_meanwhile() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let partner = {
        let mut conn = market.db.pool.acquire().await.expect("a connection");
        Party { org: market.seller.org, user: member_of(&mut conn, &[market.seller.org]).await }
    };
    for _ in 0..50 {
        let id = market.offer(terms(8_000, 1)).await.expect("made");
        // One of the seller's people accepts while another one answers with other terms.
        let (accepted, countered) =
            tokio::join!(do_accept(pool(), party(market.seller), id, 1), do_counter(pool(), partner, id, 1, 9_999));
        assert!(accepted.is_ok() != countered.is_ok(), "{accepted:?} {countered:?}");
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        match accepted {
            Ok(accepted) => {
                let order = orders::order(&mut tx, market.buyer.org, accepted.order).await.expect("read");
                assert_eq!(order.expect("the order").total, eur(8_000));
                let buyer = market.buyer;
                checkout::cancel(&mut tx, buyer.org, buyer.user, accepted.checkout).await.expect("cancelled");
            }
            Err(_) => decline(&mut tx, party(market.buyer), id, 2).await.expect("declined"),
        }
        tx.commit().await.expect("committed");
    }
    market.db.close().await;
}

#[tokio::test]
async fn stock_taken_meanwhile_refuses_and_the_offer_stays() {
    let market = Market::new().await;
    let pool = || market.db.pool.clone();
    let id = market.offer(terms(8_000, 2)).await.expect("made");
    let other = {
        let mut conn = market.db.pool.acquire().await.expect("a connection");
        trader(&mut conn).await
    };
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    let new = NewOffer { listing: market.goods, item: None, proposal: terms(9_000, 4) };
    let rival = create(&mut tx, party(other), new).await.expect("made");
    tx.commit().await.expect("committed");
    let bought = do_accept(pool(), party(market.seller), rival, 1).await.expect("accepted");
    let refused = do_accept(pool(), party(market.seller), id, 1).await;
    assert!(matches!(refused, Err(OfferError::OutOfStock(1))), "{refused:?}");
    let stays = market.read(id).await;
    assert_eq!((stays.status, stays.version, stays.order), (OfferStatus::Open, 1, None));
    assert_eq!((market.orders().await, market.reserved().await), (1, 4));
    // It is not paid, and the offer can be accepted after all.
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    checkout::cancel(&mut tx, other.org, other.user, bought.checkout).await.expect("cancelled");
    tx.commit().await.expect("committed");
    do_accept(pool(), party(market.seller), id, 1).await.expect("accepted");
    assert_eq!(market.reserved().await, 2);
    market.db.close().await;
}

#[tokio::test]
async fn a_rush_of_accepts_never_sells_more_than_there_is() {
    let market = Market::new().await;
    let mut offers = Vec::new();
    for _ in 0..12 {
        let mut conn = market.db.pool.acquire().await.expect("a connection");
        let buyer = trader(&mut conn).await;
        let mut tx = conn.begin().await.expect("a transaction");
        let new = NewOffer { listing: market.goods, item: None, proposal: terms(8_000, 2) };
        offers.push(create(&mut tx, party(buyer), new).await.expect("made"));
        tx.commit().await.expect("committed");
    }
    let accepts = offers.iter().map(|id| do_accept(market.db.pool.clone(), party(market.seller), *id, 1));
    let results = futures::future::join_all(accepts).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2, "{results:?}");
    for refused in results.iter().filter(|result| result.is_err()) {
        assert!(matches!(refused, Err(OfferError::OutOfStock(_))), "{refused:?}");
    }
    assert_eq!((market.reserved().await, market.orders().await), (4, 2));
    market.db.close().await;
}

#[tokio::test]
async fn an_offer_expires_once_and_is_late_before_anybody_ends_it() {
    let market = Market::new().await;
    let id = market.offer(terms(8_000, 1)).await.expect("made");
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    assert!(matches!(expire(&mut conn, id).await.expect("judged"), Expiry::NotYet { .. }));
    assert_eq!(overdue(&mut conn, 10).await.expect("a list"), []);
    market.age(id).await;
    let refused = do_accept(market.db.pool.clone(), party(market.seller), id, 1).await;
    assert!(matches!(refused, Err(OfferError::Act(ActRefusal::Late))), "{refused:?}");
    assert_eq!(overdue(&mut conn, 10).await.expect("a list"), [id]);
    assert_eq!(expire(&mut conn, id).await.expect("judged"), Expiry::Ended { buyer: market.buyer.org });
    assert_eq!(expire(&mut conn, id).await.expect("judged"), Expiry::Nothing);
    assert_eq!(market.read(id).await.status, OfferStatus::Expired);
    market.offer(terms(8_500, 1)).await.expect("there is room for another one");
    drop(conn);
    market.db.close().await;
}

async fn item(conn: &mut PgConnection, of: Trader) -> ItemId {
    let item = NewItem {
        category_id: CONSOLES,
        sku: uuid::Uuid::now_v7().to_string(),
        title: "Console".to_owned(),
        unit: "piece".to_owned(),
        attributes: serde_json::Map::new(),
        compatibility: Vec::new(),
    };
    catalog::create_item(conn, of.org, &item).await.expect("an item").id
}

#[tokio::test]
async fn an_answer_to_what_is_wanted_swaps_the_sides() {
    let market = Market::new().await;
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let (buyer, seller) = (market.buyer, market.seller);
    let wanted = listing(&mut conn, buyer, SaleMode::Wanted, 5).await;
    let (own, others) = (item(&mut conn, seller).await, item(&mut conn, buyer).await);
    let answer = async |by: Trader, item: Option<ItemId>| {
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        let made = create(&mut tx, party(by), NewOffer { listing: wanted, item, proposal: terms(7_000, 3) }).await?;
        tx.commit().await.expect("committed");
        Ok::<_, OfferError>(made)
    };
    let refused = answer(seller, None).await;
    assert!(matches!(refused, Err(OfferError::Item)), "{refused:?}");
    let refused = answer(seller, Some(others)).await;
    assert!(matches!(&refused, Err(OfferError::Invalid(invalid)) if invalid.pointer == "/item_id"), "{refused:?}");
    let refused = answer(buyer, Some(others)).await;
    assert!(matches!(refused, Err(OfferError::Terms(TermsRefusal::OwnListing))), "{refused:?}");
    let id = answer(seller, Some(own)).await.expect("made");
    let made = market.read(id).await;
    assert_eq!(
        (made.buyer_org_id, made.seller_org_id, made.turn, made.item_id),
        (buyer.org, seller.org, Side::Buyer, own)
    );
    let accepted = do_accept(market.db.pool.clone(), party(buyer), id, 1).await.expect("accepted");
    let order = orders::order(&mut conn, seller.org, accepted.order).await.expect("read").expect("the order");
    assert_eq!((order.buyer_org_id, order.seller_org_id, order.total), (buyer.org, seller.org, eur(21_000)));
    assert_eq!((order.lines[0].item_id, order.lines[0].listing_id), (own, Some(wanted)));
    // Two are still wanted.
    let id = answer(seller, Some(own)).await.expect("made");
    let refused = do_accept(market.db.pool.clone(), party(buyer), id, 1).await;
    assert!(matches!(refused, Err(OfferError::OutOfStock(2))), "{refused:?}");
    drop(conn);
    market.db.close().await;
}

#[tokio::test]
async fn nobody_haggles_with_the_own_people_or_sees_others_offers() {
    let market = Market::new().await;
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let both: UserId = member_of(&mut conn, &[market.seller.org, market.buyer.org]).await;
    let new = NewOffer { listing: market.goods, item: None, proposal: terms(8_000, 1) };
    let refused = create(&mut conn, Party { org: market.buyer.org, user: both }, new).await;
    assert!(matches!(refused, Err(OfferError::SellersPeople)), "{refused:?}");
    let id = market.offer(terms(8_000, 1)).await.expect("made");
    let stranger = trader(&mut conn).await;
    assert_eq!(offer(&mut conn, stranger.org, id).await.expect("read"), None);
    let refused = decline(&mut conn, party(stranger), id, 1).await;
    assert!(matches!(refused, Err(OfferError::NotFound)), "{refused:?}");
    for (org, side, expected) in [
        (market.buyer.org, Side::Buyer, 1),
        (market.buyer.org, Side::Seller, 0),
        (market.seller.org, Side::Seller, 1),
        (stranger.org, Side::Buyer, 0),
    ] {
        assert_eq!(of_party(&mut conn, org, side, None, 10).await.expect("a list").len(), expected);
        assert_eq!(of_party(&mut conn, org, side, Some(id), 10).await.expect("a list"), []);
    }
    drop(conn);
    market.db.close().await;
}
