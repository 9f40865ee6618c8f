//! What may be bought together, and on which terms.

use shared::ids::OrgId;
use shared::money::{Currency, Money};

use super::model::CheckoutLine;
use crate::ids::ListingId;
use crate::listings::model::{ListingStatus, SaleMode};

/// The most lines of one checkout.
pub const MAX_LINES: usize = 100;

/// The most units of one line.
pub const MAX_QUANTITY: i64 = 1_000_000_000;

/// What a listing offers, read while it is locked.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    pub seller: OrgId,
    /// Whether the seller may trade.
    pub seller_trades: bool,
    pub status: ListingStatus,
    pub sale_mode: SaleMode,
    /// Per unit.
    pub price: Option<Money>,
    pub min_quantity: i64,
    /// The most units of one order, or all that there were.
    pub quantity: i64,
}

/// Why a line is not sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineRefusal {
    #[error("there is no such listing on offer")]
    NotOnOffer,
    #[error("the listing is not sold at a fixed price")]
    NotFixed,
    #[error("the price is now {0}")]
    PriceChanged(Money),
    #[error("must lie between {least} and {most}")]
    Quantity { least: i64, most: i64 },
    #[error("an organisation does not buy from itself")]
    OwnListing,
}

/// Whether `buyer` gets this line as it was asked for.
pub fn judge(line: &CheckoutLine, offer: &Offer, buyer: OrgId) -> Result<(), LineRefusal> {
    if offer.status != ListingStatus::Published || !offer.seller_trades {
        return Err(LineRefusal::NotOnOffer);
    }
    if offer.seller == buyer {
        return Err(LineRefusal::OwnListing);
    }
    let Some(price) = offer.price.filter(|_| offer.sale_mode == SaleMode::Fixed) else {
        return Err(LineRefusal::NotFixed);
    };
    if line.price != price {
        return Err(LineRefusal::PriceChanged(price));
    }
    if !(offer.min_quantity..=offer.quantity).contains(&line.quantity) {
        return Err(LineRefusal::Quantity { least: offer.min_quantity, most: offer.quantity });
    }
    Ok(())
}

/// The one currency of these lines, or all that there are.
pub fn currency(lines: &[CheckoutLine]) -> Result<Currency, Vec<Currency>> {
    let mut currencies: Vec<Currency> = lines.iter().map(|line| line.price.currency()).collect();
    currencies.sort_unstable_by_key(|currency| currency.code());
    currencies.dedup();
    match currencies.as_slice() {
        [one] => Ok(*one),
        _ => Err(currencies),
    }
}

/// A line that names a listing which an earlier one has.
#[must_use]
pub fn repeated(lines: &[CheckoutLine]) -> Option<(usize, ListingId)> {
    let repeats = |(place, line): &(usize, &CheckoutLine)| lines[..*place].iter().any(|it| it.listing == line.listing);
    lines.iter().enumerate().find(repeats).map(|(place, line)| (place, line.listing))
}

#[cfg(test)]
mod tests;
