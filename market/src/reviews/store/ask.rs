//! Which completed orders' sides are to be asked for reviews. A trigger keeps the list.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ids::OrderId;
use crate::orders::model::Side;
use crate::reviews::model::{ASKING_TERM, WRITING_TERM};

/// An order whose sides are to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToAsk {
    pub order: OrderId,
    /// Those that have not written.
    pub sides: Vec<Side>,
    /// Until when they can.
    pub until: DateTime<Utc>,
}

/// Up to `limit` orders whose sides nobody has asked, although it is time.
pub async fn to_ask(conn: &mut PgConnection, limit: i64) -> Result<Vec<ToAsk>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT order_id AS "order: OrderId", due_at,
                  EXISTS (SELECT FROM reviews AS r WHERE r.order_id = q.order_id AND r.side = 'buyer') AS "buyer_wrote!",
                  EXISTS (SELECT FROM reviews AS r WHERE r.order_id = q.order_id AND r.side = 'seller') AS "seller_wrote!"
           FROM review_requests AS q
           WHERE asked_at IS NULL
             AND due_at <= clock_timestamp()
           ORDER BY due_at, order_id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let orders = rows.into_iter().map(|row| {
        let wrote = [(Side::Buyer, row.buyer_wrote), (Side::Seller, row.seller_wrote)];
        let sides = wrote.into_iter().filter(|(_, wrote)| !wrote).map(|(side, _)| side).collect();
        ToAsk { order: row.order, sides, until: row.due_at - ASKING_TERM + WRITING_TERM }
    });
    Ok(orders.collect())
}

/// Notes that the sides of an order were asked. `false`: somebody has noted that before.
pub async fn note_asked(conn: &mut PgConnection, order: OrderId) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE review_requests
         SET asked_at = clock_timestamp()
         WHERE order_id = $1
           AND asked_at IS NULL",
        order.0,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}
