//! Mail about what goes wrong on a shipment's way, to those who trade for the organisation that sends it and the one that gets it.

use market::cargo::ShipmentStatus;
use market::emails::model::{Content, ShipmentNews};
use market::shipments::model::Shipment;
use market::shipments::store::Done;
use queue::JobTx;
use shared::ids::OrgId;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Tells both sides of a shipment that is lost, damaged or held, that nobody took, or that is back; of everything else nothing here. Once
/// for each act: what has arrived is told by its order.
pub(super) async fn step(tx: &mut JobTx, done: &Done) -> Result<(), MailError> {
    let content = match done.shipment.status {
        ShipmentStatus::Exception => Content::ShipmentException,
        ShipmentStatus::AttemptFailed => Content::ShipmentAttemptFailed,
        ShipmentStatus::Returned => Content::ShipmentReturned,
        _ => return Ok(()),
    };
    // A part that was delivered leaves the status of the rest as it was.
    if !matches!(done.act, "follow" | "fail" | "return") {
        return Ok(());
    }
    let shipment = &done.shipment;
    let reference = format!("{}:{}", shipment.id, shipment.version);
    post(tx, shipment.org_id, &reference, content(news(shipment, true))).await?;
    match shipment.consignee_org_id {
        Some(consignee) => post(tx, consignee, &reference, content(news(shipment, false))).await,
        None => Ok(()),
    }
}

/// Tells a shipper that nothing was heard of a shipment for too long; once for each silence.
pub async fn stalled(tx: &mut JobTx, shipment: &Shipment) -> Result<(), MailError> {
    let since = shipment.stalled_since.ok_or(MailError::Missing("the silence of a shipment"))?;
    let reference = format!("{}:{}", shipment.id, since.timestamp_micros());
    post(tx, shipment.org_id, &reference, Content::ShipmentStalled(news(shipment, true))).await
}

async fn post(tx: &mut JobTx, org: OrgId, reference: &str, content: Content) -> Result<(), MailError> {
    let people = traders(tx, org).await?;
    Ok(post_to(tx, &people, reference, &content).await?)
}

fn news(shipment: &Shipment, sends: bool) -> ShipmentNews {
    ShipmentNews {
        tracking: shipment.tracking.to_string(),
        sends,
        title: shipment.lines.first().map(|line| line.title.clone()).unwrap_or_default(),
        more: shipment.lines.len().saturating_sub(1),
        carrier: shipment.carrier.clone(),
        order: shipment.order_id,
        heard_at: shipment.heard_at,
    }
}
