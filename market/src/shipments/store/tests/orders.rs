use super::*;
use crate::escrow::model::EscrowStatus;
use crate::escrow::store as escrow;
use crate::ids::OrderId;
use crate::listings::model::SaleMode;
use crate::orders::model::OrderStatus;
use crate::orders::store as orders;
use crate::testing::{eur, listing, pay, placed};

/// A paid order.
pub(super) struct Sale {
    seller: Trader,
    buyer: Trader,
    pub(super) order: OrderId,
}

impl Sale {
    pub(super) async fn paid(conn: &mut PgConnection, units: i64) -> Self {
        let (seller, buyer) = (trader(conn).await, trader(conn).await);
        let goods = listing(conn, seller, SaleMode::Fixed, units).await;
        let (checkout, order) = placed(conn, buyer, goods, eur(10_000 * units)).await;
        pay(conn, buyer, checkout).await;
        Self { seller, buyer, order }
    }

    const fn by_seller(&self) -> Party {
        Party { org: self.seller.org, user: self.seller.user }
    }

    const fn by_buyer(&self) -> Party {
        Party { org: self.buyer.org, user: self.buyer.user }
    }

    fn part(&self, quantity: i64) -> NewShipment {
        NewShipment {
            order_id: Some(self.order),
            consignee_org_id: None,
            from_site: None,
            to_site: None,
            to_address: None,
            carrier: Some("Post".to_owned()),
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![NewShipmentLine {
                item_id: None,
                order_line: Some(1),
                quantity,
                weight_g: 300,
                volume_ml: 900,
            }],
        }
    }

    /// A shipment of everything that waits, and whose it is.
    pub(super) async fn waiting(&self, conn: &mut PgConnection) -> (Tracking, shared::ids::OrgId) {
        let all = self.part(2);
        let made = act(conn, async |tx| create(tx, self.by_seller(), &all).await).await.expect("created");
        (made.shipment.tracking, self.seller.org)
    }

    async fn status(&self, conn: &mut PgConnection) -> OrderStatus {
        orders::find(conn, self.order).await.expect("read").expect("the order").status
    }

    /// What is held, and whether the time of inspection runs.
    async fn held(&self, conn: &mut PgConnection) -> (EscrowStatus, bool) {
        let held = escrow::escrow(conn, self.seller.org, self.order).await.expect("read").expect("held");
        (held.status, held.inspect_until.is_some())
    }
}

#[tokio::test]
async fn an_order_has_arrived_when_all_its_shipments_have_and_stays_as_paid_as_it_was() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::paid(&mut conn, 5).await;
    let sent = async |conn: &mut PgConnection, quantity| {
        let done = act(conn, async |tx| create(tx, sale.by_seller(), &sale.part(quantity)).await).await;
        done.map(|done| done.shipment.tracking)
    };
    let first = sent(&mut conn, 3).await.expect("created");
    let too_many = sent(&mut conn, 3).await;
    assert!(matches!(&too_many, Err(ShipmentError::Invalid(invalid)) if invalid.pointer == "/lines/0"), "{too_many:?}");
    let second = sent(&mut conn, 2).await.expect("created");
    assert_eq!(sale.status(&mut conn).await, OrderStatus::Paid);
    let left = act(&mut conn, async |tx| pick_up(tx, sale.by_seller(), &first).await).await.expect("picked up");
    assert_eq!(left.order, Some(OrderStep::Sent { order: sale.order, version: 3 }));
    let left = act(&mut conn, async |tx| pick_up(tx, sale.by_seller(), &second).await).await.expect("picked up");
    assert_eq!((left.order, sale.status(&mut conn).await), (None, OrderStatus::InFulfilment));
    let part = act(&mut conn, async |tx| deliver(tx, sale.by_buyer(), &first, None).await).await.expect("arrived");
    assert_eq!((part.order, sale.status(&mut conn).await), (None, OrderStatus::InFulfilment));
    assert_eq!(sale.held(&mut conn).await, (EscrowStatus::Held, false));
    // One comes back, and is sent once more.
    let part = act(&mut conn, async |tx| deliver(tx, sale.by_seller(), &second, Some(&[(1, 1)])).await).await;
    assert_eq!(part.expect("arrived").order, None);
    act(&mut conn, async |tx| give_back(tx, sale.by_seller(), &second).await).await.expect("back");
    assert_eq!(sale.status(&mut conn).await, OrderStatus::InFulfilment);
    let done = act(&mut conn, async |tx| ship_order(tx, sale.by_seller(), sale.order).await).await.expect("sent");
    let [third] = &done[..] else { panic!("{done:?}") };
    assert_eq!(third.shipment.lines[0].quantity, 1);
    let seen = track(&mut conn, &third.shipment.tracking).await.expect("an answer").expect("a shipment");
    let milestones: Vec<_> = seen.milestones.iter().map(|milestone| milestone.status).collect();
    assert_eq!(
        milestones,
        [ShipmentStatus::Pending, ShipmentStatus::PickedUp],
        "in the order in which they were reached"
    );
    let again = act(&mut conn, async |tx| ship_order(tx, sale.by_seller(), sale.order).await).await;
    assert!(
        matches!(again, Err(ShipmentError::Escrow(EscrowError::OrderStatus(OrderStatus::InFulfilment)))),
        "{again:?}"
    );
    let last = act(&mut conn, async |tx| deliver(tx, sale.by_buyer(), &third.shipment.tracking, None).await).await;
    assert!(matches!(last.expect("arrived").order, Some(OrderStep::Arrived { order, .. }) if order == sale.order));
    assert_eq!(sale.status(&mut conn).await, OrderStatus::Delivered);
    assert_eq!(sale.held(&mut conn).await, (EscrowStatus::Held, true));
    assert_books(&mut conn).await;
    crate::escrow::store::tests::assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_buyer_receives_all_shipments_at_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let sale = Sale::paid(&mut conn, 5).await;
    act(&mut conn, async |tx| create(tx, sale.by_seller(), &sale.part(2)).await).await.expect("created");
    let early = act(&mut conn, async |tx| receive_order(tx, sale.by_buyer(), sale.order).await).await;
    assert!(matches!(early, Err(ShipmentError::Escrow(EscrowError::OrderStatus(OrderStatus::Paid)))), "{early:?}");
    let stranger = act(&mut conn, async |tx| ship_order(tx, sale.by_buyer(), sale.order).await).await;
    assert!(matches!(stranger, Err(ShipmentError::NoOrder)), "{stranger:?}");
    let sent = act(&mut conn, async |tx| ship_order(tx, sale.by_seller(), sale.order).await).await.expect("sent");
    assert_eq!(sent.iter().map(|done| done.shipment.lines[0].quantity).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(sent.iter().filter(|done| done.order.is_some()).count(), 1, "it is on its way once");
    let received = act(&mut conn, async |tx| receive_order(tx, sale.by_buyer(), sale.order).await).await;
    let (done, _) = received.expect("received");
    assert!(done.len() == 2 && done.iter().all(|done| done.shipment.status == ShipmentStatus::Delivered), "{done:?}");
    assert_eq!(sale.status(&mut conn).await, OrderStatus::Delivered);
    let late = act(&mut conn, async |tx| create(tx, sale.by_seller(), &sale.part(1)).await).await;
    let refused = ShipmentRefusal::OrderStatus(OrderStatus::Delivered);
    assert!(matches!(&late, Err(ShipmentError::Refused(refusal)) if *refusal == refused), "{late:?}");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_not_paid_is_not_shipped() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let goods = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let (_, order) = placed(&mut conn, buyer, goods, eur(10_000)).await;
    let sale = Sale { seller, buyer, order };
    let refused = act(&mut conn, async |tx| create(tx, sale.by_seller(), &sale.part(1)).await).await;
    assert!(matches!(refused, Err(ShipmentError::Escrow(EscrowError::NotPaid))), "{refused:?}");
    let strangers = act(&mut conn, async |tx| create(tx, sale.by_buyer(), &sale.part(1)).await).await;
    assert!(matches!(strangers, Err(ShipmentError::NoOrder)), "{strangers:?}");
    drop(conn);
    db.close().await;
}
