//! What time does with appointments.

use sqlx::PgConnection;

use super::read::appointments;
use crate::appointments::model::{Appointment, GRACE, REMINDER};
use crate::escrow::store::seconds;

/// Ends up to `most` appointments whose time is over: nobody came to a collection that was booked, unless its order is disputed, has
/// arrived or is over. Each once, whoever else ends some; what is being redeemed is left alone. Needs a transaction.
pub async fn end_overdue(conn: &mut PgConnection, most: i64) -> Result<Vec<Appointment>, sqlx::Error> {
    let ended = sqlx::query_scalar!(
        "UPDATE appointments AS a
         SET status = CASE
                 WHEN a.status = 'proposed' THEN 'cancelled'
                 WHEN a.kind = 'delivery' THEN 'passed'
                 WHEN o.status IN ('paid', 'in_fulfilment') THEN 'missed'
                 ELSE 'cancelled'
             END,
             ended_at = clock_timestamp(),
             version = a.version + 1
         FROM orders AS o
         WHERE o.id = a.order_id
           AND a.id IN (
               SELECT id
               FROM appointments
               WHERE status IN ('proposed', 'booked')
                 AND ends_at < clock_timestamp() - make_interval(secs => $1)
               ORDER BY ends_at, id
               LIMIT $2
               FOR NO KEY UPDATE SKIP LOCKED
           )
         RETURNING a.id",
        seconds(GRACE),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    appointments(conn, &ended).await
}

/// Notes that both sides are reminded of up to `most` appointments that begin soon, and returns these: each once. What has begun, or is
/// about an order that is not to be given out now, takes no place of theirs. Needs a transaction.
pub async fn to_remind(conn: &mut PgConnection, most: i64) -> Result<Vec<Appointment>, sqlx::Error> {
    let near = sqlx::query_scalar!(
        "UPDATE appointments
         SET reminded_at = clock_timestamp()
         WHERE id IN (
             SELECT a.id
             FROM appointments AS a
             JOIN orders AS o ON o.id = a.order_id
             WHERE a.status = 'booked'
               AND a.reminded_at IS NULL
               AND a.starts_at > clock_timestamp()
               AND a.starts_at <= clock_timestamp() + make_interval(secs => $1)
               AND o.status IN ('paid', 'in_fulfilment')
             ORDER BY a.starts_at, a.id
             LIMIT $2
             FOR NO KEY UPDATE OF a SKIP LOCKED
         )
         RETURNING id",
        seconds(REMINDER),
        most,
    )
    .fetch_all(&mut *conn)
    .await?;
    appointments(conn, &near).await
}
