//! Returns as their parties see them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{OrderId, RefundId, ReturnId};
use crate::returns::model::{Disposition, Return, ReturnLine, ReturnReason, ReturnStatus};

/// The return, whoever asks.
pub async fn find(conn: &mut PgConnection, id: ReturnId) -> Result<Option<Return>, sqlx::Error> {
    Ok(returns(conn, &[id.0]).await?.pop())
}

/// The return, if `party` buys or sells the order.
pub async fn get(conn: &mut PgConnection, party: OrgId, id: ReturnId) -> Result<Option<Return>, sqlx::Error> {
    Ok(find(conn, id).await?.filter(|found| [found.buyer_org_id, found.seller_org_id].contains(&party)))
}

/// All returns of an order, newest first, if `party` buys or sells it.
pub async fn of_order(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Vec<Return>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT r.id
         FROM returns AS r
         JOIN orders AS o ON o.id = r.order_id
         WHERE r.order_id = $1
           AND $2 IN (o.buyer_org_id, o.seller_org_id)
         ORDER BY r.id DESC
         LIMIT 100",
        order.0,
        party.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    returns(conn, &ids).await
}

/// Which returns a seller's list shows.
#[derive(Clone, Copy, Debug)]
pub struct ReturnFilter {
    pub seller: OrgId,
    pub status: Option<ReturnStatus>,
    /// Only those before this one.
    pub before: Option<ReturnId>,
    pub limit: i64,
}

/// A seller's returns, newest first.
pub async fn page(conn: &mut PgConnection, filter: ReturnFilter) -> Result<Vec<Return>, sqlx::Error> {
    let before = filter.before.map_or(Uuid::max(), |id| id.0);
    // Two statements, so that each can use its own index.
    let ids =
        match filter.status {
            Some(status) => sqlx::query_scalar!(
                "SELECT id FROM returns WHERE seller_org_id = $1 AND status = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
                filter.seller.0,
                status as ReturnStatus,
                before,
                filter.limit,
            )
            .fetch_all(&mut *conn)
            .await?,
            None => {
                sqlx::query_scalar!(
                    "SELECT id FROM returns WHERE seller_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                    filter.seller.0,
                    before,
                    filter.limit,
                )
                .fetch_all(&mut *conn)
                .await?
            }
        };
    returns(conn, &ids).await
}

struct Row {
    id: ReturnId,
    order: OrderId,
    buyer_org_id: OrgId,
    seller_org_id: OrgId,
    currency: Currency,
    reason: ReturnReason,
    text: Option<String>,
    status: ReturnStatus,
    requested_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    note: Option<String>,
    tracking: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    share_minor: Option<i64>,
    refund: Option<RefundId>,
    refunded_minor: Option<i64>,
    received_by_time: bool,
}

/// These returns with their lines, newest first.
async fn returns(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Return>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id AS "id: ReturnId", r.order_id AS "order: OrderId", o.buyer_org_id AS "buyer_org_id: OrgId",
                  o.seller_org_id AS "seller_org_id: OrgId", o.currency AS "currency: Currency",
                  r.reason AS "reason: ReturnReason", r.text, r.status AS "status: ReturnStatus", r.requested_at, r.decided_at,
                  r.note, r.tracking, r.sent_at, r.due_at, r.ended_at, r.share_minor, r.refund_id AS "refund: RefundId",
                  f.amount_minor AS "refunded_minor?",
                  r.status IN ('received', 'refunded') AND r.received_by IS NULL AS "received_by_time!"
           FROM returns AS r
           JOIN orders AS o ON o.id = r.order_id
           LEFT JOIN refunds AS f ON f.id = r.refund_id
           WHERE r.id = ANY ($1)
           ORDER BY r.id DESC"#,
        ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut lines = lines_of(conn, ids).await?;
    let returns = rows.into_iter().map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        Return {
            id: row.id,
            order: row.order,
            buyer_org_id: row.buyer_org_id,
            seller_org_id: row.seller_org_id,
            reason: row.reason,
            text: row.text,
            status: row.status,
            lines: lines.remove(&row.id).unwrap_or_default(),
            requested_at: row.requested_at,
            decided_at: row.decided_at,
            note: row.note,
            tracking: row.tracking,
            sent_at: row.sent_at,
            due_at: row.due_at,
            ended_at: row.ended_at,
            share: row.share_minor.map(money),
            refund: row.refund,
            refunded: row.refunded_minor.map(money),
            received_by_time: row.received_by_time,
        }
    });
    Ok(returns.collect())
}

async fn lines_of(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<ReturnId, Vec<ReturnLine>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.return_id AS "id: ReturnId", l.line_no, n.title, l.quantity, l.disposition AS "disposition: Disposition",
                  l.restocked
           FROM return_lines AS l
           JOIN order_lines AS n ON n.order_id = l.order_id AND n.line_no = l.line_no
           WHERE l.return_id = ANY ($1)
           ORDER BY l.return_id, l.line_no"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<ReturnId, Vec<ReturnLine>> = HashMap::new();
    for row in rows {
        lines.entry(row.id).or_default().push(ReturnLine {
            line: row.line_no,
            title: row.title,
            quantity: row.quantity,
            disposition: row.disposition,
            restocked: row.restocked,
        });
    }
    Ok(lines)
}
