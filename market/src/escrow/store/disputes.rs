//! Buyers who do not agree.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use sqlx::PgConnection;

use super::locked::{Locked, lock, lock_for, move_order};
use super::refund::{give_back, set};
use super::release::release;
use super::{EscrowError, read};
use crate::escrow::model::{Dispute, DisputeReason, DisputeStatus, EscrowStatus, RefundCause};
use crate::escrow::rules::{Next, Wish, decide};
use crate::ids::{DisputeId, OrderId, RefundId};
use crate::orders::model::OrderStatus;

/// What a buyer says.
#[derive(Clone, Copy, Debug)]
pub struct NewDispute<'a> {
    pub order: OrderId,
    pub reason: DisputeReason,
    pub text: &'a str,
}

/// Opens a dispute of `buyer`: what is held moves for nobody until it is decided. Needs a transaction.
pub async fn open(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    new: NewDispute<'_>,
) -> Result<Dispute, EscrowError> {
    let locked = lock_for(conn, new.order, |parties| parties.buyer == buyer).await?;
    let next = decide(&locked.escrow, Wish::Freeze, locked.now)?;
    if !matches!(locked.status, OrderStatus::Paid | OrderStatus::InFulfilment | OrderStatus::Delivered) {
        return Err(EscrowError::OrderStatus(locked.status));
    }
    let id = DisputeId::generate();
    sqlx::query!(
        "INSERT INTO disputes (id, order_id, opened_by, reason, text, order_status) VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        new.order.0,
        by.0,
        new.reason as DisputeReason,
        new.text,
        locked.status as OrderStatus,
    )
    .execute(&mut *conn)
    .await?;
    set(conn, new.order, next.status, None, None).await?;
    move_order(conn, new.order, OrderStatus::Disputed, Some(by)).await?;
    read::dispute_row(conn, id).await?.ok_or(EscrowError::NotFound)
}

/// The buyer agrees after all: the order is what it was before. Returns until when fault may be found, if it was delivered.
/// Needs a transaction.
pub async fn withdraw(
    conn: &mut PgConnection,
    buyer: OrgId,
    by: UserId,
    id: DisputeId,
) -> Result<Option<DateTime<Utc>>, EscrowError> {
    let order = order_of(conn, id).await?;
    let locked = lock_for(conn, order, |parties| parties.buyer == buyer).await?;
    let before = end(conn, id, DisputeStatus::Withdrawn, by, None).await?;
    let next = decide(&locked.escrow, Wish::Thaw, locked.now)?;
    set(conn, order, next.status, None, None).await?;
    move_order(conn, order, before, Some(by)).await?;
    Ok(locked.escrow.inspect_until)
}

/// How a dispute is decided.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    pub by: UserId,
    /// What the buyer gets back, from nothing to all that is held.
    pub refund: Money,
    pub note: &'a str,
}

/// Decides a dispute: the buyer gets a part back, the seller the rest. Whoever belongs to a party does not decide. Returns
/// the refund, if there is one. Needs a transaction.
pub async fn resolve(
    conn: &mut PgConnection,
    id: DisputeId,
    decision: Decision<'_>,
) -> Result<Option<RefundId>, EscrowError> {
    let order = order_of(conn, id).await?;
    let locked = lock(conn, order).await?.ok_or(EscrowError::NotPaid)?;
    refuse_own(conn, &locked, decision.by).await?;
    let next = decide(&locked.escrow, Wish::Decide(decision.refund), locked.now);
    let status = match &next {
        Ok(Next { refund: None, .. }) => DisputeStatus::ForSeller,
        Ok(Next { release: None, .. }) => DisputeStatus::ForBuyer,
        _ => DisputeStatus::Split,
    };
    end(conn, id, status, decision.by, Some(decision.note)).await?;
    let next = next?;
    let mut refund = None;
    if let Some(amount) = next.refund {
        let (cause, by) = (RefundCause::Dispute, Some(decision.by));
        refund = Some(give_back(conn, &locked, amount, cause, by, decision.note).await?);
        if next.release.is_none() {
            set(conn, order, EscrowStatus::Refunded, next.refund, None).await?;
            move_order(conn, order, OrderStatus::Refunded, Some(decision.by)).await?;
        } else {
            // Together with the release, since no escrow is partly one and partly nothing.
            sqlx::query!(
                "UPDATE escrows SET refunded_minor = refunded_minor + $2 WHERE order_id = $1",
                order.0,
                amount.minor()
            )
            .execute(&mut *conn)
            .await?;
        }
    }
    release(conn, &locked, next, Some(decision.by)).await?;
    let data = json!({"dispute": id, "refund": decision.refund, "note": decision.note});
    let (actor, subject) = (Actor::User(decision.by), ("order", order.to_string()));
    audit::append(conn, audit::Entry { actor, action: "dispute.resolve", subject, data }).await?;
    Ok(refund)
}

/// Which order a dispute is about; that never changes, so that it needs no lock.
async fn order_of(conn: &mut PgConnection, id: DisputeId) -> Result<OrderId, EscrowError> {
    let order = sqlx::query_scalar!(r#"SELECT order_id AS "order: OrderId" FROM disputes WHERE id = $1"#, id.0);
    order.fetch_optional(conn).await?.ok_or(EscrowError::NotFound)
}

pub(super) async fn refuse_own(conn: &mut PgConnection, locked: &Locked, by: UserId) -> Result<(), EscrowError> {
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND org_id IN ($2, $3)) AS "own!""#,
        by.0,
        locked.buyer.0,
        locked.seller.0,
    );
    if own.fetch_one(conn).await? { Err(EscrowError::OwnOrder) } else { Ok(()) }
}

/// Ends an open dispute; returns what the order was before it.
async fn end(
    conn: &mut PgConnection,
    id: DisputeId,
    status: DisputeStatus,
    by: UserId,
    note: Option<&str>,
) -> Result<OrderStatus, EscrowError> {
    let ended = sqlx::query_scalar!(
        r#"UPDATE disputes
           SET status = $2, ended_at = clock_timestamp(), ended_by = $3, note = $4
           WHERE id = $1 AND status = 'open'
           RETURNING order_status AS "order_status: OrderStatus""#,
        id.0,
        status as DisputeStatus,
        by.0,
        note,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = ended else {
        let dispute = read::dispute_row(conn, id).await?.ok_or(EscrowError::NotFound)?;
        return Err(EscrowError::DisputeEnded(dispute.status));
    };
    Ok(before)
}
