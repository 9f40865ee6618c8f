//! SQL for webhooks.
//!
//! An endpoint is guarded by its own lock, which comes before the locks of its deliveries. Its secrets are sealed as those of carriers
//! are, each for its endpoint and version.

mod deliveries;
mod endpoints;
mod secrets;
mod send;

use shared::crypto::seal::SealError;
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};

pub use deliveries::{
    MOST_REPLAYED, Waiting, assign, attempts, delivery, page_deliveries, purge, replay, replay_missed, test_delivery,
    unassigned, unassigned_of_refund, waiting_long,
};
pub use endpoints::{change, create, end, get, lock, page, pause, resume};
pub(crate) use secrets::place;
pub use secrets::{Rotated, rotate};
pub use send::{Recorded, Start, lock_waiting, record, start};

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such endpoint")]
    NotFound,
    #[error("there is no such delivery")]
    NoDelivery,
    /// Nothing is sent to an endpoint that is not active.
    #[error("the endpoint is not active: let it go on first")]
    NotActive,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("an endpoint's secret")]
    Seal(#[from] SealError),
    #[error("a webhook's body")]
    Body(#[from] serde_json::Error),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    (
        "webhook_endpoints_url_form",
        "/url",
        "must be an address such as https://shop.example/hooks of at most 500 characters",
    ),
    ("webhook_endpoints_url_once", "/url", "another endpoint of the organisation has it"),
    ("webhook_endpoints_name_length", "/name", "must have 1 to 100 characters"),
    ("webhook_endpoints_events_form", "/events", "must be 1 to 20"),
    ("webhook_endpoints_per_org", "", "the organisation has 20 endpoints: end some first"),
];

impl From<sqlx::Error> for WebhookError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

#[cfg(test)]
mod tests;
