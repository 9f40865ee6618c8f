//! Buying the lot at once.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::lock::lock;
use super::settle::{self, AwardSource, Share};
use super::{AuctionError, limits};
use crate::auctions::model::{AuctionStatus, Closed, Participant};
use crate::auctions::rules::decide_buy_now;
use crate::ids::AuctionId;
use crate::listings::model::ListingStatus;

/// Sells the lot at its buy-now price and ends the auction. If a bid comes at the same moment, the
/// one that gets the lock first wins and the other is refused.
pub async fn buy_now(
    conn: &mut PgConnection,
    auction: AuctionId,
    org: OrgId,
    user: UserId,
) -> Result<Closed, AuctionError> {
    let locked = lock(conn, auction, Some(Participant { org, user })).await?.ok_or(AuctionError::NotFound)?;
    let buyer = locked.actor.ok_or(AuctionError::NotFound)?;
    let price = decide_buy_now(&locked.state, buyer, locked.now)
        .map_err(|refusal| AuctionError::Refused { refusal, currency: locked.currency })?;
    let goods = settle::goods(conn, &locked).await?;
    let share = Share {
        winner: Participant { org, user },
        bid: None,
        source: AwardSource::BuyNow,
        quantity: locked.quantity,
        unit_price: None,
        amount: locked.money(price),
    };
    limits::keep(conn, &locked, org, share.amount).await?;
    let (awards, orders) = settle::awards(conn, &locked, &goods, &[share]).await?;
    let ended = settle::end(conn, &locked, AuctionStatus::Awarded, ListingStatus::SoldOut).await?;
    settle::pass_on(conn, &locked, &goods, &awards).await?;
    Ok(Closed {
        auction: ended.into_view(Some(org)),
        title: goods.title,
        seller: goods.seller,
        awards,
        orders,
        closed_at: locked.now,
    })
}
