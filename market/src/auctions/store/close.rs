//! Opening, closing and cancelling, and finding what is due.

use std::collections::HashSet;

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::lock::{Locked, Wait, lock, lock_all};
use super::settle::{self, AwardSource, End, Goods, Sale, Share};
use super::view::view_query;
use super::{AuctionError, approval, limits};
use crate::auctions::model::{AuctionStatus, AuctionView, CloseOutcome, Closed, OpenOutcome, Participant};
use crate::auctions::rules::{
    Closing, KeptOpen, NotCancelled, NotOpened, Offer, decide_cancel, decide_close, decide_open,
};
use crate::ids::AuctionId;
use crate::listings::model::ListingStatus;
use crate::stock::store::{self as stock, Kept};

/// Closes the auction once its end has passed: awarded with orders, unsold, left to the seller's approval, or cancelled because
/// the seller or the listing is suspended. A second call finds it closed.
pub async fn close(conn: &mut PgConnection, auction: AuctionId) -> Result<CloseOutcome, AuctionError> {
    let mut tried = try_all(conn, &[auction], Wait::UntilFree).await?;
    tried.pop().flatten().ok_or(AuctionError::NotFound)
}

/// [`close`] for several auctions, in as many statements as for one. `None`: the auction is to be closed by itself, since somebody holds
/// it, there is none, it was named before, or its lot is kept in stock, whose levels are locked in an order of their own. On [`Err`]
/// nothing of them all may stay.
pub async fn close_all(
    conn: &mut PgConnection,
    auctions: &[AuctionId],
) -> Result<Vec<Option<CloseOutcome>>, AuctionError> {
    try_all(conn, auctions, Wait::Never).await
}

async fn try_all(
    conn: &mut PgConnection,
    auctions: &[AuctionId],
    wait: Wait,
) -> Result<Vec<Option<CloseOutcome>>, AuctionError> {
    let asked: Vec<_> = auctions.iter().map(|auction| (*auction, None)).collect();
    let all = lock_all(conn, &asked, wait).await?;
    let mut outcomes: Vec<Option<CloseOutcome>> = auctions.iter().map(|_| None).collect();
    let (mut decided, mut named) = (Vec::with_capacity(all.len()), HashSet::with_capacity(all.len()));
    for (place, locked) in all.into_iter().enumerate() {
        let Some(locked) = locked.filter(|locked| named.insert(locked.id)) else { continue };
        match decide_close(&locked.state, locked.now) {
            Ok(closing) => decided.push((place, locked, closing)),
            Err(KeptOpen::NotYet { ends_at }) => {
                outcomes[place] = Some(CloseOutcome::NotYet { ends_at, now: locked.now });
            }
            Err(KeptOpen::Already(status)) => outcomes[place] = Some(CloseOutcome::Already(status)),
        }
    }
    for (place, outcome) in end(conn, decided, auctions.len() > 1).await? {
        outcomes[place] = Some(outcome);
    }
    Ok(outcomes)
}

/// A locked auction that ends now.
struct Ending {
    place: usize,
    locked: Locked,
    closing: Closing,
    goods: Goods,
    shares: Vec<Share>,
}

impl Ending {
    /// What becomes of the auction, and of its listing.
    fn statuses(&self) -> (AuctionStatus, ListingStatus) {
        let given: i64 = self.shares.iter().map(|share| share.quantity).sum();
        match (&self.closing, given) {
            (Closing::Cancelled, _) => (AuctionStatus::Cancelled, ListingStatus::Withdrawn),
            (Closing::OnApproval { .. }, _) => (AuctionStatus::OnApproval, ListingStatus::SoldOut),
            (_, 0) => (AuctionStatus::Unsold, ListingStatus::Ended),
            (_, given) if given == self.locked.quantity => (AuctionStatus::Awarded, ListingStatus::SoldOut),
            _ => (AuctionStatus::Awarded, ListingStatus::Ended),
        }
    }

    /// The bid that the seller decides about.
    fn on_approval(&self) -> Option<(Offer, i64)> {
        match self.closing {
            Closing::OnApproval { bidder, price } => Some((bidder, price)),
            _ => None,
        }
    }
}

/// Ends auctions as it was decided. Among `several`, those that are kept in stock are left out.
async fn end(
    conn: &mut PgConnection,
    decided: Vec<(usize, Locked, Closing)>,
    several: bool,
) -> Result<Vec<(usize, CloseOutcome)>, AuctionError> {
    if decided.is_empty() {
        return Ok(Vec::new());
    }
    let lots: Vec<_> = decided.iter().map(|(_, locked, _)| locked).collect();
    let goods = settle::goods_of(conn, &lots).await?;
    let mut endings = Vec::with_capacity(decided.len());
    for ((place, locked, closing), goods) in decided.into_iter().zip(goods) {
        if !(several && goods.are_stocked()) {
            let shares = shares(&locked, &goods, &closing)?;
            endings.push(Ending { place, locked, closing, goods, shares });
        }
    }
    // What is on approval holds what it held. A lot of an event is one share.
    let settled = endings.iter().filter(|ending| ending.on_approval().is_none()).map(|ending| {
        let share = ending.shares.first();
        (&ending.locked, share.map(|share| (share.winner.org, share.amount)))
    });
    limits::settle(conn, &settled.collect::<Vec<_>>()).await?;
    let sales = endings.iter().map(|Ending { locked, goods, shares, .. }| Sale { locked, goods, shares });
    let awarded = settle::awards_of(conn, &sales.collect::<Vec<_>>()).await?;
    let ends = endings.iter().map(|ending| {
        let (auction, listing) = ending.statuses();
        End { locked: &ending.locked, auction, listing }
    });
    let ended = settle::end_all(conn, &ends.collect::<Vec<_>>()).await?;
    let asked = endings.iter().filter_map(|ending| Some((&ending.locked, ending.on_approval()?.1)));
    approval::ask(conn, &asked.collect::<Vec<_>>()).await?;
    let mut outcomes = Vec::with_capacity(endings.len());
    for ((ending, (awards, orders)), row) in endings.into_iter().zip(awarded).zip(ended) {
        let place = ending.place;
        let auction = row.into_view(None);
        let outcome = if let Some((bidder, price)) = ending.on_approval() {
            let asked = approval::asked(&ending.locked, ending.goods, bidder.org, price, auction)?;
            CloseOutcome::OnApproval(Box::new(asked))
        } else {
            settle::pass_on(conn, &ending.locked, &ending.goods, &awards).await?;
            let Ending { goods: Goods { title, seller, .. }, locked, .. } = ending;
            let closed_at = locked.now;
            CloseOutcome::Closed(Box::new(Closed { auction, title, seller, awards, orders, closed_at }))
        };
        outcomes.push((place, outcome));
    }
    Ok(outcomes)
}

/// What the rules decided, with the people and bids behind it.
fn shares(locked: &Locked, goods: &Goods, closing: &Closing) -> Result<Vec<Share>, AuctionError> {
    match closing {
        // Nobody has won: what is on approval was left to the seller before this.
        Closing::OnApproval { .. } | Closing::Unsold | Closing::Cancelled => Ok(Vec::new()),
        Closing::Awarded { winner, price } => {
            let user = goods.leader.ok_or(sqlx::Error::RowNotFound)?;
            Ok(vec![Share {
                winner: Participant { org: winner.org, user },
                bid: locked.leader_bid,
                source: AwardSource::Bid,
                quantity: locked.quantity,
                unit_price: None,
                amount: locked.money(*price),
            }])
        }
        Closing::Allocated(allocations) => {
            let mut shares = Vec::with_capacity(allocations.len());
            for allocation in allocations {
                let (bid, winner) = locked.owner(allocation.bid.seq).ok_or(sqlx::Error::RowNotFound)?;
                let unit_price = locked.money(allocation.bid.price);
                let amount = unit_price.checked_mul(allocation.quantity).map_err(super::OrderError::from)?;
                shares.push(Share {
                    winner,
                    bid: Some(bid),
                    source: AwardSource::Bid,
                    quantity: allocation.quantity,
                    unit_price: Some(unit_price),
                    amount,
                });
            }
            Ok(shares)
        }
    }
}

/// Opens a scheduled auction whose start has come.
pub async fn open(conn: &mut PgConnection, auction: AuctionId) -> Result<OpenOutcome, AuctionError> {
    let locked = lock(conn, auction, None).await?.ok_or(AuctionError::NotFound)?;
    match decide_open(&locked.state, locked.now) {
        Ok(()) => {}
        Err(NotOpened::NotYet { starts_at }) => return Ok(OpenOutcome::NotYet { starts_at, now: locked.now }),
        Err(NotOpened::Already(status)) => return Ok(OpenOutcome::Already(status)),
    }
    let opened = view_query!(
        "UPDATE auctions AS a
         SET status = 'live',
             version = version + 1
         WHERE id = $1
           AND status = 'scheduled'
         RETURNING",
        "",
        auction.0,
    )
    .fetch_one(conn)
    .await?;
    Ok(OpenOutcome::Opened(Box::new(opened.into_view(None))))
}

/// Cancels an open auction, withdraws its listing and writes that to the audit log; returns the
/// auction as everybody then sees it. `seller` may do so while no bid stands; [`None`] is a
/// moderator, who may at any time. Needs a transaction.
pub async fn cancel(
    conn: &mut PgConnection,
    actor: Actor,
    auction: AuctionId,
    seller: Option<OrgId>,
) -> Result<AuctionView, AuctionError> {
    let locked = lock(conn, auction, None).await?.ok_or(AuctionError::NotFound)?;
    decide_cancel(&locked.state, seller, locked.now).map_err(|refused| match refused {
        NotCancelled::OfAnother => AuctionError::NotFound,
        NotCancelled::TooLate => AuctionError::NotCancellable,
    })?;
    limits::free(conn, &locked).await?;
    let ended = settle::end(conn, &locked, AuctionStatus::Cancelled, ListingStatus::Withdrawn).await?;
    stock::free(conn, Kept::OfAuction(auction)).await?;
    let subject = ("auction", auction.to_string());
    let data = json!({"seller": locked.state.terms.seller, "by_seller": seller.is_some()});
    audit::append(conn, audit::Entry { actor, action: "auction.cancel", subject, data }).await?;
    Ok(ended.into_view(None))
}

/// Open auctions whose end passed more than two seconds ago, the longest overdue first. Until then
/// they are left to the exact timer. The close decides under the lock what to do.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<AuctionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AuctionId"
           FROM auctions
           WHERE status IN ('scheduled', 'live')
             AND ends_at <= clock_timestamp() - interval '2 seconds'
           ORDER BY ends_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Scheduled auctions whose start came more than two seconds ago.
pub async fn due_to_open(conn: &mut PgConnection, limit: i64) -> Result<Vec<AuctionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AuctionId"
           FROM auctions
           WHERE status = 'scheduled'
             AND starts_at <= clock_timestamp() - interval '2 seconds'
           ORDER BY starts_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}
