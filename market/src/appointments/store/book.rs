//! What the two sides do with appointments.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use shared::invalid::Invalid;
use sqlx::PgConnection;

use super::hours::hours;
use super::read::find;
use super::storage::freeze;
use super::{AppointmentError, Guarded, guard};
use crate::appointments::model::{Appointment, AppointmentKind, AppointmentStatus, NewAppointment, REMINDER};
use crate::appointments::rules::slots::{Hours, Span, starting};
use crate::appointments::rules::{
    There, Wanted, judge_accept, judge_cancel, judge_move, judge_order, judge_there, wanted,
};
use crate::escrow::store::{Locked, lock_for};
use crate::ids::{AppointmentId, OrderId, SiteId};
use crate::offers::model::Party;
use crate::orders::model::Side;
use crate::shipments::store::plan_delivery;

/// Makes an appointment about an order that is paid: the buyer books it, the seller proposes it. A delivery that is booked is what
/// shipments that wait, and later ones, are planned by. Needs a transaction, as everything here does.
pub async fn book(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
    new: &NewAppointment,
) -> Result<Appointment, AppointmentError> {
    let locked = lock_for(conn, order, |parties| parties.buyer == by.org || parties.seller == by.org).await?;
    judge_order(locked.status)?;
    let side = if by.org == locked.buyer { Side::Buyer } else { Side::Seller };
    let (site, span) = match wanted(new, locked.now)? {
        Wanted::Wish(span) => (None, span),
        Wanted::Slot { site, starts_at } => {
            let span = slot(conn, locked.seller, new.kind, site, starts_at).await?;
            judge_there(there(conn, order, site).await?, new.kind, side == Side::Seller)?;
            (Some(site), span)
        }
    };
    let status = match side {
        Side::Buyer => AppointmentStatus::Booked,
        Side::Seller => AppointmentStatus::Proposed,
    };
    let id = AppointmentId::generate();
    sqlx::query!(
        "INSERT INTO appointments (id, order_id, seller_org_id, kind, site_id, status, starts_at, ends_at, reminded_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.0,
        order.0,
        locked.seller.0,
        new.kind as AppointmentKind,
        site.map(|site| site.0),
        status as AppointmentStatus,
        span.starts_at,
        span.ends_at,
        reminded(span, locked.now),
        by.user.0,
    )
    .execute(&mut *conn)
    .await?;
    if status == AppointmentStatus::Booked {
        follow(conn, &locked, new.kind, site, span).await?;
    }
    let action = if side == Side::Buyer { "appointment.book" } else { "appointment.propose" };
    finish(conn, by, id, action).await
}

/// What is so near when it is made that its mail is all the reminder that it needs counts as reminded.
fn reminded(span: Span, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (span.starts_at <= now + REMINDER).then_some(now)
}

/// Does what follows from an appointment that is booked: shipments are planned by a delivery, and a collection has its terms of storage.
async fn follow(
    conn: &mut PgConnection,
    order: &Locked,
    kind: AppointmentKind,
    site: Option<SiteId>,
    span: Span,
) -> Result<(), AppointmentError> {
    plan(conn, order, kind, (None, Some(span.ends_at))).await?;
    if let (AppointmentKind::Collection, Some(site)) = (kind, site) {
        freeze(conn, order, site, span).await?;
    }
    Ok(())
}

/// Plans the order's shipments that wait by when it is delivered now instead of before.
async fn plan(
    conn: &mut PgConnection,
    order: &Locked,
    kind: AppointmentKind,
    (before, now): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<(), AppointmentError> {
    if kind == AppointmentKind::Delivery {
        plan_delivery(conn, order.id, before, now).await?;
    }
    Ok(())
}

/// The slot of a kind, of a site of the seller's, that begins then.
async fn slot(
    conn: &mut PgConnection,
    seller: OrgId,
    kind: AppointmentKind,
    site: SiteId,
    starts_at: DateTime<Utc>,
) -> Result<Span, AppointmentError> {
    let hours = hours(conn, seller, site).await?;
    let hours = hours.as_ref().and_then(|hours| Hours::of(hours, kind)).ok_or_else(|| {
        let message = match kind {
            AppointmentKind::Collection => "nothing is collected there",
            AppointmentKind::Delivery => "has no slots of deliveries",
        };
        Invalid::new("/site", message)
    })?;
    Ok(starting(&hours, starts_at).ok_or_else(|| Invalid::new("/starts_at", "no slot begins then"))?)
}

/// What of an order that has not left could be given out at a site: its lines that were sold from there, and those without a site.
pub(super) async fn there(conn: &mut PgConnection, order: OrderId, site: SiteId) -> Result<There, sqlx::Error> {
    sqlx::query_as!(
        There,
        r#"SELECT count(*) > 0 AS "any!", coalesce(bool_and('pickup' = ANY (g.delivery_options)), true) AS "for_collection!",
                  coalesce(bool_and(NOT g.delivery_options <@ ARRAY['pickup']), true) AS "for_delivery!"
           FROM order_lines AS n
           LEFT JOIN listings AS g ON g.id = n.listing_id
           LEFT JOIN reservations AS r ON r.order_id = n.order_id AND r.line_no = n.line_no AND r.status = 'taken'
           WHERE n.order_id = $1
             AND coalesce(r.site_id, $2) = $2
             AND n.quantity > (
                 SELECT coalesce(sum(l.quantity - l.returned_quantity), 0)
                 FROM shipment_lines AS l
                 JOIN shipments AS s ON s.id = l.shipment_id
                 WHERE l.order_id = n.order_id
                   AND l.order_line = n.line_no
                   AND s.picked_up_at IS NOT NULL
             )"#,
        order.0,
        site.0,
    )
    .fetch_one(conn)
    .await
}

/// The buyer agrees to what the seller has proposed.
pub async fn accept(conn: &mut PgConnection, by: Party, id: AppointmentId) -> Result<Appointment, AppointmentError> {
    let guarded = guard(conn, id, by, &[Side::Buyer]).await?;
    judge_order(guarded.order.status)?;
    judge_accept(&guarded.made, guarded.now)?;
    if let Some(site) = guarded.site {
        judge_there(there(conn, guarded.order.id, site).await?, guarded.made.kind, true)?;
    }
    sqlx::query!(
        "UPDATE appointments SET status = 'booked', reminded_at = $2, version = version + 1 WHERE id = $1",
        id.0,
        reminded(guarded.made.span, guarded.now),
    )
    .execute(&mut *conn)
    .await?;
    follow(conn, &guarded.order, guarded.made.kind, guarded.site, guarded.made.span).await?;
    finish(conn, by, id, "appointment.accept").await
}

/// The buyer comes, or gets it, in another slot of the site, or would like to get it in another span.
pub async fn reschedule(
    conn: &mut PgConnection,
    by: Party,
    id: AppointmentId,
    starts_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
) -> Result<Appointment, AppointmentError> {
    let guarded = guard(conn, id, by, &[Side::Buyer]).await?;
    judge_order(guarded.order.status)?;
    judge_move(&guarded.made, guarded.now)?;
    let (kind, site) = (guarded.made.kind, guarded.site);
    let span = match wanted(&NewAppointment { kind, site, starts_at, ends_at }, guarded.now)? {
        Wanted::Wish(span) => span,
        Wanted::Slot { site, starts_at } => {
            judge_there(there(conn, guarded.order.id, site).await?, kind, true)?;
            slot(conn, guarded.order.seller, kind, site, starts_at).await?
        }
    };
    set_span(conn, &guarded, span).await?;
    plan(conn, &guarded.order, kind, (Some(guarded.made.span.ends_at), Some(span.ends_at))).await?;
    finish(conn, by, id, "appointment.move").await
}

async fn set_span(conn: &mut PgConnection, guarded: &Guarded, span: Span) -> Result<(), AppointmentError> {
    sqlx::query!(
        "UPDATE appointments
         SET starts_at = $2,
             ends_at = $3,
             reminded_at = $4,
             version = version + 1
         WHERE id = $1",
        guarded.id.0,
        span.starts_at,
        span.ends_at,
        reminded(span, guarded.now),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One of the sides does not want it any more. Its pass is good for nothing from then on.
pub async fn cancel(conn: &mut PgConnection, by: Party, id: AppointmentId) -> Result<Appointment, AppointmentError> {
    let guarded = guard(conn, id, by, &[Side::Buyer, Side::Seller]).await?;
    judge_cancel(&guarded.made, guarded.now)?;
    sqlx::query!(
        "UPDATE appointments
         SET status = 'cancelled',
             ended_at = $2,
             version = version + 1
         WHERE id = $1",
        id.0,
        guarded.now,
    )
    .execute(&mut *conn)
    .await?;
    if guarded.made.status == AppointmentStatus::Booked {
        plan(conn, &guarded.order, guarded.made.kind, (Some(guarded.made.span.ends_at), None)).await?;
    }
    finish(conn, by, id, "appointment.cancel").await
}

/// Writes the act down, and reads what came of it.
async fn finish(
    conn: &mut PgConnection,
    by: Party,
    id: AppointmentId,
    action: &str,
) -> Result<Appointment, AppointmentError> {
    let appointment = find(conn, id).await?.ok_or(AppointmentError::NotFound)?;
    let (actor, subject) = (Actor::User(by.user), ("appointment", id.to_string()));
    let data = json!({"order": appointment.order, "version": appointment.version, "starts_at": appointment.starts_at});
    audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(appointment)
}
