//! Reports of acts, on the real engine and over the real log.

use jobs::cargo::ProjectStandings;
use jobs::shipments::{ReportShipment, after};
use market::cargo::ShipmentStatus;
use market::cargo::store::{count, standing};
use market::ids::SiteId;
use market::offers::model::Party;
use market::shipments::model::{NewShipment, NewShipmentLine};
use market::shipments::store::{self, Done};
use market::stock::model::{NewSite, SiteKind};
use market::stock::store as stock;
use market::testing;
use queue::worker::Handlers;
use serde_json::json;

use crate::testing::TestWorkers;

#[tokio::test]
async fn an_act_is_in_the_log_once_however_often_it_is_reported() {
    let workers = TestWorkers::new(Handlers::default().with::<ReportShipment>().with::<ProjectStandings>()).await;
    let mut conn = workers.db.pool.acquire().await.unwrap();
    let shipper = testing::trader(&mut conn).await;
    let by = Party { org: shipper.org, user: shipper.user };
    let region =
        sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'").fetch_one(&mut *conn).await.unwrap();
    let (name, kind) = ("Depot".to_owned(), SiteKind::Depot);
    let site = NewSite { region_id: region, name, kind, latitude: 53.5, longitude: 10.0, capacity: None };
    let site: SiteId = stock::create_site(&mut conn, by.org, &site).await.unwrap().id;
    let goods = testing::draft(&mut conn, shipper, market::listings::model::SaleMode::Fixed, 1).await;
    let item = sqlx::query_scalar("SELECT item_id FROM listings WHERE id = $1").bind(goods).fetch_one(&mut *conn).await;
    let item = item.unwrap();
    drop(conn);
    let new = NewShipment {
        order_id: None,
        consignee_org_id: None,
        from_site: Some(site),
        to_site: None,
        to_address: Some("The Moon".to_owned()),
        carrier: None,
        vehicle: None,
        planned_pickup: None,
        planned_delivery: None,
        lines: vec![NewShipmentLine { item_id: Some(item), order_line: None, quantity: 1, weight_g: 0, volume_ml: 0 }],
    };
    let mut tx = workers.ledger.begin().await.unwrap();
    let made = store::create(&mut tx, by, &new).await.unwrap();
    after(&mut tx, &made, None).await.unwrap();
    let Done { shipment, .. } = made;
    let done = store::pick_up(&mut tx, by, &shipment.tracking).await.unwrap();
    after(&mut tx, &done, Some("By rocket")).await.unwrap();
    tx.commit().await.unwrap();
    let reports = "SELECT payload FROM jobs WHERE kind = 'shipments.report' ORDER BY id";
    let reports: Vec<serde_json::Value> = sqlx::query_scalar(reports).fetch_all(&workers.db.pool).await.unwrap();
    assert_eq!(reports.len(), 2);
    workers.queue.drain().await;
    let again: ReportShipment = serde_json::from_value(reports[1].clone()).unwrap();
    workers.ledger.enqueue(&again).await.unwrap();
    workers.queue.drain().await;
    let mut conn = workers.db.app.acquire().await.unwrap();
    assert_eq!(count(&mut conn).await.unwrap(), 2);
    let stands = standing(&mut conn, by.org, shipment.tracking.as_str()).await.unwrap();
    assert_eq!(stands.status, Some(ShipmentStatus::PickedUp));
    let (name, payload): (String, serde_json::Value) =
        sqlx::query_as("SELECT source || '/' || source_event_id, payload FROM cargo_events WHERE sequence = 2")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    assert_eq!(name, format!("tradeyard/{}:2", shipment.id));
    assert_eq!(payload, json!({"act": "pick_up", "note": "By rocket"}));
    drop(conn);
    workers.close().await;
}
