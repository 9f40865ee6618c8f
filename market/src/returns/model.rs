//! Returns as the two parties of an order see them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{OrderId, RefundId, ReturnId};

/// How long after the delivery a buyer may ask for a return.
pub const REQUEST_TERM: TimeDelta = TimeDelta::days(14);
/// How long the seller has to answer; then it is approved.
pub const ANSWER_TERM: TimeDelta = TimeDelta::days(7);
/// How long the buyer has to send what is approved; then it lapses.
pub const SENDING_TERM: TimeDelta = TimeDelta::days(14);
/// How long the seller has to say that what was sent has arrived; then it counts as received.
pub const RECEIVING_TERM: TimeDelta = TimeDelta::days(14);

/// Where a return is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReturnStatus {
    Requested,
    Approved,
    Refused,
    /// The buyer keeps the goods after all.
    Cancelled,
    /// The buyer has not sent them in time.
    Lapsed,
    InTransit,
    /// The seller has the goods; there was no money left to give back.
    Received,
    /// The seller has the goods, and the money goes back.
    Refunded,
}

/// Why goods go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReturnReason {
    NotNeeded,
    NotAsDescribed,
    Damaged,
    WrongItem,
    Other,
}

/// Where units go that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Disposition {
    /// They can be sold again.
    OnHand,
    /// They are there, and are not sold until the seller has looked at them.
    Quarantine,
}

/// Units of one line of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReturnLine {
    /// Its place among the order's lines; the first is 1.
    #[schema(minimum = 1, maximum = 32_767)]
    pub line: i16,
    pub title: String,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// Where they went, once they were received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// Whether a stock book has them again: without one nothing is counted, and what nobody has looked at in time may find no
    /// room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restocked: Option<bool>,
}

/// Units of an order that go back, or are to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Return {
    pub id: ReturnId,
    pub order: OrderId,
    pub buyer_org_id: OrgId,
    pub seller_org_id: OrgId,
    pub reason: ReturnReason,
    /// What the buyer says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub status: ReturnStatus,
    pub lines: Vec<ReturnLine>,
    pub requested_at: DateTime<Utc>,
    /// When it was approved or refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// What the seller says to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the goods come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
    /// When time decides, if nobody does before: a request is approved, an approved return lapses, what was sent counts as received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// What the units cost, tax and premium included; known once they were received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundId>,
    /// What goes back: less than `share` if earlier refunds have left less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// Whether time has decided that the goods count as received.
    #[serde(skip)]
    pub received_by_time: bool,
}
