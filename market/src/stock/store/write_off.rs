//! Units that have left unpaid, and are given up.

use shared::ids::UserId;
use sqlx::PgConnection;

use super::StockError;
use super::levels::{Change, Locked};
use super::reserve::close;
use crate::ids::{ItemId, OrderId, ReservationId, SiteId};
use crate::stock::model::{Moved, MovementKind};

/// Takes out of the book what has left of an order's units: so many of each line, no more than are kept for it. What is kept beyond
/// that is available again. The order is locked by the caller; a second call finds nothing to do.
pub(crate) async fn write_off(
    conn: &mut PgConnection,
    order: OrderId,
    left: &[(i16, i64)],
    reason: &str,
    actor: UserId,
) -> Result<Vec<Moved>, StockError> {
    let held = sqlx::query!(
        r#"SELECT id AS "id: ReservationId", item_id AS "item: ItemId", site_id AS "site!: SiteId", line_no AS "line!", quantity
           FROM reservations
           WHERE order_id = $1
             AND status = 'held'
             AND site_id IS NOT NULL
           ORDER BY line_no"#,
        order.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let locked = Locked::lock(conn, held.iter().map(|kept| (kept.item, kept.site)).collect()).await?;
    let mut changes = Vec::with_capacity(held.len());
    for kept in held {
        let gone: i64 = left.iter().filter(|(line, _)| *line == kept.line).map(|(_, quantity)| quantity).sum();
        let (place, rest) = ((kept.item, kept.site), kept.quantity - gone);
        let taken = if rest == 0 {
            close(conn, kept.id, "taken").await?;
            kept.id
        } else {
            close(conn, kept.id, "freed").await?;
            let reference = Some(kept.id.0);
            let free = Change { reserved: -rest, reference, actor: Some(actor), ..Change::of(MovementKind::Free) };
            changes.push((place, free));
            if gone == 0 {
                continue;
            }
            part(conn, kept.id, gone).await?
        };
        let written_off = Change {
            on_hand: -gone,
            reserved: -gone,
            reason: Some(reason),
            reference: Some(taken.0),
            actor: Some(actor),
            ..Change::of(MovementKind::WriteOff)
        };
        changes.push((place, written_off));
    }
    locked.write(conn, &changes).await
}

/// Makes a reservation of the units that have left of one that is freed, and ends it at once: a reservation that is taken says how many
/// units are gone.
async fn part(conn: &mut PgConnection, of: ReservationId, quantity: i64) -> Result<ReservationId, sqlx::Error> {
    let id = ReservationId::generate();
    sqlx::query!(
        "INSERT INTO reservations (id, listing_id, item_id, site_id, quantity, order_id, line_no, status, ended_at)
         SELECT $1, listing_id, item_id, site_id, $3, order_id, line_no, 'taken', clock_timestamp()
         FROM reservations
         WHERE id = $2",
        id.0,
        of.0,
        quantity,
    )
    .execute(conn)
    .await?;
    Ok(id)
}
