//! Shipments on the real engine and over the real log.

use chrono::{DateTime, Utc};
use jobs::cargo::{ProjectStandings, StaleTracking, tell_shipments};
use jobs::emails::SendEmail;
use jobs::escrow::NotifyOrder;
use jobs::shipments::{ReportShipment, after};
use market::cargo::store::{Stored, store_events};
use market::cargo::{CargoEvent, EventType, OwnedEvent, ShipmentStatus};
use market::ids::{ItemId, OrderId, SiteId};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::shipments::model::{NewShipment, NewShipmentLine, Shipment, Tracking};
use market::shipments::store::{self as shipments, Done, ShipmentError};
use market::stock::model::{NewSite, SiteKind};
use market::stock::rules::reserve::Count;
use market::stock::store::{self as stock, Adjust};
use market::testing::{self, Trader};
use queue::JobTx;
use queue::worker::Handlers;
use shared::ids::OrgId;

use crate::testing::TestWorkers;

/// A shipper with an item at a site, and another site to send it to.
pub(super) struct Dock {
    pub(super) workers: TestWorkers,
    pub(super) shipper: Trader,
    pub(super) by: Party,
    item: ItemId,
    sites: [SiteId; 2],
}

impl Dock {
    /// With room for so many units at the other site.
    pub(super) async fn with_room(capacity: Option<i64>) -> Self {
        let handlers = Handlers::default().with::<ProjectStandings>().with::<StaleTracking>();
        let handlers = handlers.with::<ReportShipment>().with::<NotifyOrder>().with::<SendEmail>();
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let shipper = testing::trader(&mut conn).await;
        let by = Party { org: shipper.org, user: shipper.user };
        let region =
            sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'").fetch_one(&mut *conn).await.unwrap();
        let mut sites = Vec::new();
        for (name, capacity) in [("Bremen", None), ("Halle", capacity)] {
            let (name, kind) = (name.to_owned(), SiteKind::Depot);
            let site = NewSite { region_id: region, name, kind, latitude: 53.5, longitude: 10.0, capacity };
            sites.push(stock::create_site(&mut conn, by.org, &site).await.unwrap().id);
        }
        let goods = testing::draft(&mut conn, shipper, SaleMode::Fixed, 1).await;
        let item = sqlx::query_scalar("SELECT item_id FROM listings WHERE id = $1").bind(goods);
        let item: ItemId = item.fetch_one(&mut *conn).await.unwrap();
        drop(conn);
        let mut tx = workers.ledger.begin().await.unwrap();
        let count = Adjust { org: by.org, item, site: sites[0], count: Count::To(50), reason: None, actor: by.user };
        stock::adjust(&mut tx, &count).await.unwrap();
        tx.commit().await.unwrap();
        Self { workers, shipper, by, item, sites: [sites[0], sites[1]] }
    }

    pub(super) async fn sent(&self, units: i64) -> Tracking {
        let new = NewShipment {
            order_id: None,
            consignee_org_id: None,
            from_site: Some(self.sites[0]),
            to_site: Some(self.sites[1]),
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![line(Some(self.item), None, units)],
        };
        self.act(async |tx| shipments::create(tx, self.by, &new).await).await.unwrap().shipment.tracking
    }

    /// Sends all units of the only line of an order.
    pub(super) async fn sent_to_buyer(&self, order: OrderId, units: i64) -> Tracking {
        let new = NewShipment {
            order_id: Some(order),
            consignee_org_id: None,
            from_site: None,
            to_site: None,
            to_address: None,
            carrier: None,
            vehicle: None,
            planned_pickup: None,
            planned_delivery: None,
            lines: vec![line(None, Some(1), units)],
        };
        self.act(async |tx| shipments::create(tx, self.by, &new).await).await.unwrap().shipment.tracking
    }

    /// Does something with all that follows; nothing when it is refused.
    pub(super) async fn act(&self, run: impl AsyncFnOnce(&mut JobTx) -> Result<Done, ShipmentError>) -> Option<Done> {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let done = match run(&mut tx).await {
            Ok(done) => done,
            Err(ShipmentError::Refused(_)) => return None,
            Err(error) => panic!("{error:?}"),
        };
        after(&mut tx, &done, None).await.unwrap();
        tx.commit().await.unwrap();
        Some(done)
    }

    pub(super) async fn now(&self) -> DateTime<Utc> {
        sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// Records events of `org`, and tells nobody.
    pub(super) async fn record(&self, org: OrgId, events: &[CargoEvent]) -> Stored {
        let events: Vec<_> = events.iter().map(|event| OwnedEvent { org, event: event.clone() }).collect();
        store_events(&mut self.workers.db.app.acquire().await.unwrap(), &events).await.unwrap()
    }

    /// Records events, and has shipments follow them.
    pub(super) async fn report(&self, events: &[CargoEvent]) {
        if let Some(change) = self.record(self.by.org, events).await.change {
            tell_shipments(&self.workers.ledger, change).await;
        }
        self.drain().await;
    }

    pub(super) async fn drain(&self) {
        self.workers.queue.drain().await;
    }

    /// What the schedule does when nobody was told.
    pub(super) async fn sweep(&self) {
        self.sql("UPDATE cargo_marks SET due_at = clock_timestamp()").await;
        let _ = self.workers.ledger.enqueue(&ProjectStandings::default()).await.unwrap();
        self.drain().await;
    }

    pub(super) async fn sql(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.workers.db.pool).await.unwrap();
    }

    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    pub(super) async fn mails(&self, template: &str) -> i64 {
        let sql = "SELECT count(*) FROM emails WHERE template = $1";
        sqlx::query_scalar(sql).bind(template).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    pub(super) async fn read(&self, number: &Tracking) -> Shipment {
        let mut conn = self.workers.db.app.acquire().await.unwrap();
        shipments::get(&mut conn, self.by.org, number).await.unwrap().unwrap()
    }

    pub(super) async fn close(self) {
        self.workers.close().await;
    }
}

const fn line(item_id: Option<ItemId>, order_line: Option<i16>, quantity: i64) -> NewShipmentLine {
    NewShipmentLine { item_id, order_line, quantity, weight_g: 0, volume_ml: 0 }
}

/// An actual event of the carrier.
pub(super) fn event(
    number: &str,
    id: impl Into<i64>,
    status: ShipmentStatus,
    occurred_at: DateTime<Utc>,
) -> CargoEvent {
    CargoEvent {
        source: "carrier".to_owned(),
        source_event_id: format!("{number}-{}", id.into()),
        sequence: 0,
        shipment: number.to_owned(),
        kind: EventType::Actual,
        status: Some(status),
        occurred_at,
        position: None,
        corrects: None,
        payload: None,
    }
}
