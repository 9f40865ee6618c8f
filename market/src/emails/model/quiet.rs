//! Hours in which somebody wants no mail that can wait.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Content;
use crate::appointments::model::WallTime;

/// Minutes of a day.
const DAY: i16 = 24 * 60;

/// From one time of the day to another, by the clock on the wall in the person's time zone; over midnight if the first is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    pub from: WallTime,
    /// Another one: hours that never end would be no mail at all.
    pub to: WallTime,
}

impl QuietHours {
    /// As they are stored: both minutes from 0 to 1439. 24:00 is 00:00 of the next day, which is every day.
    #[must_use]
    pub const fn minutes(self) -> (i16, i16) {
        (self.from.minute() % DAY, self.to.minute() % DAY)
    }

    /// Whether they end at all.
    #[must_use]
    pub const fn ends(self) -> bool {
        let (from, to) = self.minutes();
        from != to
    }

    pub(in crate::emails) fn of_minutes(from: i16, to: i16) -> Self {
        Self { from: WallTime::of_minute(from), to: WallTime::of_minute(to) }
    }
}

impl Content {
    /// Whether it may come some hours later. What is about somebody's security or money, what somebody is waiting for and what is due
    /// soon may not.
    #[must_use]
    pub const fn can_wait(&self) -> bool {
        matches!(
            self,
            Self::PriceFell(_)
                | Self::Relisted(_)
                | Self::SavedSearchDigest(_)
                | Self::StockLow(_)
                | Self::StockRecovered(_)
                | Self::ReportReady(_)
                | Self::InquiryReceived(_)
                | Self::UnreadMessages(_)
                | Self::ListingApproved(_)
                | Self::ListingRefused(_)
                | Self::ListingReinstated(_)
                | Self::OrgApproved(_)
                | Self::OrgRejected(_)
                | Self::Unsold(_)
                | Self::ReviewAsked(_)
                | Self::ReviewShown(_)
        )
    }
}
