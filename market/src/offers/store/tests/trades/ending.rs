//! Trades that end unpaid: written off when their goods have left, and called off when they are only packed.

use super::*;
use crate::cargo::{ShipmentStatus, Standing};
use crate::checkout::store::write_off;
use crate::escrow::store::{EscrowError, Settled, settle, start_charge};
use crate::ids::PaymentId;
use crate::stock::store::tests::assert_books;
use crate::testing::captured;

impl Station {
    async fn write_off(&self, by: Trader, of: Accepted) -> Result<usize, CheckoutError> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let ended = write_off(&mut tx, party(by), of.order, "Nobody answers.").await?;
        assert_eq!((ended.checkout, &ended.orders[..]), (of.checkout, &[of.order][..]));
        tx.commit().await.expect("committed");
        Ok(ended.called_off.len())
    }

    /// Begins to pay, as far as asking the provider.
    async fn begin(&self, of: Accepted) -> Result<PaymentId, EscrowError> {
        let (mut tx, buyer) = (self.db.pool.begin().await.expect("a transaction"), self.buyer);
        let begun = begin(&mut tx, buyer.org, buyer.user, of.checkout, Provider::Simulator, "card").await?;
        start_charge(&mut tx, begun.id).await.expect("to be asked").expect("an open checkout");
        tx.commit().await.expect("committed");
        Ok(begun.id)
    }

    /// The provider has the money.
    async fn settle(&self, payment: PaymentId, of: Accepted) -> Settled {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let checkout = checkout::find(&mut tx, of.checkout).await.expect("read").expect("the checkout");
        let settled = settle(&mut tx, payment, &captured(payment, checkout.payable)).await.expect("settled");
        tx.commit().await.expect("committed");
        settled
    }

    async fn give_back(&self, number: &Tracking) {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        shipments::give_back(&mut tx, party(self.seller), number).await.expect("back");
        tx.commit().await.expect("committed");
    }

    /// A carrier has it on its way; the status, if it has moved by that.
    async fn report(&self, number: &Tracking) -> Option<ShipmentStatus> {
        let mut tx = self.db.pool.begin().await.expect("a transaction");
        let standing = Standing { status: Some(ShipmentStatus::InTransit), ..Standing::default() };
        let org = self.seller.org;
        let done = shipments::follow(&mut tx, org, number.as_str(), &standing).await.expect("followed");
        tx.commit().await.expect("committed");
        done.map(|done| done.shipment.status)
    }

    async fn shipment(&self, number: &Tracking) -> ShipmentStatus {
        let sql = "SELECT status FROM shipments WHERE tracking = $1";
        sqlx::query_scalar(sql).bind(number.as_str()).fetch_one(&self.db.pool).await.expect("the shipment")
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.expect("a count")
    }

    async fn close(self) {
        assert_books(&mut self.db.pool.acquire().await.expect("a connection")).await;
        self.db.close().await;
    }
}

#[tokio::test]
async fn what_has_left_and_is_never_paid_is_written_off_by_its_seller_alone() {
    let station = Station::with(10).await;
    let agreed = station.agreed(4).await;
    station.age(agreed.checkout).await;
    let early = station.write_off(station.seller, agreed).await;
    assert!(matches!(early, Err(CheckoutError::NothingOwed)), "{early:?}");
    let (sent, packed) = (station.packed(agreed, 3).await, station.packed(agreed, 1).await);
    station.pick_up(&sent).await.expect("picked up");
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    shipments::deliver(&mut tx, party(station.buyer), &sent, Some(&[(1, 2)])).await.expect("delivered in part");
    tx.commit().await.expect("committed");
    station.give_back(&sent).await;
    let others = station.write_off(station.buyer, agreed).await;
    assert!(matches!(others, Err(CheckoutError::NotFound)), "{others:?}");
    assert_eq!((station.status(agreed).await, station.level().await), (OrderStatus::PendingPayment, (10, 4)));
    // Two are with the buyer, one is back, and one was packed.
    assert_eq!(station.write_off(station.seller, agreed).await.expect("written off"), 1);
    assert_eq!((station.status(agreed).await, station.level().await), (OrderStatus::Expired, (8, 0)));
    assert_eq!(station.shipment(&packed).await, ShipmentStatus::Cancelled);
    let movements: Vec<(String, i64, i64, Option<String>)> = sqlx::query_as(
        "SELECT kind, on_hand_delta, reserved_delta, reason
         FROM stock_movements
         WHERE kind NOT IN ('adjust', 'reserve')
         ORDER BY id",
    )
    .fetch_all(&station.db.pool)
    .await
    .expect("movements");
    assert_eq!(
        movements,
        [("free".to_owned(), 0, -2, None), ("write_off".to_owned(), -2, -2, Some("Nobody answers.".to_owned()))]
    );
    let strikes: Vec<(uuid::Uuid, uuid::Uuid)> =
        sqlx::query_as("SELECT org_id, order_id FROM strikes").fetch_all(&station.db.pool).await.expect("strikes");
    assert_eq!(strikes, [(station.buyer.org.0, agreed.order.0)]);
    let noted = "SELECT count(*)
                 FROM audit_entries
                 WHERE action = 'order.write_off' AND data ->> 'reason' = 'Nobody answers.'";
    assert_eq!(station.count(noted).await, 1);
    assert_eq!(station.count("SELECT count(*) FROM money_entries").await, 0);
    let again = station.write_off(station.seller, agreed).await;
    assert!(matches!(again, Err(CheckoutError::Ended(CheckoutStatus::Expired))), "{again:?}");
    let late = station.begin(agreed).await;
    assert!(matches!(late, Err(EscrowError::CheckoutEnded(CheckoutStatus::Expired))), "{late:?}");
    station.close().await;
}

#[tokio::test]
async fn nothing_is_written_off_while_there_is_time_to_pay_or_somebody_pays() {
    let station = Station::with(5).await;
    let agreed = station.agreed(2).await;
    let sent = station.packed(agreed, 2).await;
    station.pick_up(&sent).await.expect("picked up");
    let early = station.write_off(station.seller, agreed).await;
    assert!(matches!(early, Err(CheckoutError::TimeToPay(_))), "{early:?}");
    station.age(agreed.checkout).await;
    let payment = station.begin(agreed).await.expect("begun");
    let paying = station.write_off(station.seller, agreed).await;
    assert!(matches!(paying, Err(CheckoutError::Paying)), "{paying:?}");
    assert!(matches!(station.settle(payment, agreed).await, Settled::Held { .. }));
    let paid = station.write_off(station.seller, agreed).await;
    assert!(matches!(paid, Err(CheckoutError::Ended(CheckoutStatus::Paid))), "{paid:?}");
    assert_eq!((station.level().await, station.count("SELECT count(*) FROM strikes").await), ((3, 0), 0));
    station.close().await;
}

#[tokio::test]
async fn of_a_payment_and_a_write_off_at_once_one_happens() {
    let station = Station::with(40).await;
    let mut written_off = 0;
    for round in 1..=40 {
        let agreed = station.agreed(1).await;
        let sent = station.packed(agreed, 1).await;
        station.pick_up(&sent).await.expect("picked up");
        station.age(agreed.checkout).await;
        let pay = async {
            match station.begin(agreed).await {
                Ok(payment) => Some(station.settle(payment, agreed).await),
                Err(EscrowError::CheckoutEnded(CheckoutStatus::Expired)) => None,
                Err(error) => panic!("{error:?}"),
            }
        };
        let (paid, given_up) = tokio::join!(pay, station.write_off(station.seller, agreed));
        match (paid, given_up) {
            (Some(Settled::Held { .. }), Err(CheckoutError::Paying | CheckoutError::Ended(CheckoutStatus::Paid))) => {
                assert_eq!(station.status(agreed).await, OrderStatus::Paid);
            }
            (None, Ok(_)) => {
                written_off += 1;
                assert_eq!(station.status(agreed).await, OrderStatus::Expired);
            }
            both => panic!("{both:?}"),
        }
        assert_eq!(station.level().await, (40 - round, 0));
        assert_eq!(station.count("SELECT count(*) FROM strikes").await, written_off);
    }
    crate::escrow::store::tests::assert_books(&mut station.db.pool.acquire().await.expect("a connection")).await;
    station.close().await;
}

#[tokio::test]
async fn what_is_packed_when_its_checkout_ends_is_called_off_and_follows_no_report() {
    let station = Station::with(5).await;
    for cancelled in [true, false] {
        let agreed = station.agreed(1).await;
        let number = station.packed(agreed, 1).await;
        if cancelled {
            station.cancel(station.buyer, agreed.checkout).await.expect("cancelled");
        } else {
            station.age(agreed.checkout).await;
            assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Ended(_)));
        }
        assert_eq!(station.shipment(&number).await, ShipmentStatus::Cancelled);
        assert_eq!(station.report(&number).await, None);
        assert_eq!((station.shipment(&number).await, station.level().await), (ShipmentStatus::Cancelled, (5, 0)));
    }
    // What a carrier has is owed for.
    let agreed = station.agreed(1).await;
    let number = station.packed(agreed, 1).await;
    assert_eq!(station.report(&number).await, Some(ShipmentStatus::InTransit));
    station.age(agreed.checkout).await;
    assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Nothing));
    let refused = station.cancel(station.buyer, agreed.checkout).await;
    assert!(matches!(refused, Err(CheckoutError::Owed)), "{refused:?}");
    assert_eq!((station.shipment(&number).await, station.level().await), (ShipmentStatus::InTransit, (5, 1)));
    station.close().await;
}

#[tokio::test]
async fn of_a_report_that_goods_have_left_and_an_end_at_once_one_happens() {
    let station = Station::with(5).await;
    for _ in 0..50 {
        let agreed = station.agreed(1).await;
        let number = station.packed(agreed, 1).await;
        station.age(agreed.checkout).await;
        let (moved, ended) = tokio::join!(station.report(&number), station.expire(agreed.checkout));
        match (moved, ended) {
            (None, CheckoutExpiry::Ended(_)) => {
                assert_eq!(station.shipment(&number).await, ShipmentStatus::Cancelled);
            }
            (Some(ShipmentStatus::InTransit), CheckoutExpiry::Nothing) => {
                assert_eq!(station.level().await, (5, 1));
                station.give_back(&number).await;
                assert!(matches!(station.expire(agreed.checkout).await, CheckoutExpiry::Ended(_)));
            }
            both => panic!("{both:?}"),
        }
        assert_eq!(station.level().await, (5, 0));
    }
    station.close().await;
}

#[tokio::test]
async fn of_trades_that_were_open_at_once_the_latest_stays_open() {
    let station = Station::with(5).await;
    let mut conn = station.db.pool.acquire().await.expect("a connection");
    let other = trader(&mut conn).await;
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("DROP INDEX offers_one_open_trade").execute(&mut *tx).await.expect("as it was");
    tx.commit().await.expect("committed");
    for buyer in [station.buyer, other, station.buyer] {
        station.proposed(buyer, 1).await;
    }
    let mut tx = conn.begin().await.expect("a transaction");
    let one_open = include_str!("../../../../../../migrations/0918_trades_one_open.sql");
    sqlx::raw_sql(one_open).execute(&mut *tx).await.expect("one is open");
    tx.commit().await.expect("committed");
    let statuses: Vec<OfferStatus> =
        sqlx::query_scalar("SELECT status FROM offers ORDER BY id").fetch_all(&mut *conn).await.expect("offers");
    assert_eq!(statuses, [OfferStatus::Expired, OfferStatus::Open, OfferStatus::Open]);
    drop(conn);
    station.close().await;
}

#[tokio::test]
async fn what_was_packed_of_trades_that_had_ended_before_is_called_off() {
    let station = Station::with(5).await;
    let (ended, open) = (station.agreed(1).await, station.agreed(1).await);
    let (packed, waits) = (station.packed(ended, 1).await, station.packed(open, 1).await);
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    let ending = "UPDATE orders SET status = 'expired' WHERE id = $1";
    sqlx::query(ending).bind(ended.order).execute(&mut *tx).await.expect("ended as it was before");
    tx.commit().await.expect("committed");
    let mut tx = station.db.pool.begin().await.expect("a transaction");
    let written_off = include_str!("../../../../../../migrations/0919_trades_written_off.sql");
    sqlx::raw_sql(written_off).execute(&mut *tx).await.expect("called off");
    tx.commit().await.expect("the units are those of a cancelled one");
    assert_eq!(
        (station.shipment(&packed).await, station.shipment(&waits).await),
        (ShipmentStatus::Cancelled, ShipmentStatus::Pending)
    );
    station.close().await;
}
