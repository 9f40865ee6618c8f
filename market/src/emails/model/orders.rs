//! News about orders and their money.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::escrow::model::DisputeReason;
use crate::ids::{CheckoutId, OrderId};
use crate::orders::model::Side;

/// To those who trade for buyer and seller. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub payable: Money,
    pub pay_by: DateTime<Utc>,
}

/// An order that has ended unpaid, to those who trade for buyer and seller. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEnded {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub payable: Money,
}

/// A trade whose goods have left and that its seller has given up, to those who trade for buyer and seller. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWrittenOff {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub payable: Money,
    /// What the seller says.
    pub reason: String,
    /// For the buyer: in how many open auctions they may have bids from now on.
    pub most_auctions: Option<i64>,
    /// For the buyer: until when they may not bid.
    pub barred_until: Option<DateTime<Utc>>,
}

/// A line has other days than before, to those who trade for buyer and seller. Reference: the order, the line and when they were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaysHired {
    pub order: OrderId,
    pub line: i16,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the line.
    pub title: String,
    /// In order; nothing: it has given all of them up.
    pub days: Vec<NaiveDate>,
}

/// To those who trade for the buyer. Reference: the checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentReminder {
    pub checkout: CheckoutId,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides, with all sellers.
    pub more: usize,
    pub payable: Money,
    pub pay_by: DateTime<Utc>,
}

/// To those who trade for the buyer. Reference: the payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentFailed {
    pub checkout: CheckoutId,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides, with all sellers.
    pub more: usize,
    pub payable: Money,
    pub pay_by: DateTime<Utc>,
}

/// Something has happened to a paid order, to those who trade for one of its sides. Reference: the order and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNews {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    /// What the buyer has paid.
    pub payable: Money,
    /// Until when the buyer may find fault, if it has arrived.
    pub inspect_until: Option<DateTime<Utc>>,
}

/// The money of an order is divided for good, to those who trade for one of its sides. Reference: the order and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSettled {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    /// What the buyer has paid.
    pub payable: Money,
    /// What the buyer gets back of it.
    pub refunded: Money,
    /// What the seller gets, less the platform's commission.
    pub earned: Money,
}

/// To those who trade for one of the sides. Reference: the order and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeOpened {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub payable: Money,
    pub reason: DisputeReason,
    /// What the buyer says.
    pub text: String,
}

/// To those who trade for the buyer. Reference: the refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPaid {
    pub checkout: CheckoutId,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub amount: Money,
}
