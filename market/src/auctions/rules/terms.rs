//! The terms that a seller asks for.

use chrono::{DateTime, TimeDelta, Utc};
use shared::invalid::Invalid;
use shared::money::Currency;

use crate::auctions::model::NewAuction;
use crate::listings::model::SaleMode;

/// How long before its end a bid prolongs an auction whose seller does not say.
pub const SOFT_CLOSE_SECONDS: i32 = 300;
/// How far soft closing moves the end at most, when the seller does not say.
const HARD_END_AFTER: TimeDelta = TimeDelta::minutes(60);

/// The default hard end. An end so late that nothing lies an hour after it is refused by the
/// table's own limits.
#[must_use]
pub fn hard_end(ends_at: DateTime<Utc>) -> DateTime<Utc> {
    ends_at.checked_add_signed(HARD_END_AFTER).unwrap_or(ends_at)
}

/// Checks what no constraint of the table can.
pub fn check_terms(
    new: &NewAuction,
    sale_mode: SaleMode,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<(), Invalid> {
    let amounts = [
        ("/opening/currency", Some(new.opening)),
        ("/reserve/currency", new.reserve.map(|reserve| reserve.0)),
        ("/buy_now/currency", new.buy_now),
    ];
    for (pointer, amount) in amounts {
        if amount.is_some_and(|amount| amount.currency() != currency) {
            return Err(Invalid::new(pointer, "must be the listing's currency"));
        }
    }
    if new.buy_now.is_some() != (sale_mode == SaleMode::AuctionBuyNow) {
        return Err(Invalid::new("/buy_now", "belongs to listings that are sold by auction_buy_now, and only to them"));
    }
    if new.ends_at <= now {
        return Err(Invalid::new("/ends_at", "must lie in the future"));
    }
    Ok(())
}
