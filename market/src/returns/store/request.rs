//! A buyer asks to send something back.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::ReturnError;
use crate::escrow::store::lock_for;
use crate::ids::{OrderId, ReturnId};
use crate::offers::model::Party;
use crate::orders::model::OrderStatus;
use crate::returns::model::{ANSWER_TERM, ReturnReason};
use crate::returns::rules::{Bought, Wanted, judge_lines, judge_request};

/// A return to ask for.
#[derive(Clone, Copy, Debug)]
pub struct NewReturn<'a> {
    pub order: OrderId,
    pub reason: ReturnReason,
    pub text: Option<&'a str>,
    pub lines: &'a [Wanted],
}

/// Asks for a return, as the buyer of what was delivered. Needs a transaction.
pub async fn request(conn: &mut PgConnection, by: Party, new: NewReturn<'_>) -> Result<ReturnId, ReturnError> {
    let locked = lock_for(conn, new.order, |parties| parties.buyer == by.org).await?;
    judge_request(locked.status, delivered_at(conn, new.order).await?, locked.now)?;
    judge_lines(&bought(conn, new.order).await?, new.lines)?;
    let id = ReturnId::generate();
    sqlx::query!(
        "INSERT INTO returns (id, order_id, seller_org_id, reason, text, requested_by, requested_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id.0,
        new.order.0,
        locked.seller.0,
        new.reason as ReturnReason,
        new.text,
        by.user.0,
        locked.now,
        locked.now + ANSWER_TERM,
    )
    .execute(&mut *conn)
    .await?;
    let lines: Vec<i16> = new.lines.iter().map(|wanted| wanted.line).collect();
    let quantities: Vec<i64> = new.lines.iter().map(|wanted| wanted.quantity).collect();
    sqlx::query!(
        "INSERT INTO return_lines (return_id, order_id, line_no, quantity)
         SELECT $1, $2, line_no, quantity
         FROM unnest($3::smallint[], $4::bigint[]) AS l (line_no, quantity)",
        id.0,
        new.order.0,
        &lines,
        &quantities,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// When an order arrived first; a dispute that is withdrawn lets it be delivered again.
async fn delivered_at(conn: &mut PgConnection, order: OrderId) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT min(at) FROM order_events WHERE order_id = $1 AND status = $2",
        order.0,
        OrderStatus::Delivered as OrderStatus,
    )
    .fetch_one(conn)
    .await
}

/// The lines of a locked order, and what of each is on its way back or has come.
async fn bought(conn: &mut PgConnection, order: OrderId) -> Result<Vec<Bought>, sqlx::Error> {
    sqlx::query_as!(
        Bought,
        r#"SELECT n.line_no AS line, n.quantity, coalesce(r.quantity, 0)::bigint AS "returning!"
           FROM order_lines AS n
           LEFT JOIN (
               SELECT l.line_no, sum(l.quantity) AS quantity
               FROM return_lines AS l
               JOIN returns AS r ON r.id = l.return_id
               WHERE l.order_id = $1
                 AND r.status NOT IN ('refused', 'cancelled', 'lapsed')
               GROUP BY l.line_no
           ) AS r USING (line_no)
           WHERE n.order_id = $1
           ORDER BY n.line_no"#,
        order.0,
    )
    .fetch_all(conn)
    .await
}
