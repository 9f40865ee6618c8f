//! SQL for checkouts.
//!
//! Locks: the checkout, its orders, what is packed of them, their listings by id, stock levels by item and site.

pub mod basket;
mod create;
mod end;
mod place;
mod read;
mod write_off;

use chrono::{DateTime, Utc};
use shared::invalid::Invalid;
use shared::money::{Currency, Money, MoneyError};

use super::model::CheckoutStatus;
use super::rules::{LineRefusal, MAX_LINES};
use crate::orders::store::OrderError;
use crate::shipments::store::ShipmentError;
use crate::stock::store::StockError;

pub(crate) use create::{NewCheckout, create, create_all};
pub use end::{Ended, Expiry, cancel, expire, overdue};
pub(crate) use end::{expire_award, lock, renounce_award};
pub use place::place;
pub use read::{checkout, find, of_buyer};
pub use write_off::write_off;

/// Why a checkout is refused.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("there is no such checkout")]
    NotFound,
    #[error("there is nothing to buy")]
    Empty,
    #[error("a checkout has at most {0} lines")]
    TooMany(usize),
    /// The line has a listing that an earlier one has.
    #[error("the listing is there twice")]
    Twice(usize),
    #[error("a checkout has one currency; these have {}", codes(.0))]
    Currencies(Vec<Currency>),
    #[error("{refusal}")]
    Line { line: usize, refusal: LineRefusal },
    #[error("only {available} are available")]
    OutOfStock { line: usize, available: i64 },
    #[error("people of the selling organisation do not buy from it")]
    SellersPeople,
    /// The goods cost something else than the buyer was shown.
    #[error("the goods come to {0} now")]
    TotalChanged(Money),
    #[error("a person keeps at most {MAX_LINES} lines in baskets: take some out first")]
    BasketFull,
    /// It is not open any more.
    #[error("the checkout is {0:?}")]
    Ended(CheckoutStatus),
    #[error("a payment of this checkout is under way")]
    Paying,
    /// A trade's goods may leave before they are paid.
    #[error("goods of it have left, and are owed for until they are paid or all back")]
    Owed,
    /// Nothing is written off that the buyer does not have.
    #[error("none of its goods have left, or all are back: it ends as any other")]
    NothingOwed,
    #[error("there is time to pay until {0}")]
    TimeToPay(DateTime<Utc>),
    /// An auction's award is not taken back by its buyer.
    #[error("what was bought in an auction cannot be cancelled by the buyer")]
    Awarded,
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error(transparent)]
    Shipment(#[from] ShipmentError),
    #[error(transparent)]
    Stock(StockError),
    #[error(transparent)]
    Invalid(Invalid),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

fn codes(currencies: &[Currency]) -> String {
    currencies.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
