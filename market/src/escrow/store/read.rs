//! What parties read.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use crate::escrow::model::{
    CheckoutPayment, Dispute, DisputeReason, DisputeStatus, Escrow, EscrowStatus, PaymentStatus, Refund, RefundCause,
    RefundStatus,
};
use crate::ids::{CheckoutId, DisputeId, OrderId, PaymentId, RefundId};
use crate::payments::Provider;

/// A payment, if `buyer` pays.
pub async fn payment(
    conn: &mut PgConnection,
    buyer: OrgId,
    id: PaymentId,
) -> Result<Option<CheckoutPayment>, sqlx::Error> {
    let own = sqlx::query_scalar!(
        r#"SELECT c.buyer_org_id = $2 AS "own!" FROM payments AS p JOIN checkouts AS c ON c.id = p.checkout_id WHERE p.id = $1"#,
        id.0,
        buyer.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if own == Some(true) { payment_row(conn, id).await } else { Ok(None) }
}

struct PaymentRow {
    id: PaymentId,
    checkout: CheckoutId,
    attempt: i16,
    provider: Provider,
    status: PaymentStatus,
    amount_minor: i64,
    currency: Currency,
    failure: Option<String>,
    confirm_at: Option<String>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

pub(super) async fn payment_row(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Option<CheckoutPayment>, sqlx::Error> {
    let row = sqlx::query_as!(
        PaymentRow,
        r#"SELECT id AS "id: PaymentId", checkout_id AS "checkout: CheckoutId", attempt, provider AS "provider: Provider",
                  status AS "status: PaymentStatus", amount_minor, currency AS "currency: Currency", failure, confirm_at,
                  created_at, ended_at
           FROM payments
           WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| CheckoutPayment {
        id: row.id,
        checkout: row.checkout,
        attempt: row.attempt,
        provider: row.provider,
        status: row.status,
        amount: Money::from_minor(row.amount_minor, row.currency),
        failure: row.failure,
        confirm_at: row.confirm_at,
        created_at: row.created_at,
        ended_at: row.ended_at,
    }))
}

/// What is held for an order, if `party` buys or sells it and it was paid.
pub async fn escrow(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Option<Escrow>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT e.status AS "status: EscrowStatus", e.amount_minor, e.released_minor, e.refunded_minor, e.inspect_until,
                  o.currency AS "currency: Currency"
           FROM escrows AS e
           JOIN orders AS o ON o.id = e.order_id
           WHERE e.order_id = $1 AND $2 IN (o.buyer_org_id, o.seller_org_id)"#,
        order.0,
        party.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        Escrow {
            order,
            status: row.status,
            amount: money(row.amount_minor),
            released: money(row.released_minor),
            refunded: money(row.refunded_minor),
            inspect_until: row.inspect_until,
        }
    }))
}

struct RefundRow {
    id: RefundId,
    order: Option<OrderId>,
    cause: RefundCause,
    status: RefundStatus,
    amount_minor: i64,
    fee_minor: i64,
    currency: Currency,
    reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<RefundRow> for Refund {
    fn from(row: RefundRow) -> Self {
        Self {
            id: row.id,
            order: row.order,
            cause: row.cause,
            status: row.status,
            amount: Money::from_minor(row.amount_minor, row.currency),
            fee: Money::from_minor(row.fee_minor, row.currency),
            reason: row.reason,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn refund_row(conn: &mut PgConnection, id: RefundId) -> Result<Option<Refund>, sqlx::Error> {
    let row = sqlx::query_as!(
        RefundRow,
        r#"SELECT r.id AS "id: RefundId", r.order_id AS "order: OrderId", r.cause AS "cause: RefundCause",
                  r.status AS "status: RefundStatus", r.amount_minor, r.fee_minor, p.currency AS "currency: Currency",
                  r.reason, r.created_at
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id
           WHERE r.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Refund::from))
}

/// The refunds of an order, oldest first, if `party` buys or sells it.
pub async fn refunds(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Vec<Refund>, sqlx::Error> {
    let rows = sqlx::query_as!(
        RefundRow,
        r#"SELECT r.id AS "id: RefundId", r.order_id AS "order: OrderId", r.cause AS "cause: RefundCause",
                  r.status AS "status: RefundStatus", r.amount_minor, r.fee_minor, o.currency AS "currency: Currency",
                  r.reason, r.created_at
           FROM refunds AS r
           JOIN orders AS o ON o.id = r.order_id
           WHERE r.order_id = $1 AND $2 IN (o.buyer_org_id, o.seller_org_id)
           ORDER BY r.id
           LIMIT 1000"#,
        order.0,
        party.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Refund::from).collect())
}

/// Which disputes a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct DisputeFilter {
    /// Only those about orders of this organisation.
    pub party: Option<OrgId>,
    pub open: bool,
    /// Only those before this one.
    pub before: Option<DisputeId>,
    pub limit: i64,
}

struct DisputeRow {
    id: DisputeId,
    order: OrderId,
    reason: DisputeReason,
    text: String,
    status: DisputeStatus,
    opened_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    note: Option<String>,
}

impl From<DisputeRow> for Dispute {
    fn from(row: DisputeRow) -> Self {
        let DisputeRow { id, order, reason, text, status, opened_at, ended_at, note } = row;
        Self { id, order, reason, text, status, opened_at, ended_at, note }
    }
}

/// Disputes, newest first.
pub async fn disputes(conn: &mut PgConnection, filter: DisputeFilter) -> Result<Vec<Dispute>, sqlx::Error> {
    let rows = sqlx::query_as!(
        DisputeRow,
        r#"SELECT d.id AS "id: DisputeId", d.order_id AS "order: OrderId", d.reason AS "reason: DisputeReason", d.text,
                  d.status AS "status: DisputeStatus", d.opened_at, d.ended_at, d.note
           FROM disputes AS d
           JOIN orders AS o ON o.id = d.order_id
           WHERE ($1::uuid IS NULL OR $1 IN (o.buyer_org_id, o.seller_org_id))
             AND (NOT $2 OR d.status = 'open')
             AND ($3::uuid IS NULL OR d.id < $3)
           ORDER BY d.id DESC
           LIMIT $4"#,
        filter.party.map(|party| party.0),
        filter.open,
        filter.before.map(|before| before.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Dispute::from).collect())
}

/// A dispute; for a party, if it is about an order of it.
pub async fn dispute(
    conn: &mut PgConnection,
    party: Option<OrgId>,
    id: DisputeId,
) -> Result<Option<Dispute>, sqlx::Error> {
    let row = sqlx::query_as!(
        DisputeRow,
        r#"SELECT d.id AS "id: DisputeId", d.order_id AS "order: OrderId", d.reason AS "reason: DisputeReason", d.text,
                  d.status AS "status: DisputeStatus", d.opened_at, d.ended_at, d.note
           FROM disputes AS d
           JOIN orders AS o ON o.id = d.order_id
           WHERE d.id = $1 AND ($2::uuid IS NULL OR $2 IN (o.buyer_org_id, o.seller_org_id))"#,
        id.0,
        party.map(|party| party.0),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Dispute::from))
}

pub(super) async fn dispute_row(conn: &mut PgConnection, id: DisputeId) -> Result<Option<Dispute>, sqlx::Error> {
    dispute(conn, None, id).await
}
