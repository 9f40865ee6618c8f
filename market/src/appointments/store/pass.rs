//! Passes that goods are given out for.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::{AppointmentError, Guarded, guard};
use crate::appointments::model::Pass;
use crate::appointments::rules::{AppointmentRefusal, judge_issue, judge_order, pass};
use crate::ids::AppointmentId;
use crate::offers::model::Party;
use crate::orders::model::Side;

/// A pass that nobody has been issued.
#[must_use]
pub fn new_pass() -> String {
    pass::pass(rand::random())
}

/// Until when a pass that `by` is issued now would be good. Needs a transaction, if anything is to follow from it.
pub async fn may_issue(
    conn: &mut PgConnection,
    by: Party,
    id: AppointmentId,
) -> Result<DateTime<Utc>, AppointmentError> {
    Ok(judged(conn, by, id).await?.made.good_until())
}

async fn judged(conn: &mut PgConnection, by: Party, id: AppointmentId) -> Result<Guarded, AppointmentError> {
    let guarded = guard(conn, id, by, &[Side::Buyer]).await?;
    judge_order(guarded.order.status)?;
    judge_issue(&guarded.made, guarded.now)?;
    Ok(guarded)
}

/// Issues the pass of a booked collection to its buyer; the one before is good for nothing from then on. Needs a transaction.
pub async fn issue(conn: &mut PgConnection, by: Party, id: AppointmentId) -> Result<Pass, AppointmentError> {
    issue_this(conn, by, id, new_pass()).await
}

/// [`issue`] of a [`new_pass`] that is on paper already.
pub async fn issue_this(
    conn: &mut PgConnection,
    by: Party,
    id: AppointmentId,
    new: String,
) -> Result<Pass, AppointmentError> {
    let guarded = judged(conn, by, id).await?;
    let hash = pass::hash(&new).ok_or(AppointmentRefusal::NoPass)?;
    sqlx::query!("UPDATE appointments SET pass_hash = $2, version = version + 1 WHERE id = $1", id.0, hash)
        .execute(&mut *conn)
        .await?;
    let (actor, subject) = (Actor::User(by.user), ("appointment", id.to_string()));
    let data = json!({"order": guarded.order.id});
    audit::append(conn, audit::Entry { actor, action: "appointment.issue_pass", subject, data }).await?;
    Ok(Pass { appointment: id, pass: new, valid_until: guarded.made.good_until() })
}
