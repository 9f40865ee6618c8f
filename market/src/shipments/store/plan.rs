//! Shipments of an order, planned by when it is delivered by appointment.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ids::OrderId;

/// Until when an order is delivered by appointment, if one is booked.
pub(super) async fn delivered_until(
    conn: &mut PgConnection,
    order: OrderId,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT ends_at FROM appointments WHERE order_id = $1 AND kind = 'delivery' AND status = 'booked'",
        order.0,
    )
    .fetch_optional(conn)
    .await
}

/// Plans to deliver the shipments of a locked order that wait at this time, or at none, where nothing else was planned than `before`,
/// and they are on no vehicle of the shipper's, which it plans itself.
pub(crate) async fn plan_delivery(
    conn: &mut PgConnection,
    order: OrderId,
    before: Option<DateTime<Utc>>,
    at: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE shipments
         SET planned_delivery = $3,
             version = version + 1
         WHERE id IN (
             SELECT id
             FROM shipments
             WHERE order_id = $1
               AND status = 'pending'
               AND vehicle_id IS NULL
               AND planned_delivery IS NOT DISTINCT FROM $2
               AND (planned_pickup < $3) IS NOT FALSE
             ORDER BY id
             FOR NO KEY UPDATE
         )",
        order.0,
        before,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
