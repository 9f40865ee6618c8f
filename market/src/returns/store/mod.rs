//! SQL for returns.
//!
//! A return is guarded by its order's lock: whoever changes one has taken that lock first. What was bought and what of it is under
//! way back is read under it, so that the same units go back once.
//!
//! How to get this wrong: to read what a return is before its order is locked, since the seller and time receive it at the same
//! moment; to refund before the stock is locked, which is the other order of locks than everybody else's.

mod act;
mod lapse;
mod read;
mod receive;
mod request;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use shared::money::MoneyError;
use sqlx::PgConnection;

use super::model::ReturnStatus;
use super::rules::{Act, ReturnRefusal, judge_act};
use crate::escrow::store::{EscrowError, Locked, lock_for};
use crate::ids::{OrderId, ReturnId};
use crate::offers::model::Party;
use crate::stock::store::StockError;

pub use act::{approve, cancel, refuse, send};
pub use lapse::{Lapse, lapse, overdue};
pub use read::{ReturnFilter, find, get, of_order, page};
pub use receive::{Received, receive};
pub use request::{NewReturn, request};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ReturnError {
    #[error("there is no such return")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] ReturnRefusal),
    #[error(transparent)]
    Escrow(EscrowError),
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("returns_text_length", "/text", "must have 1 to 1000 characters"),
    ("returns_note_length", "/note", "must have 1 to 1000 characters"),
    ("returns_tracking_length", "/tracking", "must have 1 to 200 characters"),
    ("returns_per_order", "", "an order has at most 100 returns"),
];

impl From<sqlx::Error> for ReturnError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

impl From<StockError> for ReturnError {
    fn from(error: StockError) -> Self {
        match error {
            StockError::Database(error) => Self::Sql(error),
            error => Self::Stock(error),
        }
    }
}

impl From<EscrowError> for ReturnError {
    fn from(error: EscrowError) -> Self {
        match error {
            EscrowError::NotFound => Self::NotFound,
            EscrowError::Sql(error) => Self::Sql(error),
            error => Self::Escrow(error),
        }
    }
}

/// A return under its order's lock.
struct Guarded {
    order: Locked,
    status: ReturnStatus,
    due_at: Option<DateTime<Utc>>,
}

/// Which order a return is of; that never changes, so that it needs no lock.
async fn order_of(conn: &mut PgConnection, id: ReturnId) -> Result<Option<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT order_id AS "order: OrderId" FROM returns WHERE id = $1"#, id.0)
        .fetch_optional(conn)
        .await
}

/// Reads a return whose order is locked.
async fn guarded(conn: &mut PgConnection, order: Locked, id: ReturnId) -> Result<Guarded, sqlx::Error> {
    let row = sqlx::query!(r#"SELECT status AS "status: ReturnStatus", due_at FROM returns WHERE id = $1"#, id.0)
        .fetch_one(conn)
        .await?;
    Ok(Guarded { order, status: row.status, due_at: row.due_at })
}

/// Locks a return for the side that may do this to it: to everybody else there is no such return.
async fn guard(conn: &mut PgConnection, id: ReturnId, by: Party, act: Act) -> Result<Guarded, ReturnError> {
    let order = order_of(conn, id).await?.ok_or(ReturnError::NotFound)?;
    let order = lock_for(conn, order, |parties| match act {
        Act::Approve | Act::Refuse | Act::Receive => parties.seller == by.org,
        Act::Cancel | Act::Send => parties.buyer == by.org,
    })
    .await?;
    let guarded = guarded(conn, order, id).await?;
    judge_act(act, guarded.status, guarded.order.status)?;
    Ok(guarded)
}
