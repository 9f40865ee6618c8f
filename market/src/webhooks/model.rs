//! Endpoints and deliveries as their organisation sees them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{JobId, OrgId};
use shared::text;
use url::Url;
use utoipa::ToSchema;

use crate::carriers::model::WebhookSecret;
use crate::ids::{DeliveryId, EndpointId, OrderId};

/// What an endpoint is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Subscription {
    /// Everything that orders become.
    #[serde(rename = "order.*")]
    All,
    #[serde(rename = "order.placed")]
    Placed,
    #[serde(rename = "order.paid")]
    Paid,
    #[serde(rename = "order.shipped")]
    Shipped,
    #[serde(rename = "order.delivered")]
    Delivered,
    #[serde(rename = "order.completed")]
    Completed,
    #[serde(rename = "order.refunded")]
    Refunded,
    #[serde(rename = "order.disputed")]
    Disputed,
    #[serde(rename = "order.dispute_withdrawn")]
    DisputeWithdrawn,
    /// A winner has not paid.
    #[serde(rename = "order.defaulted")]
    Defaulted,
    #[serde(rename = "order.expired")]
    Expired,
    #[serde(rename = "order.cancelled")]
    Cancelled,
}

impl Subscription {
    pub const ALL: [Self; 12] = [
        Self::All,
        Self::Placed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Completed,
        Self::Refunded,
        Self::Disputed,
        Self::DisputeWithdrawn,
        Self::Defaulted,
        Self::Expired,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "order.*",
            Self::Placed => "order.placed",
            Self::Paid => "order.paid",
            Self::Shipped => "order.shipped",
            Self::Delivered => "order.delivered",
            Self::Completed => "order.completed",
            Self::Refunded => "order.refunded",
            Self::Disputed => "order.disputed",
            Self::DisputeWithdrawn => "order.dispute_withdrawn",
            Self::Defaulted => "order.defaulted",
            Self::Expired => "order.expired",
            Self::Cancelled => "order.cancelled",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Whether an endpoint is sent anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EndpointStatus {
    Active,
    /// Not now. What happens meanwhile is written down as missed, and can be replayed.
    Paused,
    /// It has answered that it is gone. What happens meanwhile is not written down.
    Disabled,
}

/// Why an endpoint is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum StopReason {
    /// An owner has asked.
    Asked,
    /// Every attempt has failed for days.
    Failing,
    /// It has answered 410.
    Gone,
}

impl StopReason {
    pub(super) const fn status(self) -> EndpointStatus {
        match self {
            Self::Asked | Self::Failing => EndpointStatus::Paused,
            Self::Gone => EndpointStatus::Disabled,
        }
    }
}

/// Where an organisation is sent webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Endpoint {
    pub id: EndpointId,
    pub org_id: OrgId,
    #[schema(example = "https://shop.example/hooks/tradeyard")]
    pub url: String,
    pub name: String,
    pub events: Vec<Subscription>,
    pub status: EndpointStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<StopReason>,
    /// Since when every attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// An endpoint to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Begins with `https://`, and leads to an address that anybody can reach; another one than those of the organisation's other
    /// endpoints.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^https?://[^\s]+$",
        example = "https://shop.example/hooks/tradeyard"
    )]
    pub url: String,
    /// What it is for.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pub name: String,
    #[schema(min_items = 1, max_items = 20)]
    pub events: Vec<Subscription>,
}

/// What is changed of an endpoint. Fields that are left out stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointChange {
    #[schema(min_length = 1, max_length = 500, pattern = r"^https?://[^\s]+$")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<100>)]
    pub name: Option<String>,
    #[schema(min_items = 1, max_items = 20)]
    pub events: Option<Vec<Subscription>>,
}

/// Where a delivery is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// For its first attempt, or for the next one.
    Waiting,
    Delivered,
    /// Given up.
    Failed,
    /// The endpoint was not active.
    Missed,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Delivery {
    /// The `webhook-id` of every attempt.
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    #[schema(example = "order.paid")]
    pub event: String,
    /// Absent in a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    pub occurred_at: DateTime<Utc>,
    pub status: DeliveryStatus,
    pub attempts: i32,
    /// When the next attempt is due; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The job that brings it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Answered with a status of the 200s.
    Delivered,
    /// Answered with another one.
    Refused,
    /// Answered with a redirect, which is not followed.
    Redirected,
    /// Answered with 410.
    Gone,
    /// Not answered in time.
    TimedOut,
    /// Nobody was there, or said something that is not HTTP.
    Unreachable,
    /// The name leads to an address that not everybody can reach.
    ForbiddenAddress,
}

/// An attempt as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordedAttempt {
    pub number: i32,
    pub at: DateTime<Utc>,
    pub job: JobId,
    pub outcome: AttemptOutcome,
    /// What the endpoint answered with, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_code: Option<i32>,
    pub latency_ms: i32,
    /// The beginning of the answer, or what was wrong.
    pub detail: String,
}

/// An attempt that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: AttemptOutcome,
    pub status_code: Option<u16>,
    pub latency: Duration,
    /// The beginning of the answer, or what was wrong; it is cut to 1,024 characters.
    pub detail: String,
    /// How long the endpoint wants us to wait.
    pub asked: Option<TimeDelta>,
}

/// What there is to send.
#[derive(Debug)]
pub struct Sending {
    pub endpoint: EndpointId,
    pub org: OrgId,
    pub url: String,
    pub body: Vec<u8>,
    /// The time of the attempt, by the database's clock.
    pub now: DateTime<Utc>,
    /// The present secret, and for a day the one before it.
    pub secrets: Vec<WebhookSecret>,
}

/// An endpoint that is not sent anything any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    pub endpoint: EndpointId,
    pub org: OrgId,
    pub name: String,
    pub url: String,
    pub reason: StopReason,
    /// Counts how often it was stopped or went on.
    pub version: i32,
    /// Since when every attempt has failed.
    pub failing_since: DateTime<Utc>,
}

/// The scheme and the host of a URL: what of it may be shown to those who are not to see its secrets.
#[must_use]
pub fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}
