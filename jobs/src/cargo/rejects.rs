//! What operators do with events that could not be recorded.

use market::cargo::store::{drop_reject, get_reject};
use market::cargo::{Bounds, CargoEvent, EventMessage, Fault, cleaned_payload};
use serde_json::json;
use shared::audit::{self, Actor, Entry};
use sqlx::{Connection as _, PgConnection};

use super::lane::{EventLane, LaneError};

/// Why a reject was not sent again. It is still there.
#[derive(Debug, thiserror::Error)]
pub enum RejectError {
    #[error("there is no such reject")]
    NotFound,
    /// What arrived is not a message of events, or was not kept whole.
    #[error("what arrived cannot be sent as it is: {0}")]
    Unreadable(String),
    /// Faults of events, by their place in the message.
    #[error("events of it would be refused again")]
    Invalid(Vec<(usize, Fault)>),
    #[error(transparent)]
    Lane(#[from] LaneError),
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Sends a reject into the lane again, or `edited` in its place, and writes that to the audit log; returns how many events were
/// sent. The reject is gone once the events are safe.
///
/// `events` connects to the database of the log, `conn` to that of the audit log. An interruption between the two leaves the
/// act without its entry, and one before leaves the reject: sent once more, the log recognises its events.
pub async fn replay_reject(
    lane: &EventLane,
    events: &mut PgConnection,
    conn: &mut PgConnection,
    actor: Actor,
    id: i64,
    edited: Option<EventMessage<CargoEvent>>,
    bounds: &Bounds,
) -> Result<usize, RejectError> {
    let kept = get_reject(events, id).await?.ok_or(RejectError::NotFound)?;
    let is_edited = edited.is_some();
    let mut message = match edited {
        Some(message) => message,
        None if !kept.whole => return Err(RejectError::Unreadable("it was too long to be kept whole".to_owned())),
        None => serde_json::from_str(&kept.text).map_err(|error| RejectError::Unreadable(error.to_string()))?,
    };
    if message.events.is_empty() {
        return Err(RejectError::Unreadable("the message holds no event".to_owned()));
    }
    let faults = message.events.iter().enumerate();
    let faults: Vec<_> =
        faults.flat_map(|(place, event)| bounds.check(event).into_iter().map(move |fault| (place, fault))).collect();
    if !faults.is_empty() {
        return Err(RejectError::Invalid(faults));
    }
    for event in &mut message.events {
        event.payload = event.payload.take().map(cleaned_payload);
    }
    // Removed before it is sent: should it be rejected again at once, that new reject must not be deleted.
    let mut tx = events.begin().await?;
    if !drop_reject(&mut tx, id).await? {
        return Err(RejectError::NotFound);
    }
    lane.publish(message.org, &message.events).await?;
    tx.commit().await?;
    metrics::counter!("tradeyard_cargo_rejects_replayed_total").increment(1);
    let sent = message.events.len();
    let data = json!({"org": message.org, "sent": sent, "edited": is_edited});
    record(conn, actor, "cargo_rejects.replay", id, data).await?;
    Ok(sent)
}

/// Gives up a reject, and writes that to the audit log.
pub async fn discard_reject(
    events: &mut PgConnection,
    conn: &mut PgConnection,
    actor: Actor,
    id: i64,
) -> Result<(), RejectError> {
    let kept = get_reject(events, id).await?.ok_or(RejectError::NotFound)?;
    if !drop_reject(events, id).await? {
        return Err(RejectError::NotFound);
    }
    metrics::counter!("tradeyard_cargo_rejects_discarded_total").increment(1);
    let data = json!({"size": kept.reject.size, "seen": kept.reject.seen});
    Ok(record(conn, actor, "cargo_rejects.discard", id, data).await?)
}

async fn record(
    conn: &mut PgConnection,
    actor: Actor,
    action: &str,
    id: i64,
    data: serde_json::Value,
) -> Result<(), sqlx::Error> {
    audit::append(conn, Entry { actor, action, subject: ("cargo_reject", id.to_string()), data }).await?;
    Ok(())
}
