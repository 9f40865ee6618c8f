//! Appointments as their parties see them.

use shared::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::appointments::model::{Appointment, AppointmentKind, AppointmentStatus};
use crate::ids::{AppointmentId, OrderId, SiteId};

/// The appointment, whoever asks.
pub async fn find(conn: &mut PgConnection, id: AppointmentId) -> Result<Option<Appointment>, sqlx::Error> {
    Ok(appointments(conn, &[id.0]).await?.pop())
}

/// The appointment, if `party` buys or sells its order.
pub async fn get(conn: &mut PgConnection, party: OrgId, id: AppointmentId) -> Result<Option<Appointment>, sqlx::Error> {
    let found = find(conn, id).await?;
    Ok(found.filter(|found| found.buyer_org_id == party || found.seller_org_id == party))
}

/// The appointments of an order, newest first.
pub async fn of_order(conn: &mut PgConnection, order: OrderId) -> Result<Vec<Appointment>, sqlx::Error> {
    let ids =
        sqlx::query_scalar!("SELECT id FROM appointments WHERE order_id = $1 ORDER BY id DESC LIMIT 100", order.0)
            .fetch_all(&mut *conn)
            .await?;
    appointments(conn, &ids).await
}

/// These appointments, newest first.
pub(super) async fn appointments(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Appointment>, sqlx::Error> {
    sqlx::query_as!(
        Appointment,
        r#"SELECT a.id AS "id: AppointmentId", a.order_id AS "order: OrderId", o.buyer_org_id AS "buyer_org_id: OrgId",
                  a.seller_org_id AS "seller_org_id: OrgId", a.kind AS "kind: AppointmentKind", a.site_id AS "site: SiteId",
                  s.name AS "site_name?", a.status AS "status: AppointmentStatus", a.starts_at, a.ends_at, a.created_at, a.ended_at,
                  a.version,
                  (SELECT count(*) FROM appointments AS other WHERE other.order_id = a.order_id AND other.status = 'missed') AS "missed!"
           FROM appointments AS a
           JOIN orders AS o ON o.id = a.order_id
           LEFT JOIN sites AS s ON s.id = a.site_id
           WHERE a.id = ANY ($1)
           ORDER BY a.id DESC"#,
        ids,
    )
    .fetch_all(conn)
    .await
}
