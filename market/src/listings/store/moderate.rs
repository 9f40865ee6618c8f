//! What moderators do to listings. The audit entry is written with the act.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use sqlx::PgConnection;

use super::{ListingError, listing, listings};
use crate::auctions::model::AuctionView;
use crate::auctions::store as auctions;
use crate::ids::ListingId;
use crate::listings::model::{Listing, ListingStatus};

/// What a moderator decides about a listing. Reasons are for the seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Shows what waited for a moderator.
    Approve,
    /// Sends it back to its seller, as a draft.
    Refuse(&'a str),
    /// Hides a published listing. Its auction's time runs on, but it takes no bids and is cancelled
    /// if it ends in the meantime.
    Suspend(&'a str),
    /// Shows a suspended listing again. Its auction takes bids again; the lost time is not made up.
    Reinstate,
}

impl Decision<'_> {
    const fn moves(self) -> (ListingStatus, ListingStatus) {
        match self {
            Self::Approve => (ListingStatus::InReview, ListingStatus::Published),
            Self::Refuse(_) => (ListingStatus::InReview, ListingStatus::Draft),
            Self::Suspend(_) => (ListingStatus::Published, ListingStatus::Suspended),
            Self::Reinstate => (ListingStatus::Suspended, ListingStatus::Published),
        }
    }

    const fn action(self) -> &'static str {
        match self {
            Self::Approve => "listing.approve",
            Self::Refuse(_) => "listing.refuse",
            Self::Suspend(_) => "listing.suspend",
            Self::Reinstate => "listing.reinstate",
        }
    }

    const fn reason(&self) -> Option<&str> {
        match self {
            Self::Refuse(reason) | Self::Suspend(reason) => Some(reason),
            Self::Approve | Self::Reinstate => None,
        }
    }
}

/// A listing that a moderator has decided about, and its running auction, if there is one.
#[derive(Clone, Debug)]
pub struct Moderated {
    pub listing: Listing,
    pub auction: Option<AuctionView>,
    /// The number of the act in the audit log, which is not the place of its entry.
    pub act: i64,
}

/// Carries out a moderator's decision.
pub async fn decide(
    conn: &mut PgConnection,
    actor: Actor,
    id: ListingId,
    decision: Decision<'_>,
) -> Result<Moderated, ListingError> {
    let (from, to) = decision.moves();
    let reason = decision.reason();
    auctions::lock_open(conn, id).await?;
    let done = sqlx::query!(
        "UPDATE listings
         SET status = $2,
             status_reason = $4,
             published_at = CASE WHEN $2 = 'published' THEN coalesce(published_at, clock_timestamp()) ELSE published_at END,
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
    let auction = auctions::set_suspended(conn, id, matches!(decision, Decision::Suspend(_))).await?;
    let data =
        json!({"seller": now.seller_org_id, "auction": auction.as_ref().map(|auction| auction.id), "reason": reason});
    let subject = ("listing", id.to_string());
    let act = audit::append(conn, audit::Entry { actor, action: decision.action(), subject, data }).await?;
    Ok(Moderated { listing: now, auction, act })
}

/// Listings that wait for a moderator, those that have waited longest first, after the time and id
/// `after`.
pub async fn in_review(
    conn: &mut PgConnection,
    after: Option<(DateTime<Utc>, ListingId)>,
    limit: i64,
) -> Result<Vec<Listing>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id AS "id: ListingId"
           FROM listings
           WHERE status = 'in_review'
             AND ($1::timestamptz IS NULL OR (submitted_at, id) > ($1, $2))
           ORDER BY submitted_at, id
           LIMIT $3"#,
        after.map(|(at, _)| at),
        after.map(|(_, id)| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    listings(conn, &ids).await
}
