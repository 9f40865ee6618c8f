//! What can be exported, and how a value of a row is written.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shared::money::{Currency, Money};

use super::model::{Filters, Kind};
use super::parts::Column;
use crate::auctions::model::AuctionStatus;
use crate::cargo::ShipmentStatus;
use crate::listings::model::ListingStatus;
use crate::orders::model::OrderStatus;

/// Why nothing can be exported with these filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the rows end before they begin")]
    Reversed,
    #[error("what is exported has no such status")]
    Status,
}

impl Unfit {
    /// Which field of a request says so.
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::Reversed => "/filters/to",
            Self::Status => "/filters/status",
        }
    }
}

/// Refuses filters that nothing can pass.
pub fn judge(kind: Kind, filters: &Filters) -> Result<(), Unfit> {
    if let (Some(from), Some(to)) = (filters.from, filters.to)
        && from >= to
    {
        return Err(Unfit::Reversed);
    }
    let Some(status) = &filters.status else { return Ok(()) };
    let known = match kind {
        Kind::Listings => is::<ListingStatus>(status),
        Kind::Orders => is::<OrderStatus>(status),
        Kind::Bids => is::<AuctionStatus>(status),
        Kind::CargoEvents => is::<ShipmentStatus>(status),
        Kind::OwnData => false,
    };
    if known { Ok(()) } else { Err(Unfit::Status) }
}

fn is<T: DeserializeOwned>(name: &str) -> bool {
    serde_json::from_value::<T>(Value::from(name)).is_ok()
}

/// An amount that is not one: the row has no such currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{column}: the row has an amount without a known currency")]
pub struct NoCurrency {
    pub column: &'static str,
}

/// The values of a row in the order of the columns. Amounts are texts with the decimals of the row's currency, as in the API; what is
/// missing is null.
pub fn values(columns: &[Column], mut row: Map<String, Value>) -> Result<Vec<Value>, NoCurrency> {
    let currency: Option<Currency> = row.get("currency").and_then(Value::as_str).and_then(|code| code.parse().ok());
    let value = |column: &Column| {
        let value = row.remove(column.name).unwrap_or(Value::Null);
        match value.as_i64() {
            Some(minor) if column.is_amount => {
                let currency = currency.ok_or(NoCurrency { column: column.name })?;
                Ok(Value::from(Money::from_minor(minor, currency).amount()))
            }
            _ => Ok(value),
        }
    };
    columns.iter().map(value).collect()
}

#[cfg(test)]
mod tests;
