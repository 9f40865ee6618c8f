//! Who may do what to an offer, and on what offers are made.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::money::Currency;

use super::model::{OfferStatus, Proposal};
use crate::listings::model::{ListingStatus, SaleMode};
use crate::orders::model::Side;

/// The most terms of one offer.
pub const MOST_TERMS: i32 = 50;

/// A listing, as far as offers on it are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Goods {
    pub lister: OrgId,
    /// Whether the lister may trade.
    pub lister_trades: bool,
    pub status: ListingStatus,
    pub sale_mode: SaleMode,
    pub takes_offers: bool,
    pub currency: Currency,
    pub min_quantity: i64,
    /// All that there were, or that are wanted.
    pub quantity: i64,
}

impl Goods {
    /// Which side the one who answers the listing is on.
    #[must_use]
    pub const fn offerer(&self) -> Side {
        match self.sale_mode {
            SaleMode::Wanted => Side::Seller,
            SaleMode::Fixed | SaleMode::Auction | SaleMode::AuctionBuyNow | SaleMode::Offer => Side::Buyer,
        }
    }
}

/// Why terms cannot be proposed, or accepted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsRefusal {
    #[error("there is no such listing on offer")]
    NotOnOffer,
    #[error("the listing takes no offers")]
    TakesNone,
    #[error("an organisation makes no offers to itself")]
    OwnListing,
    #[error("must be in {0}")]
    Currency(Currency),
    #[error("must lie between {least} and {most}")]
    Quantity { least: i64, most: i64 },
}

/// Whether these terms may be proposed for a listing, between its lister and `offerer`.
pub fn judge_terms(goods: &Goods, offerer: OrgId, proposal: &Proposal<'_>) -> Result<(), TermsRefusal> {
    if goods.status != ListingStatus::Published || !goods.lister_trades {
        return Err(TermsRefusal::NotOnOffer);
    }
    let takes = match goods.sale_mode {
        SaleMode::Offer | SaleMode::Wanted => true,
        SaleMode::Fixed => goods.takes_offers,
        SaleMode::Auction | SaleMode::AuctionBuyNow => false,
    };
    if !takes {
        return Err(TermsRefusal::TakesNone);
    }
    if goods.lister == offerer {
        return Err(TermsRefusal::OwnListing);
    }
    if proposal.price.currency() != goods.currency {
        return Err(TermsRefusal::Currency(goods.currency));
    }
    if !(goods.min_quantity..=goods.quantity).contains(&proposal.quantity) {
        return Err(TermsRefusal::Quantity { least: goods.min_quantity, most: goods.quantity });
    }
    Ok(())
}

/// Whether these terms may be proposed for a trade: it is settled in one currency.
pub fn judge_trade(currency: Currency, proposal: &Proposal<'_>) -> Result<(), TermsRefusal> {
    if proposal.price.currency() == currency { Ok(()) } else { Err(TermsRefusal::Currency(currency)) }
}

/// What somebody does to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Counter,
    Accept,
    Decline,
    Withdraw,
}

/// An offer under its lock.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub status: OfferStatus,
    pub turn: Side,
    pub version: i32,
    pub expires_at: DateTime<Utc>,
    /// The clock after the lock.
    pub now: DateTime<Utc>,
}

/// Why an act is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActRefusal {
    #[error("the offer is {0:?}")]
    Ended(OfferStatus),
    #[error("the time to answer is over")]
    Late,
    #[error("there are other terms by now: read the offer again")]
    Changed,
    #[error("the other side's answer is awaited: withdraw the offer, or wait")]
    NotYourTurn,
    #[error("it is your turn to answer: decline the offer")]
    YourTurn,
    #[error("an offer has at most {MOST_TERMS} terms: accept or decline")]
    TooManyTerms,
}

/// Whether `side` may act; `version` is that of the terms that it has seen.
pub fn judge_act(act: Act, side: Side, version: i32, offer: &Standing) -> Result<(), ActRefusal> {
    if !offer.status.is_open() {
        return Err(ActRefusal::Ended(offer.status));
    }
    if offer.now >= offer.expires_at {
        return Err(ActRefusal::Late);
    }
    if version != offer.version {
        return Err(ActRefusal::Changed);
    }
    match (act, side == offer.turn) {
        (Act::Withdraw, true) => Err(ActRefusal::YourTurn),
        (Act::Counter | Act::Accept | Act::Decline, false) => Err(ActRefusal::NotYourTurn),
        (Act::Counter, true) if offer.version >= MOST_TERMS => Err(ActRefusal::TooManyTerms),
        (Act::Withdraw, false) | (Act::Counter | Act::Accept | Act::Decline, true) => Ok(()),
    }
}

/// The side that answers this one.
#[must_use]
pub const fn other(side: Side) -> Side {
    match side {
        Side::Buyer => Side::Seller,
        Side::Seller => Side::Buyer,
    }
}

#[cfg(test)]
mod tests;
