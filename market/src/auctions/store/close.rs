//! Opening, closing and cancelling, and finding what is due.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::lock::{Locked, lock};
use super::settle::{self, AwardSource, Goods, Share};
use super::view::view_query;
use super::{AuctionError, approval};
use crate::auctions::model::{AuctionStatus, AuctionView, CloseOutcome, Closed, OpenOutcome, Participant};
use crate::auctions::rules::{Closing, KeptOpen, NotCancelled, NotOpened, decide_cancel, decide_close, decide_open};
use crate::ids::AuctionId;
use crate::listings::model::ListingStatus;
use crate::stock::store::{self as stock, Kept};

/// Closes the auction once its end has passed: awarded with orders, unsold, left to the seller's approval, or cancelled because
/// the seller or the listing is suspended. A second call finds it closed.
pub async fn close(conn: &mut PgConnection, auction: AuctionId) -> Result<CloseOutcome, AuctionError> {
    let locked = lock(conn, auction, None).await?.ok_or(AuctionError::NotFound)?;
    let closing = match decide_close(&locked.state, locked.now) {
        Ok(closing) => closing,
        Err(KeptOpen::NotYet { ends_at }) => return Ok(CloseOutcome::NotYet { ends_at, now: locked.now }),
        Err(KeptOpen::Already(status)) => return Ok(CloseOutcome::Already(status)),
    };
    if let Closing::OnApproval { bidder, price } = closing {
        return Ok(CloseOutcome::OnApproval(Box::new(approval::ask(conn, &locked, bidder, price).await?)));
    }
    let goods = settle::goods(conn, &locked).await?;
    let cancelled = closing == Closing::Cancelled;
    let shares = shares(&locked, &goods, closing)?;
    let (awards, orders) = settle::awards(conn, &locked, &goods, &shares).await?;
    let given: i64 = shares.iter().map(|share| share.quantity).sum();
    let (status, listing) = match given {
        _ if cancelled => (AuctionStatus::Cancelled, ListingStatus::Withdrawn),
        0 => (AuctionStatus::Unsold, ListingStatus::Ended),
        given if given == locked.quantity => (AuctionStatus::Awarded, ListingStatus::SoldOut),
        _ => (AuctionStatus::Awarded, ListingStatus::Ended),
    };
    let ended = settle::end(conn, &locked, status, listing).await?;
    settle::pass_on(conn, &locked, &goods, &awards).await?;
    Ok(CloseOutcome::Closed(Box::new(Closed {
        auction: ended.into_view(None),
        title: goods.title,
        seller: goods.seller,
        awards,
        orders,
        closed_at: locked.now,
    })))
}

/// What the rules decided, with the people and bids behind it.
fn shares(locked: &Locked, goods: &Goods, closing: Closing) -> Result<Vec<Share>, AuctionError> {
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
                amount: locked.money(price),
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
