//! Shipments with their lines.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::arrival::arrivals;
use crate::cargo::{EventType, Position, ShipmentStatus};
use crate::ids::{ItemId, OrderId, ShipmentId, SiteId, VehicleId};
use crate::shipments::model::{Expected, Shipment, ShipmentLine, Tracking};

/// A shipment, and one of its lines.
struct Row {
    id: ShipmentId,
    tracking: Tracking,
    org_id: OrgId,
    consignee_org_id: Option<OrgId>,
    order_id: Option<OrderId>,
    from_site: Option<SiteId>,
    to_site: Option<SiteId>,
    to_address: Option<String>,
    carrier: Option<String>,
    vehicle: Option<VehicleId>,
    status: ShipmentStatus,
    planned_pickup: Option<DateTime<Utc>>,
    planned_delivery: Option<DateTime<Utc>>,
    picked_up_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    version: i64,
    acted_at: Option<DateTime<Utc>>,
    stalled_since: Option<DateTime<Utc>>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    seen_at: Option<DateTime<Utc>>,
    seq: i64,
    heard_at: DateTime<Utc>,
    expected_at: Option<DateTime<Utc>>,
    expected_type: Option<EventType>,
    expected_reported_at: Option<DateTime<Utc>>,
    line_no: i16,
    item_id: ItemId,
    title: String,
    order_line: Option<i16>,
    quantity: i64,
    weight_g: i64,
    volume_ml: i64,
    delivered_quantity: i64,
    returned_quantity: i64,
    stocked: bool,
    to_item: Option<ItemId>,
    now: DateTime<Utc>,
}

/// The shipment, whoever asks.
pub async fn find(conn: &mut PgConnection, id: ShipmentId) -> Result<Option<Shipment>, sqlx::Error> {
    Ok(shipments(conn, &[id.0]).await?.pop())
}

/// The shipment of this number, if `party` sends it or gets it.
pub async fn get(conn: &mut PgConnection, party: OrgId, number: &Tracking) -> Result<Option<Shipment>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM shipments WHERE tracking = $1 AND (org_id = $2 OR consignee_org_id = $2)",
        number.as_str(),
        party.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match id {
        Some(id) => Ok(expected(conn, &[id]).await?.pop()),
        None => Ok(None),
    }
}

/// The shipments of an order, newest first.
pub async fn of_order(conn: &mut PgConnection, order: OrderId) -> Result<Vec<Shipment>, sqlx::Error> {
    let ids =
        sqlx::query_scalar!("SELECT id FROM shipments WHERE order_id = $1", order.0).fetch_all(&mut *conn).await?;
    shipments(conn, &ids).await
}

/// Which shipments; every criterion given must hold.
#[derive(Clone, Copy, Debug)]
pub struct ShipmentFilter {
    /// Sends them or gets them.
    pub party: OrgId,
    pub status: Option<ShipmentStatus>,
    pub order: Option<OrderId>,
    /// Continue before this one.
    pub before: Option<ShipmentId>,
    pub limit: i64,
}

/// Shipments, newest first.
pub async fn page(conn: &mut PgConnection, filter: ShipmentFilter) -> Result<Vec<Shipment>, sqlx::Error> {
    // Each half goes along its own index.
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id!"
           FROM (
               (SELECT id
                FROM shipments
                WHERE org_id = $1
                  AND id < $2
                  AND ($3::cargo_status IS NULL OR status = $3)
                  AND ($4::uuid IS NULL OR order_id = $4)
                ORDER BY id DESC
                LIMIT $5)
               UNION ALL
               (SELECT id
                FROM shipments
                WHERE consignee_org_id = $1
                  AND id < $2
                  AND ($3::cargo_status IS NULL OR status = $3)
                  AND ($4::uuid IS NULL OR order_id = $4)
                ORDER BY id DESC
                LIMIT $5)
           ) AS both_sides
           ORDER BY id DESC
           LIMIT $5"#,
        filter.party.0,
        filter.before.map_or(Uuid::max(), |id| id.0),
        filter.status as Option<ShipmentStatus>,
        filter.order.map(|order| order.0),
        filter.limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    expected(conn, &ids).await
}

/// These shipments, newest first, and when they may arrive.
async fn expected(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Shipment>, sqlx::Error> {
    let mut found = shipments(conn, ids).await?;
    let mut arrivals = arrivals(conn, ids).await?;
    for shipment in &mut found {
        shipment.arrival = arrivals.remove(&shipment.id);
    }
    Ok(found)
}

/// These shipments of whatever organisation, by their numbers, and when they may arrive.
pub async fn numbered(conn: &mut PgConnection, numbers: &[String]) -> Result<Vec<Shipment>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM shipments WHERE tracking = ANY ($1)", numbers)
        .fetch_all(&mut *conn)
        .await?;
    expected(conn, &ids).await
}

/// These shipments, newest first.
pub(super) async fn shipments(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Shipment>, sqlx::Error> {
    Ok(shipments_now(conn, ids).await?.into_iter().map(|(shipment, _)| shipment).collect())
}

/// The shipment, whoever asks, and the clock at that moment.
pub(super) async fn find_now(
    conn: &mut PgConnection,
    id: ShipmentId,
) -> Result<Option<(Shipment, DateTime<Utc>)>, sqlx::Error> {
    Ok(shipments_now(conn, &[id.0]).await?.pop())
}

/// These shipments with their lines, newest first, and the clock. Each has a line at least: one without units is refused at the commit.
///
/// The subquery hides the array's length from the planner, so that the plan is kept instead of made anew for each single shipment.
async fn shipments_now(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<(Shipment, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: ShipmentId", s.tracking AS "tracking: Tracking", s.org_id AS "org_id: OrgId",
                  s.consignee_org_id AS "consignee_org_id: OrgId", s.order_id AS "order_id: OrderId",
                  s.from_site AS "from_site: SiteId", s.to_site AS "to_site: SiteId", s.to_address, s.carrier,
                  s.vehicle_id AS "vehicle: VehicleId", s.status AS "status: ShipmentStatus", s.planned_pickup, s.planned_delivery,
                  s.picked_up_at, s.ended_at, s.created_at, s.version, s.acted_at, t.stalled_at AS stalled_since, t.latitude,
                  t.longitude, t.seen_at, t.seq, t.heard_at, t.expected_at, t.expected_type AS "expected_type: EventType",
                  t.expected_reported_at,
                  l.line_no, l.item_id AS "item_id: ItemId", coalesce(o.title, i.title) AS "title!", l.order_line, l.quantity,
                  l.weight_g, l.volume_ml, l.delivered_quantity, l.returned_quantity, l.stocked, l.to_item_id AS "to_item: ItemId",
                  clock_timestamp() AS "now!"
           FROM shipments AS s
           JOIN shipment_traces AS t ON t.shipment_id = s.id
           JOIN shipment_lines AS l ON l.shipment_id = s.id
           JOIN items AS i ON i.id = l.item_id
           LEFT JOIN order_lines AS o ON o.order_id = l.order_id AND o.line_no = l.order_line
           WHERE s.id = ANY (ARRAY(SELECT unnest($1::uuid[])))
           ORDER BY s.id DESC, l.line_no"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut shipments: Vec<(Shipment, DateTime<Utc>)> = Vec::with_capacity(ids.len());
    for row in rows {
        let line = ShipmentLine {
            line: row.line_no,
            item_id: row.item_id,
            title: row.title,
            order_line: row.order_line,
            quantity: row.quantity,
            weight_g: row.weight_g,
            volume_ml: row.volume_ml,
            delivered_quantity: row.delivered_quantity,
            returned_quantity: row.returned_quantity,
            stocked: row.stocked,
            to_item: row.to_item,
        };
        if let Some((shipment, _)) = shipments.last_mut().filter(|(shipment, _)| shipment.id == row.id) {
            shipment.lines.push(line);
            continue;
        }
        let shipment = Shipment {
            id: row.id,
            tracking: row.tracking,
            org_id: row.org_id,
            consignee_org_id: row.consignee_org_id,
            order_id: row.order_id,
            from_site: row.from_site,
            to_site: row.to_site,
            to_address: row.to_address,
            carrier: row.carrier,
            vehicle: row.vehicle,
            status: row.status,
            planned_pickup: row.planned_pickup,
            planned_delivery: row.planned_delivery,
            picked_up_at: row.picked_up_at,
            ended_at: row.ended_at,
            created_at: row.created_at,
            version: row.version,
            stalled_since: row.stalled_since,
            position: row.latitude.zip(row.longitude).map(|(latitude, longitude)| Position { latitude, longitude }),
            seen_at: row.seen_at,
            arrival: None,
            expected: Expected::new(
                (row.expected_at, row.expected_type, row.expected_reported_at),
                row.planned_delivery,
            )
            .filter(|_| row.ended_at.is_none()),
            seq: row.seq,
            heard_at: row.heard_at,
            acted_at: row.acted_at,
            lines: vec![line],
        };
        shipments.push((shipment, row.now));
    }
    Ok(shipments)
}
