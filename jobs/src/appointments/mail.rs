//! Mail about appointments, to those who trade for the sides of the order now. Once for each version of an appointment.

use market::appointments::model::{Appointment, AppointmentStatus};
use market::appointments::store;
use market::emails::model::{AppointmentNews, Content, StorageNews};
use market::ids::OrderId;
use market::orders::model::{Order, Side};
use market::orders::store as orders;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::checkout::mail::{more, other, title};
use crate::emails::{MailError, post_to};

const BOTH: [Side; 2] = [Side::Buyer, Side::Seller];

/// Tells both sides of what is booked, and the buyer of what the seller proposes.
pub(super) async fn made(tx: &mut JobTx, made: &Appointment) -> Result<(), MailError> {
    match made.status {
        AppointmentStatus::Proposed => post(tx, made, &[Side::Buyer], Content::AppointmentProposed).await,
        _ => post(tx, made, &BOTH, Content::AppointmentBooked).await,
    }
}

pub(super) async fn moved(tx: &mut JobTx, moved: &Appointment) -> Result<(), MailError> {
    post(tx, moved, &BOTH, Content::AppointmentMoved).await
}

pub(super) async fn cancelled(tx: &mut JobTx, cancelled: &Appointment) -> Result<(), MailError> {
    post(tx, cancelled, &BOTH, Content::AppointmentCancelled).await
}

/// Reminds both sides of an appointment that begins soon.
pub async fn reminder(tx: &mut JobTx, soon: &Appointment) -> Result<(), MailError> {
    post(tx, soon, &BOTH, Content::AppointmentReminder).await
}

/// Tells both sides that nobody came; of everything else whose time is over, nobody.
pub async fn ended(tx: &mut JobTx, ended: &Appointment) -> Result<(), MailError> {
    match ended.status {
        AppointmentStatus::Missed => post(tx, ended, &BOTH, Content::AppointmentMissed).await,
        _ => Ok(()),
    }
}

/// Tells both sides that keeping an order's goods costs something from now on.
pub async fn storage_begun(tx: &mut JobTx, id: OrderId) -> Result<(), MailError> {
    let order = orders::find(tx, id).await?.ok_or(MailError::Missing("the order of a storage"))?;
    let storage = store::storage(tx, id).await?.ok_or(MailError::Missing("a storage"))?;
    for (side, org) in [(Side::Buyer, order.buyer_org_id), (Side::Seller, order.seller_org_id)] {
        let news = StorageNews {
            order: id,
            side,
            other: other(&order, side),
            title: title(&order),
            more: more(&order),
            per_day: storage.per_day,
        };
        let people = traders(tx, org).await?;
        post_to(tx, &people, &id.to_string(), &Content::StorageBegun(news)).await?;
    }
    Ok(())
}

async fn post(
    tx: &mut JobTx,
    about: &Appointment,
    sides: &[Side],
    content: fn(AppointmentNews) -> Content,
) -> Result<(), MailError> {
    let order = orders::find(tx, about.order).await?.ok_or(MailError::Missing("the order of an appointment"))?;
    let reference = format!("{}:{}", about.id, about.version);
    for side in sides {
        let org = match side {
            Side::Buyer => about.buyer_org_id,
            Side::Seller => about.seller_org_id,
        };
        let people = traders(tx, org).await?;
        post_to(tx, &people, &reference, &content(news(about, &order, *side))).await?;
    }
    Ok(())
}

/// As this side reads it.
fn news(about: &Appointment, order: &Order, side: Side) -> AppointmentNews {
    AppointmentNews {
        order: order.id,
        side,
        other: other(order, side),
        title: title(order),
        more: more(order),
        kind: about.kind,
        site: about.site_name.clone(),
        starts_at: about.starts_at,
        ends_at: about.ends_at,
        missed: about.missed,
    }
}
