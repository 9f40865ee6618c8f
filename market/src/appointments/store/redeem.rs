//! Goods are given out for a pass.

use serde_json::json;
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::storage::refuse_due;
use super::{AppointmentError, guarded};
use crate::appointments::rules::{AppointmentRefusal, judge_order, judge_redeem, pass};
use crate::escrow::store::lock_for;
use crate::ids::{AppointmentId, OrderId, SiteId};
use crate::offers::model::Party;
use crate::shipments::store::{Done, collect};
use crate::stock::store::{StockError, site};

/// What was given out.
#[derive(Clone, Debug)]
pub struct Redeemed {
    pub appointment: AppointmentId,
    /// The shipments that left and arrived by that.
    pub done: Vec<Done>,
}

/// Gives out what is to be collected at a site for the pass of an appointment there: once, whoever scans it at the same moment. By the
/// seller, to whom passes of others do not exist. Needs a transaction.
pub async fn redeem(conn: &mut PgConnection, by: Party, at: SiteId, typed: &str) -> Result<Redeemed, AppointmentError> {
    site(conn, by.org, at).await?.ok_or(StockError::NotFound)?;
    let hash = pass::hash(typed).ok_or(AppointmentRefusal::NoPass)?;
    let (id, order) = sqlx::query!(
        r#"SELECT id AS "id: AppointmentId", order_id AS "order: OrderId"
           FROM appointments
           WHERE pass_hash = $1
             AND seller_org_id = $2"#,
        hash,
        by.org.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .map(|row| (row.id, row.order))
    .ok_or(AppointmentRefusal::NoPass)?;
    let order = lock_for(conn, order, |parties| parties.seller == by.org).await?;
    let guarded = guarded(conn, order, id).await?;
    // A new one was issued while this waited.
    if guarded.pass_hash != Some(hash) {
        return Err(AppointmentRefusal::NoPass.into());
    }
    judge_redeem(&guarded.made, guarded.site == Some(at), guarded.now)?;
    judge_order(guarded.order.status)?;
    refuse_due(conn, guarded.order.id).await?;
    sqlx::query!(
        "UPDATE appointments
         SET status = 'redeemed',
             ended_at = $2,
             version = version + 1
         WHERE id = $1",
        id.0,
        guarded.now,
    )
    .execute(&mut *conn)
    .await?;
    let data = json!({"order": guarded.order.id, "site": at});
    let done = collect(conn, by, guarded.order, at).await?;
    let (actor, subject) = (Actor::User(by.user), ("appointment", id.to_string()));
    audit::append(conn, audit::Entry { actor, action: "appointment.redeem", subject, data }).await?;
    Ok(Redeemed { appointment: id, done })
}
