//! Auctions of listings that moderators suspend.

use sqlx::PgConnection;

use super::view::view_query;
use crate::auctions::model::AuctionView;
use crate::ids::ListingId;

/// Locks the open auction of a listing, if there is one; before the listing's row, as everywhere.
pub(crate) async fn lock_open(conn: &mut PgConnection, listing: ListingId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT FROM auctions WHERE listing_id = $1 AND status IN ('scheduled', 'live') FOR NO KEY UPDATE",
        listing.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks the listing's open auction as suspended, or no longer so; returns the auction as everybody
/// would then see it.
pub(crate) async fn set_suspended(
    conn: &mut PgConnection,
    listing: ListingId,
    suspended: bool,
) -> Result<Option<AuctionView>, sqlx::Error> {
    let changed = view_query!(
        "UPDATE auctions AS a
         SET suspended = $2,
             version = version + 1
         WHERE listing_id = $1
           AND status IN ('scheduled', 'live')
         RETURNING",
        "",
        listing.0,
        suspended,
    )
    .fetch_optional(conn)
    .await?;
    Ok(changed.map(|row| row.into_view(None)))
}
