//! Checkouts as their buyer sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{CheckoutId, ListingId};
use crate::orders::model::Order;

/// Where a checkout is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CheckoutStatus {
    /// Waits for its payment.
    Open,
    Paid,
    /// Nobody paid in time.
    Expired,
    Cancelled,
}

/// What a buyer pays at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checkout {
    pub id: CheckoutId,
    pub buyer_org_id: OrgId,
    pub status: CheckoutStatus,
    /// Goods, premiums and taxes of all its orders.
    pub payable: Money,
    pub pay_by: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// One for each seller.
    pub orders: Vec<Order>,
}

/// One listing that somebody buys.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutLine {
    pub listing: ListingId,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// Per unit, as the buyer was shown it: another one meanwhile is refused, not charged.
    pub price: Money,
}
