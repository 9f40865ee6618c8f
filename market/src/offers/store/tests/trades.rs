//! Offers without a listing.

mod ending;

use super::*;
use crate::checkout::store::{CheckoutError, Expiry as CheckoutExpiry, cancel, expire as expire_checkout};
use crate::escrow::store::begin;
use crate::ids::{CheckoutId, SiteId};
use crate::payments::Provider;
use crate::shipments::model::{NewShipment, NewShipmentLine, Tracking};
use crate::shipments::store::{self as shipments, OrderStep, ShipmentError};
use crate::stock::rules::reserve::Count;
use crate::stock::store::tests::new_site;
use crate::stock::store::{self as stock, Adjust};
use crate::testing::pay;

/// Ice at a station, and a buyer.
struct Station {
    db: TestDb,
    seller: Trader,
    buyer: Trader,
    item: ItemId,
    site: SiteId,
}

impl Station {
    async fn with(units: i64) -> Self {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection");
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        let new = NewItem {
            category_id: CONSOLES,
            sku: "ice".to_owned(),
            title: "Ice".to_owned(),
            unit: "piece".to_owned(),
            attributes: serde_json::Map::new(),
            compatibility: Vec::new(),
        };
        let item = catalog::create_item(&mut conn, seller.org, &new).await.expect("an item").id;
        let site = new_site(&mut conn, seller.org, None).await.expect("a site").id;
        let count = Count::To(units);
        let counted = Adjust { org: seller.org, item, site, count, reason: None, actor: seller.user };
        let mut tx = conn.begin().await.expect("a transaction");
        stock::adjust(&mut tx, &counted).await.expect("counted");
        tx.commit().await.expect("committed");
        drop(conn);
        Self { db, seller, buyer, item, site }
    }

    async fn proposed(&self, buyer: Trader, quantity: i64) -> OfferId {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let new = NewTrade { buyer: buyer.org, item: self.item, site: self.site, proposal: terms(5_000, quantity) };
        let id = propose(&mut tx, party(self.seller), new).await.expect("proposed");
        tx.commit().await.expect("committed");
        id
    }

    async fn withdraw(&self, id: OfferId) -> Result<(), OfferError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let result = withdraw(&mut tx, party(self.seller), id, 1).await;
        tx.commit().await.expect("committed");
        result
    }

    async fn agreed(&self, quantity: i64) -> Accepted {
        let id = self.proposed(self.buyer, quantity).await;
        do_accept(self.db.pool.clone(), party(self.buyer), id, 1).await.expect("agreed")
    }

    /// On hand and reserved.
    async fn level(&self) -> (i64, i64) {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        let level = stock::level(&mut conn, self.seller.org, self.item, self.site).await.expect("read");
        level.map_or((0, 0), |level| (level.on_hand, level.reserved))
    }

    async fn cancel(&self, buyer: Trader, id: CheckoutId) -> Result<(), CheckoutError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        cancel(&mut tx, buyer.org, buyer.user, id).await?;
        tx.commit().await.expect("committed");
        Ok(())
    }

    /// All of an agreed trade, in one shipment.
    async fn packed(&self, of: Accepted, quantity: i64) -> Tracking {
        let new = NewShipment {
            order_id: Some(of.order),
            consignee_org_id: None,
            from_site: Some(self.site),
            to_site: None,
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![NewShipmentLine {
                item_id: None,
                order_line: Some(1),
                quantity,
                weight_g: 1_000,
                volume_ml: 2_000,
            }],
        };
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let made = shipments::create(&mut tx, party(self.seller), &new).await.expect("packed");
        tx.commit().await.expect("committed");
        made.shipment.tracking
    }

    async fn pick_up(&self, number: &Tracking) -> Result<(), ShipmentError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let done = shipments::pick_up(&mut tx, party(self.seller), number).await?;
        assert_eq!(done.order, None, "an unpaid order follows no shipment");
        tx.commit().await.expect("committed");
        Ok(())
    }

    /// Ends the time to pay.
    async fn age(&self, id: CheckoutId) {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        let sql = "UPDATE checkouts
                   SET created_at = created_at - interval '9 days', pay_by = clock_timestamp() - interval '1 minute'
                   WHERE id = $1";
        sqlx::query(sql).bind(id).execute(&mut *tx).await.expect("aged");
        tx.commit().await.expect("committed");
    }

    async fn expire(&self, id: CheckoutId) -> CheckoutExpiry {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let found = expire_checkout(&mut tx, id).await.expect("looked at");
        tx.commit().await.expect("committed");
        found
    }

    async fn overdue(&self) -> Vec<CheckoutId> {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        checkout::overdue(&mut conn, 10).await.expect("a list")
    }

    async fn status(&self, of: Accepted) -> OrderStatus {
        let mut conn = self.db.pool.acquire().await.expect("a connection");
        orders::order(&mut conn, self.buyer.org, of.order).await.expect("read").expect("the order").status
    }
}

#[tokio::test]
async fn an_agreed_trade_is_an_order_without_a_listing_whose_units_are_reserved() {
    let station = Station::with(5).await;
    let id = station.proposed(station.buyer, 2).await;
    assert_eq!(station.level().await, (5, 0));
    let pool = || station.db.pool.clone();
    let refused = do_accept(pool(), party(station.seller), id, 1).await;
    assert!(matches!(refused, Err(OfferError::Act(ActRefusal::NotYourTurn))), "{refused:?}");
    do_counter(pool(), party(station.buyer), id, 1, 4_000).await.expect("countered");
    let agreed = do_accept(pool(), party(station.seller), id, 2).await.expect("agreed");
    assert_eq!(station.level().await, (5, 2));
    let mut conn = station.db.pool.acquire().await.expect("a connection");
    let order = orders::order(&mut conn, station.buyer.org, agreed.order).await.expect("read").expect("the order");
    assert_eq!(
        (order.source, order.status, order.total, order.pay_by),
        (OrderSource::Trade, OrderStatus::PendingPayment, eur(8_000), order.created_at + PAYMENT_TERM)
    );
    assert_eq!((order.lines[0].listing_id, order.lines[0].item_id), (None, station.item));
    // Reports count it in the region of its site.
    let counted = "SELECT l.region_id IS NOT DISTINCT FROM s.region_id FROM sold_lines AS l, sites AS s WHERE l.order_id = $1 AND s.id = $2";
    let counted: bool =
        sqlx::query_scalar(counted).bind(order.id).bind(station.site).fetch_one(&mut *conn).await.expect("counted");
    assert!(counted);
    // The fee is that of any sale of such goods.
    let fixed = listing(&mut conn, station.seller, SaleMode::Fixed, 1).await;
    let line = CheckoutLine { listing: fixed, quantity: 1, price: eur(10_000) };
    let mut tx = conn.begin().await.expect("a transaction");
    let buyer = station.buyer;
    let bought = place(&mut tx, buyer.org, buyer.user, &[line], PAYMENT_TERM).await.expect("bought");
    let bought = checkout::checkout(&mut tx, buyer.org, bought).await.expect("read").expect("the checkout");
    tx.commit().await.expect("committed");
    assert_eq!((order.fee_bps, order.vat_treatment), (bought.orders[0].fee_bps, bought.orders[0].vat_treatment));
    pay(&mut conn, buyer, agreed.checkout).await;
    drop(conn);
    assert_eq!(station.level().await, (3, 0));
    station.db.close().await;
}

#[tokio::test]
async fn one_trade_of_an_item_at_a_site_is_open_with_a_buyer() {
    let station = Station::with(5).await;
    let other = {
        let mut conn = station.db.pool.acquire().await.expect("a connection");
        trader(&mut conn).await
    };
    let attempt = async |buyer: Trader| {
        let mut tx = station.db.pool.begin().await.expect("a transaction");
        let new = NewTrade { buyer: buyer.org, item: station.item, site: station.site, proposal: terms(5_000, 1) };
        let made = propose(&mut tx, party(station.seller), new).await?;
        tx.commit().await.expect("committed");
        Ok::<OfferId, OfferError>(made)
    };
    let first = attempt(station.buyer).await.expect("proposed");
    let second = attempt(station.buyer).await;
    assert!(matches!(second, Err(OfferError::TradeOpen)), "{second:?}");
    attempt(other).await.expect("with another buyer");
    // Answered with other terms it is still open; agreed, it is not.
    do_counter(station.db.pool.clone(), party(station.buyer), first, 1, 4_000).await.expect("countered");
    let second = attempt(station.buyer).await;
    assert!(matches!(second, Err(OfferError::TradeOpen)), "{second:?}");
    do_accept(station.db.pool.clone(), party(station.seller), first, 2).await.expect("agreed");
    let (one, two) = tokio::join!(attempt(station.buyer), attempt(station.buyer));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    station.db.close().await;
}

#[tokio::test]
async fn people_of_both_sides_agree_on_no_trade() {
    let station = Station::with(5).await;
    let id = station.proposed(station.buyer, 1).await;
    let (seller, buyer) = (station.seller.org, station.buyer.org);
    let mut conn = station.db.pool.acquire().await.expect("a connection");
    let user = member_of(&mut conn, &[seller, buyer]).await;
    let refused = do_accept(station.db.pool.clone(), Party { org: buyer, user }, id, 1).await;
    assert!(matches!(refused, Err(OfferError::SellersPeople)), "{refused:?}");
    let mut tx = conn.begin().await.expect("a transaction");
    let new = NewTrade { buyer, item: station.item, site: station.site, proposal: terms(5_000, 1) };
    let refused = propose(&mut tx, Party { org: seller, user }, new).await;
    assert!(matches!(refused, Err(OfferError::SellersPeople)), "{refused:?}");
    drop(tx);
    drop(conn);
    station.db.close().await;
}

#[tokio::test]
async fn of_two_trades_over_the_last_unit_one_becomes_an_order() {
    let station = Station::with(1).await;
    let other = {
        let mut conn = station.db.pool.acquire().await.expect("a connection");
        trader(&mut conn).await
    };
    let pool = || station.db.pool.clone();
    for _ in 0..50 {
        let (mine, theirs) = (station.proposed(station.buyer, 1).await, station.proposed(other, 1).await);
        let (one, two) =
            tokio::join!(do_accept(pool(), party(station.buyer), mine, 1), do_accept(pool(), party(other), theirs, 1));
        let (buyer, won, left, refused) = match (one, two) {
            (Ok(won), Err(refused)) => (station.buyer, won, theirs, refused),
            (Err(refused), Ok(won)) => (other, won, mine, refused),
            both => panic!("{both:?}"),
        };
        assert!(matches!(refused, OfferError::OutOfStock(0)), "{refused:?}");
        station.withdraw(left).await.expect("it stayed open");
        assert_eq!(station.level().await, (1, 1));
        station.cancel(buyer, won.checkout).await.expect("cancelled");
        assert_eq!(station.level().await, (1, 0));
    }
    station.db.close().await;
}

#[tokio::test]
async fn of_accepting_a_trade_twice_and_withdrawing_it_at_once_one_wins() {
    let station = Station::with(1).await;
    let pool = || station.db.pool.clone();
    for _ in 0..50 {
        let id = station.proposed(station.buyer, 1).await;
        let (one, two, withdrawn) = tokio::join!(
            do_accept(pool(), party(station.buyer), id, 1),
            do_accept(pool(), party(station.buyer), id, 1),
            station.withdraw(id)
        );
        let won = [one.is_ok(), two.is_ok(), withdrawn.is_ok()].into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "{one:?} {two:?} {withdrawn:?}");
        let accepted = one.ok().or(two.ok());
        assert_eq!(station.level().await, (1, i64::from(accepted.is_some())));
        if let Some(accepted) = accepted {
            station.cancel(station.buyer, accepted.checkout).await.expect("cancelled");
        }
    }
    station.db.close().await;
}

#[tokio::test]
async fn what_was_traded_and_has_left_unpaid_is_owed_until_it_is_back() {
    let station = Station::with(5).await;
    let agreed = station.agreed(2).await;
    let number = station.packed(agreed, 2).await;
    station.pick_up(&number).await.expect("picked up");
    station.age(agreed.checkout).await;
    assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Nothing));
    assert_eq!(station.overdue().await, []);
    let refused = station.cancel(station.buyer, agreed.checkout).await;
    assert!(matches!(refused, Err(CheckoutError::Owed)), "{refused:?}");
    assert_eq!((station.status(agreed).await, station.level().await), (OrderStatus::PendingPayment, (5, 2)));
    // It can be paid although the time is over.
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    let buyer = station.buyer;
    begin(&mut tx, buyer.org, buyer.user, agreed.checkout, Provider::Simulator, "card").await.expect("begun");
    tx.rollback().await.expect("rolled back");
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    shipments::give_back(&mut tx, party(station.seller), &number).await.expect("back");
    tx.commit().await.expect("committed");
    assert_eq!(station.overdue().await, [agreed.checkout]);
    assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Ended(_)));
    assert_eq!((station.status(agreed).await, station.level().await), (OrderStatus::Expired, (5, 0)));
    station.db.close().await;
}

#[tokio::test]
async fn of_a_trade_that_leaves_and_ends_at_once_one_happens() {
    let station = Station::with(5).await;
    for _ in 0..50 {
        let agreed = station.agreed(1).await;
        let number = station.packed(agreed, 1).await;
        station.age(agreed.checkout).await;
        let (left, ended) = tokio::join!(station.pick_up(&number), station.expire(agreed.checkout));
        let ended = matches!(ended, CheckoutExpiry::Ended(_));
        assert!(left.is_ok() != ended, "{left:?} {ended}");
        if !ended {
            let mut tx = station.db.pool.begin().await.expect("a transaction");
            shipments::give_back(&mut tx, party(station.seller), &number).await.expect("back");
            tx.commit().await.expect("committed");
            assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Ended(_)));
        }
        assert_eq!(station.level().await, (5, 0));
    }
    station.db.close().await;
}

#[tokio::test]
async fn a_trade_that_arrived_unpaid_is_inspected_from_when_it_is_paid() {
    let station = Station::with(5).await;
    let agreed = station.agreed(2).await;
    let number = station.packed(agreed, 2).await;
    station.pick_up(&number).await.expect("picked up");
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    let done = shipments::deliver(&mut tx, party(station.buyer), &number, None).await.expect("delivered");
    tx.commit().await.expect("committed");
    assert_eq!(done.order, None);
    assert_eq!(station.status(agreed).await, OrderStatus::PendingPayment);
    let mut conn = station.db.pool.acquire().await.expect("a connection");
    pay(&mut conn, station.buyer, agreed.checkout).await;
    assert_eq!((station.status(agreed).await, station.level().await), (OrderStatus::Paid, (3, 0)));
    for expected in [true, false] {
        let mut tx = conn.begin().await.expect("a transaction");
        let step = shipments::catch_up(&mut tx, agreed.order).await.expect("caught up");
        tx.commit().await.expect("committed");
        assert_eq!(matches!(step, Some(OrderStep::Arrived { .. })), expected, "{step:?}");
        assert_eq!(station.status(agreed).await, OrderStatus::Delivered);
    }
    drop(conn);
    station.db.close().await;
}
