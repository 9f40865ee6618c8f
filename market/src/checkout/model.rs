//! Checkouts as their buyer sees them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
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

/// What somebody has put aside to buy. Nothing of it is reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Basket {
    #[schema(max_items = 100)]
    pub lines: Vec<BasketLine>,
    /// What the lines that are on offer come to, without taxes: one amount for each currency.
    pub totals: Vec<Money>,
}

impl Basket {
    /// A basket with these lines.
    #[must_use]
    pub fn of(lines: Vec<BasketLine>) -> Self {
        let mut totals: Vec<Money> = Vec::new();
        for amount in lines.iter().filter_map(|line| line.amount) {
            match totals.iter_mut().find(|total| total.currency() == amount.currency()) {
                // A sum past all bounds is refused when it is bought.
                Some(total) => *total = total.checked_add(amount).unwrap_or(*total),
                None => totals.push(amount),
            }
        }
        totals.sort_unstable_by_key(|total| total.currency().code());
        Self { lines, totals }
    }

    /// What the lines on offer in this currency come to.
    #[must_use]
    pub fn total(&self, currency: Currency) -> Option<Money> {
        self.totals.iter().copied().find(|total| total.currency() == currency)
    }

    /// What there is to buy in this currency.
    #[must_use]
    pub fn in_currency(&self, currency: Currency) -> Vec<CheckoutLine> {
        let on_offer = self.lines.iter().filter(|line| line.amount.is_some());
        let priced = on_offer.filter_map(|line| Some((line, line.price.filter(|price| price.currency() == currency)?)));
        priced.map(|(line, price)| CheckoutLine { listing: line.listing, quantity: line.quantity, price }).collect()
    }
}

/// One listing in a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BasketLine {
    pub listing: ListingId,
    pub title: String,
    pub seller_org_id: OrgId,
    /// The name that the seller trades under.
    pub seller_name: String,
    pub quantity: i64,
    /// Per unit, as it is now; absent while the listing is not on offer at a fixed price.
    pub price: Option<Money>,
    pub amount: Option<Money>,
    pub added_at: DateTime<Utc>,
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
