//! Orders as their two parties see them.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{CheckoutId, ItemId, ListingId, OfferId, OrderId};
use crate::money::model::Premium;
use crate::money::rules::vat::Treatment;

shared::id!(
    /// Names the award of a lot, or of a part of one, to a bidder.
    AwardId
);

/// How long a buyer has to pay.
pub const PAYMENT_TERM: TimeDelta = TimeDelta::hours(72);

/// Which way of selling made the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OrderSource {
    Checkout,
    BuyNow,
    Auction,
    Offer,
    /// An offer that needed no listing: goods from a site of the seller's.
    Trade,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OrderStatus {
    PendingPayment,
    Paid,
    InFulfilment,
    Delivered,
    Accepted,
    Completed,
    Expired,
    Cancelled,
    Disputed,
    Refunded,
}

/// A sale between two organisations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Order {
    pub id: OrderId,
    /// What it is paid with.
    pub checkout: CheckoutId,
    pub source: OrderSource,
    pub buyer_org_id: OrgId,
    /// The name that the buyer trades under.
    pub buyer_name: String,
    pub seller_org_id: OrgId,
    pub seller_name: String,
    pub status: OrderStatus,
    /// The sum of the lines, without premium and tax.
    pub total: Money,
    /// The buyer's premium.
    pub premium: Money,
    /// As agreed when it was made, like the other amounts.
    pub tax: Money,
    pub vat_treatment: Treatment,
    /// What the buyer pays: total, premium and tax.
    pub payable: Money,
    /// The tax that is a part of what was paid, by the invoice in force, while an export is taxed because nobody has proved it; absent
    /// otherwise.
    pub included_tax: Option<Money>,
    /// The platform's rate when the order was made; absent when its lines have several.
    pub fee_bps: Option<i32>,
    /// Rounded once, half up.
    pub fee: Money,
    /// What the seller gets: total less fee.
    pub net: Money,
    pub pay_by: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub lines: Vec<OrderLine>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderLine {
    /// Absent of what was traded: that was never listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing_id: Option<ListingId>,
    pub item_id: ItemId,
    pub title: String,
    pub quantity: i64,
    pub unit: String,
    /// Absent when the price was for the quantity as a whole.
    pub unit_price: Option<Money>,
    pub amount: Money,
    /// The platform's rate in basis points when the order was made.
    pub fee_bps: i32,
    /// Of a service: the days that it is hired for, in order. Lists of orders and checkouts leave them out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 366)]
    pub days: Vec<NaiveDate>,
}

/// An order to create.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub source: OrderSource,
    pub award: Option<AwardId>,
    pub offer: Option<OfferId>,
    pub buyer: OrgId,
    pub seller: OrgId,
    pub placed_by: UserId,
    pub created_at: DateTime<Utc>,
    /// What the buyer pays on top, frozen with the order.
    pub premium: Option<Premium>,
    /// At least one, all in one currency; their sum is the total.
    pub lines: Vec<OrderLine>,
}

/// An order that has just been made, as its parties are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeOrder {
    pub id: OrderId,
    pub checkout: CheckoutId,
    pub buyer_name: String,
    pub seller_name: String,
    pub total: Money,
    pub fee: Money,
    pub net: Money,
    pub pay_by: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// One of the two parties of an order or an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Side {
    Buyer,
    Seller,
}
