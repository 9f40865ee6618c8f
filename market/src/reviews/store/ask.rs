//! Which completed orders' sides are to be asked for reviews. A trigger keeps the list.

use sqlx::PgConnection;

use crate::ids::OrderId;
use crate::orders::model::Side;

/// Up to `limit` orders whose sides nobody has asked, although it is time, each with the sides that have not written.
pub async fn to_ask(conn: &mut PgConnection, limit: i64) -> Result<Vec<(OrderId, Vec<Side>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT order_id AS "order: OrderId",
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
        (row.order, wrote.into_iter().filter(|(_, wrote)| !wrote).map(|(side, _)| side).collect())
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
