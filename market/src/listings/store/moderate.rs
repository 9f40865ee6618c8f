//! What moderators do to listings. The audit entry is written with the act.

use serde_json::json;
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::{ListingError, listing};
use crate::auctions::model::AuctionView;
use crate::auctions::store as auctions;
use crate::ids::ListingId;
use crate::listings::model::{Listing, ListingStatus};

/// A listing that a moderator has decided about, and its running auction, if there is one.
#[derive(Clone, Debug)]
pub struct Moderated {
    pub listing: Listing,
    pub auction: Option<AuctionView>,
    /// The number of the audit entry.
    pub entry: i64,
}

/// Hides a published listing. Its auction's time runs on, but it takes no bids and is cancelled if
/// it ends in the meantime. `reason` is for the seller.
pub async fn suspend(
    conn: &mut PgConnection,
    actor: Actor,
    id: ListingId,
    reason: &str,
) -> Result<Moderated, ListingError> {
    decide(conn, actor, id, Some(reason)).await
}

/// Shows a suspended listing again. Its auction takes bids again; the lost time is not made up.
pub async fn reinstate(conn: &mut PgConnection, actor: Actor, id: ListingId) -> Result<Moderated, ListingError> {
    decide(conn, actor, id, None).await
}

async fn decide(
    conn: &mut PgConnection,
    actor: Actor,
    id: ListingId,
    reason: Option<&str>,
) -> Result<Moderated, ListingError> {
    let (from, to, action) = match reason {
        Some(_) => (ListingStatus::Published, ListingStatus::Suspended, "listing.suspend"),
        None => (ListingStatus::Suspended, ListingStatus::Published, "listing.reinstate"),
    };
    auctions::lock_open(conn, id).await?;
    let done = sqlx::query!(
        "UPDATE listings
         SET status = $2,
             status_reason = $4,
             updated_at = clock_timestamp()
         WHERE id = $1
           AND status = $3",
        id.0,
        to as ListingStatus,
        from as ListingStatus,
        reason,
    )
    .execute(&mut *conn)
    .await?;
    let now = listing(conn, id).await?.ok_or(ListingError::NotFound)?;
    if done.rows_affected() != 1 {
        return Err(ListingError::WrongStatus(now.status));
    }
    // An auction created while this waited for the listing is caught here.
    let auction = auctions::set_suspended(conn, id, reason.is_some()).await?;
    let data =
        json!({"seller": now.seller_org_id, "auction": auction.as_ref().map(|auction| auction.id), "reason": reason});
    let subject = ("listing", id.to_string());
    let entry = audit::append(conn, audit::Entry { actor, action, subject, data }).await?;
    Ok(Moderated { listing: now, auction, entry })
}
