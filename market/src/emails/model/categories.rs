//! Mails that people can do without.

use serde::{Deserialize, Serialize};

use super::Content;

/// A kind of mail that its reader can end. Everything else is about something that the reader takes part in, and is always sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EmailCategory {
    /// Auctions that end soon.
    AuctionReminders,
    /// What became of watched listings.
    Watches,
    /// What saved searches have found.
    SavedSearches,
    /// Stock that has become low, or has recovered.
    Stock,
    /// Reports that nobody asks for each time: those that people have subscribed to, and those of the schedule, which owners get.
    Reports,
    /// What to say about completed orders, and what others have said.
    Reviews,
}

impl EmailCategory {
    pub const ALL: [Self; 6] =
        [Self::AuctionReminders, Self::Watches, Self::SavedSearches, Self::Stock, Self::Reports, Self::Reviews];

    /// Its number in the links that end it; permanent.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::AuctionReminders => 1,
            Self::Watches => 2,
            Self::SavedSearches => 3,
            Self::Stock => 4,
            Self::Reports => 5,
            Self::Reviews => 6,
        }
    }

    pub(crate) fn of_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.number() == number)
    }
}

impl Content {
    /// The category, if the reader can do without it.
    #[must_use]
    pub const fn category(&self) -> Option<EmailCategory> {
        match self {
            Self::EndingSoon(_) => Some(EmailCategory::AuctionReminders),
            Self::Winning(it) if !it.again => Some(EmailCategory::AuctionReminders),
            Self::PriceFell(_) | Self::Relisted(_) => Some(EmailCategory::Watches),
            Self::SavedSearchDigest(_) => Some(EmailCategory::SavedSearches),
            Self::StockLow(_) | Self::StockRecovered(_) => Some(EmailCategory::Stock),
            Self::ReportReady(it) if it.regular => Some(EmailCategory::Reports),
            Self::ReviewAsked(_) | Self::ReviewShown(_) => Some(EmailCategory::Reviews),
            _ => None,
        }
    }

    /// Whether it is better not sent at all than sent twice, when nobody knows whether the server has taken it. A report that does not
    /// come is missed.
    #[must_use]
    pub const fn at_most_once(&self) -> bool {
        match self.category() {
            Some(
                EmailCategory::AuctionReminders
                | EmailCategory::Watches
                | EmailCategory::SavedSearches
                | EmailCategory::Stock
                | EmailCategory::Reviews,
            ) => true,
            Some(EmailCategory::Reports) | None => false,
        }
    }
}
