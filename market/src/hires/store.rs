//! SQL for the days that orders have. A day of an item is there once, whoever has it: an order, or its seller, who does not work then.
//!
//! How to get this wrong: to give days up before others are taken. Days are taken by date, and those given up come last, here and where
//! sellers block days ([`block_days`](crate::catalog::store::block_days)), so that of two who wait for each other's days one is done.

use std::slice;

use chrono::{DateTime, NaiveDate, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::rules::{HireRefusal, Line, judge};
use crate::ids::OrderId;
use crate::orders::model::{Order, OrderStatus};
use crate::orders::store as orders;

/// Why an order does not get its days.
#[derive(Debug, thiserror::Error)]
pub enum HireError {
    #[error("there is no such line of an order")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] HireRefusal),
    /// Those at these places.
    #[error("some of the days are taken")]
    Taken(Vec<usize>),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// What a line has after its buyer has chosen.
#[derive(Clone, Debug)]
pub struct Hired {
    /// In order.
    pub days: Vec<NaiveDate>,
    /// What names the change among those of the order; nothing: the line had these days.
    pub changed_at: Option<DateTime<Utc>>,
}

/// Gives a line of `buyer`'s order these days instead of those that it has: all of them or none. After an error the transaction must be
/// rolled back.
pub async fn hire(
    conn: &mut PgConnection,
    buyer: OrgId,
    order: OrderId,
    line: i16,
    days: &[NaiveDate],
) -> Result<Hired, HireError> {
    let (held, now) = lock(conn, buyer, order, line).await?;
    let sorted = judge(&held, days)?;
    if sorted == held.days {
        return Ok(Hired { days: sorted, changed_at: None });
    }
    // Waits for whoever takes or frees one of them at the same time.
    sqlx::query!(
        "INSERT INTO hire_days (item_id, day, order_id, line_no)
         SELECT n.item_id, wanted.day, n.order_id, n.line_no
         FROM order_lines AS n
         CROSS JOIN unnest($3::date[]) AS wanted (day)
         WHERE n.order_id = $1
           AND n.line_no = $2
         ORDER BY wanted.day
         ON CONFLICT DO NOTHING",
        order.0,
        line,
        &sorted,
    )
    .execute(&mut *conn)
    .await?;
    // What is given up is deleted by that, and in no other way (`migrations/0921_days_of_orders.sql`).
    sqlx::query!(
        "UPDATE hire_days
         SET order_id = NULL,
             line_no = NULL
         WHERE order_id = $1
           AND line_no = $2
           AND day <> ALL ($3)",
        order.0,
        line,
        &sorted,
    )
    .execute(&mut *conn)
    .await?;
    let hired = days_of(conn, buyer, order, line).await?;
    let taken: Vec<_> = (0..days.len()).filter(|place| !hired.contains(&days[*place])).collect();
    if taken.is_empty() { Ok(Hired { days: hired, changed_at: Some(now) }) } else { Err(HireError::Taken(taken)) }
}

/// The days of a line of an order, in order, if `party` is its buyer or its seller.
pub async fn days_of(
    conn: &mut PgConnection,
    party: OrgId,
    order: OrderId,
    line: i16,
) -> Result<Vec<NaiveDate>, HireError> {
    let days = sqlx::query_scalar!(
        r#"SELECT ARRAY (SELECT d.day
                         FROM hire_days AS d
                         WHERE d.order_id = n.order_id
                           AND d.line_no = n.line_no
                         ORDER BY d.day) AS "days!"
           FROM order_lines AS n
           JOIN orders AS o ON o.id = n.order_id
           WHERE n.order_id = $1
             AND n.line_no = $2
             AND $3 IN (o.buyer_org_id, o.seller_org_id)"#,
        order.0,
        line,
        party.0,
    )
    .fetch_optional(conn)
    .await?;
    days.ok_or(HireError::NotFound)
}

/// The order with the days of its lines, if `party` is its buyer or its seller.
pub async fn order_with_days(conn: &mut PgConnection, party: OrgId, id: OrderId) -> Result<Option<Order>, sqlx::Error> {
    let Some(mut order) = orders::order(conn, party, id).await? else { return Ok(None) };
    show_days(conn, slice::from_mut(&mut order)).await?;
    Ok(Some(order))
}

/// Adds the days of these orders to their lines, in one statement.
pub async fn show_days(conn: &mut PgConnection, orders: &mut [Order]) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = orders.iter().map(|order| order.id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT order_id AS "order!: OrderId", line_no AS "line!", day
           FROM hire_days
           WHERE order_id = ANY ($1)
           ORDER BY day"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let order = orders.iter_mut().find(|order| order.id == row.order);
        // Lines are numbered from one.
        let place = usize::try_from(row.line - 1).unwrap_or(usize::MAX);
        if let Some(line) = order.and_then(|order| order.lines.get_mut(place)) {
            line.days.push(row.day);
        }
    }
    Ok(())
}

/// The line, and the time, while the order is locked: no other change of its days has it.
async fn lock(
    conn: &mut PgConnection,
    buyer: OrgId,
    order: OrderId,
    line: i16,
) -> Result<(Line, DateTime<Utc>), HireError> {
    sqlx::query!("SELECT FROM orders WHERE id = $1 AND buyer_org_id = $2 FOR NO KEY UPDATE", order.0, buyer.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(HireError::NotFound)?;
    // In a statement of its own: it sees what was changed while the lock was waited for.
    let row = sqlx::query!(
        r#"SELECT o.status AS "status: OrderStatus", n.quantity, 'service' = ANY (c.flags) AS "is_service!",
                  coalesce(i.attributes ->> 'rate_per' = 'day', false) AS "by_day!",
                  (clock_timestamp() AT TIME ZONE s.time_zone)::date AS "today!", clock_timestamp() AS "now!"
           FROM orders AS o
           JOIN order_lines AS n ON n.order_id = o.id
           JOIN items AS i ON i.id = n.item_id
           JOIN categories AS c ON c.id = i.category_id
           JOIN orgs AS s ON s.id = o.seller_org_id
           WHERE o.id = $1
             AND n.line_no = $2"#,
        order.0,
        line,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(HireError::NotFound)?;
    let held = Line {
        status: row.status,
        quantity: row.quantity,
        is_service: row.is_service,
        by_day: row.by_day,
        today: row.today,
        days: days_of(conn, buyer, order, line).await?,
    };
    Ok((held, row.now))
}

#[cfg(test)]
mod tests;
