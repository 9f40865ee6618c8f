//! What is sent: thin, so that nothing of it is out of date or nobody's business. Whoever wants more reads it with a key.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use crate::ids::OrderId;
use crate::orders::model::OrderStatus;

#[cfg(test)]
mod tests;

/// The event that the test button sends.
pub const TEST: &str = "webhook.test";

/// What an order has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OrderData {
    pub order: OrderId,
    pub status: OrderStatus,
    /// Counts what the order has been: of two messages the one with the higher version is the newer one.
    pub version: i64,
}

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Order(OrderData),
    Test {},
}

/// The body, the same for every attempt.
///
/// # Errors
/// A field cannot be written, which holds for none of these.
pub fn body(event: &str, occurred_at: DateTime<Utc>, order: Option<OrderData>) -> Result<Vec<u8>, serde_json::Error> {
    let timestamp = occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let data = order.map_or(Data::Test {}, Data::Order);
    serde_json::to_vec(&Message { r#type: event, timestamp, data })
}
