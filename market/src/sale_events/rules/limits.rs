//! What a bidder's limit leaves. A lot holds an amount for one organisation at most: for its leader the secret maximum, for whoever has
//! won or bought it what was awarded, each with the buyer's premium.
//!
//! How to get this wrong:
//! - To judge by an account that is not locked: two lots at once would both see the same amount free.
//! - To let somebody lead again because a better bid was taken back, without asking what their limit leaves by then.
//! - To show what is reserved to anybody but the bidder: it follows from secret maxima.

use std::collections::HashMap;

use shared::ids::OrgId;

use crate::ids::SaleEventId;

/// What a lot holds of a bidder's limit, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub org: OrgId,
    pub minor: i64,
}

/// A bidder of an event as its locked row has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Absent: not approved.
    pub limit: Option<i64>,
    /// The sum of what the event's lots hold.
    pub reserved: i64,
}

/// Why nothing is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReserved {
    #[error("the organisation is not approved as a bidder of this sale event")]
    NotRegistered,
    /// In minor units, for this lot.
    #[error("the limit of this sale event leaves less")]
    LimitExceeded { left: i64 },
}

/// The accounts that a transaction has locked, by event and organisation, as it leaves them.
#[derive(Clone, Debug, Default)]
pub struct Limits(HashMap<(SaleEventId, OrgId), Account>);

impl Limits {
    pub fn insert(&mut self, event: SaleEventId, org: OrgId, account: Account) {
        self.0.insert((event, org), account);
    }

    /// Whether the limit of `wanted.org` allows `wanted.minor` in a lot that holds `held`; what it holds for the same organisation is
    /// free for that.
    pub fn check(&self, event: SaleEventId, held: Option<Held>, wanted: Held) -> Result<(), NotReserved> {
        let account = self.0.get(&(event, wanted.org)).ok_or(NotReserved::NotRegistered)?;
        let limit = account.limit.ok_or(NotReserved::NotRegistered)?;
        let here = held.filter(|held| held.org == wanted.org).map_or(0, |held| held.minor);
        let left = limit - account.reserved + here;
        if wanted.minor <= left { Ok(()) } else { Err(NotReserved::LimitExceeded { left }) }
    }

    /// Lets a lot hold `wanted` instead of what it holds. On [`Err`] nothing has changed.
    pub fn hold(
        &mut self,
        event: SaleEventId,
        held: &mut Option<Held>,
        wanted: Option<Held>,
    ) -> Result<(), NotReserved> {
        if let Some(wanted) = wanted {
            self.check(event, *held, wanted)?;
        }
        if let Some(before) = held.take()
            && let Some(account) = self.0.get_mut(&(event, before.org))
        {
            account.reserved -= before.minor;
        }
        if let Some(wanted) = wanted
            && let Some(account) = self.0.get_mut(&(event, wanted.org))
        {
            account.reserved += wanted.minor;
        }
        *held = wanted;
        Ok(())
    }
}
