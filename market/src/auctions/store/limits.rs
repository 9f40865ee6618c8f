//! The limits of bidders in sale events, as acts on their lots reserve and free them.

use std::collections::BTreeSet;

use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::AuctionError;
use super::lock::Locked;
use crate::auctions::rules::{Refused, Standing};
use crate::ids::AuctionId;
use crate::sale_events::rules::{Held, Limits, NotReserved};
use crate::sale_events::store::hold;

impl AuctionError {
    fn not_reserved(why: NotReserved, currency: Currency) -> Self {
        let refusal = match why {
            NotReserved::NotRegistered => Refused::NotRegistered,
            NotReserved::LimitExceeded { left } => Refused::LimitExceeded { left },
        };
        Self::Refused { refusal, currency }
    }
}

/// Locks the bidders that bids in these auctions concern: who bids, and for whom the lots hold something.
pub(super) async fn of_bids(conn: &mut PgConnection, all: &[Option<Locked>]) -> Result<Limits, sqlx::Error> {
    let mut concerned = BTreeSet::new();
    for locked in all.iter().flatten() {
        if let Some(lot) = &locked.event_lot {
            let orgs = [locked.actor.map(|actor| actor.org), lot.held.map(|held| held.org)];
            concerned.extend(orgs.into_iter().flatten().map(|org| (lot.event, org)));
        }
    }
    hold::limits(conn, &concerned).await
}

/// Locks whoever has bid in the auction, if it is a lot of an event: each of them may lead it when a better bid is taken back.
pub(super) async fn of_bidders(conn: &mut PgConnection, locked: &Locked) -> Result<Limits, sqlx::Error> {
    let Some(lot) = &locked.event_lot else { return Ok(Limits::default()) };
    let orgs =
        sqlx::query_scalar!(r#"SELECT DISTINCT org_id AS "org: OrgId" FROM bids WHERE auction_id = $1"#, locked.id.0,)
            .fetch_all(&mut *conn)
            .await?;
    hold::limits(conn, &orgs.into_iter().map(|org| (lot.event, org)).collect()).await
}

impl Locked {
    /// Reserves a bid's maximum if it leads; if it does not, it must be within the limit all the same.
    pub(super) fn reserve(
        &mut self,
        limits: &mut Limits,
        org: OrgId,
        maximum: Money,
        leads: bool,
    ) -> Result<(), AuctionError> {
        let Some(lot) = &mut self.event_lot else { return Ok(()) };
        let wanted = Held { org, minor: lot.committed(maximum) };
        let reserved = if leads {
            limits.hold(lot.event, &mut lot.held, Some(wanted))
        } else {
            limits.check(lot.event, lot.held, wanted)
        };
        reserved.map_err(|why| AuctionError::not_reserved(why, self.currency))
    }

    /// Reserves for whoever leads after a bid was taken back. `Err`: their limit is spoken for by now, so that they cannot.
    pub(super) fn reserve_again(&mut self, limits: &mut Limits, standing: Standing) -> Result<(), OrgId> {
        let currency = self.currency;
        let Some(lot) = &mut self.event_lot else { return Ok(()) };
        let wanted = standing.leader.map(|leader| {
            let maximum = Money::from_minor(leader.rank.amount.reveal(), currency);
            Held { org: leader.org, minor: lot.committed(maximum) }
        });
        match (limits.hold(lot.event, &mut lot.held, wanted), wanted) {
            (Err(_), Some(wanted)) => Err(wanted.org),
            _ => Ok(()),
        }
    }
}

/// Writes what lots of events hold after what was decided.
pub(super) async fn write<'a>(
    conn: &mut PgConnection,
    decided: impl Iterator<Item = &'a Locked>,
) -> Result<(), sqlx::Error> {
    let held: Vec<(AuctionId, Option<Held>)> =
        decided.filter_map(|locked| Some((locked.id, locked.event_lot.as_ref()?.held))).collect();
    hold::write(conn, held.into_iter()).await
}

/// Locks the bidder for whom the lot holds something, before anything that comes later in the order of locks.
pub(super) async fn guard(conn: &mut PgConnection, locked: &Locked) -> Result<(), sqlx::Error> {
    if let Some(lot) = &locked.event_lot
        && let Some(held) = lot.held
    {
        hold::limits(conn, &BTreeSet::from([(lot.event, held.org)])).await?;
    }
    Ok(())
}

/// Holds what somebody pays for the lot instead of what it holds.
pub(super) async fn keep(
    conn: &mut PgConnection,
    locked: &Locked,
    org: OrgId,
    amount: Money,
) -> Result<(), AuctionError> {
    settle(conn, &[(locked, Some((org, amount)))]).await
}

/// Holds nothing any more: nobody gets the lot.
pub(super) async fn free(conn: &mut PgConnection, locked: &Locked) -> Result<(), AuctionError> {
    settle(conn, &[(locked, None)]).await
}

/// [`keep`] for lots that somebody pays for, and [`free`] for the others: all their bidders are locked at once, in one order.
pub(super) async fn settle(
    conn: &mut PgConnection,
    lots: &[(&Locked, Option<(OrgId, Money)>)],
) -> Result<(), AuctionError> {
    let lots = lots.iter().filter_map(|(locked, paid)| {
        let lot = locked.event_lot.as_ref()?;
        Some((*locked, lot, paid.map(|(org, amount)| Held { org, minor: lot.committed(amount) })))
    });
    let lots: Vec<_> = lots.collect();
    let concerned = lots
        .iter()
        .flat_map(|(_, lot, wanted)| lot.held.into_iter().chain(*wanted).map(move |held| (lot.event, held.org)))
        .collect();
    let mut limits = hold::limits(conn, &concerned).await?;
    let mut changed = Vec::with_capacity(lots.len());
    for (locked, lot, wanted) in lots {
        let mut held = lot.held;
        limits.hold(lot.event, &mut held, wanted).map_err(|why| AuctionError::not_reserved(why, locked.currency))?;
        if held != lot.held {
            changed.push((locked.id, held));
        }
    }
    Ok(hold::write(conn, changed.into_iter()).await?)
}
