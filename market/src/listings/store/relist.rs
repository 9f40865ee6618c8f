//! Lots that are listed again.

use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use super::{ListingError, lock_own};
use crate::ids::ListingId;
use crate::images::store as images;
use crate::listings::model::ListingStatus;

/// Drafts what `seller` did not sell once more: the same item, terms and pictures in a new listing.
pub async fn relist(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    id: ListingId,
) -> Result<ListingId, ListingError> {
    let over = lock_own(conn, seller, id).await?;
    let was_shown = over.published_at.is_some();
    if !was_shown || !matches!(over.status, ListingStatus::Ended | ListingStatus::Withdrawn) {
        return Err(ListingError::WrongStatus(over.status));
    }
    let again = ListingId::generate();
    sqlx::query!(
        "INSERT INTO listings
             (id, seller_org_id, item_id, created_by, title, description, language, sale_mode, currency, price_minor,
              quantity, min_quantity, delivery_options, site_id, takes_offers, relist_of)
         SELECT $2, seller_org_id, item_id, $3, title, description, language, sale_mode, currency, price_minor,
                quantity, min_quantity, delivery_options, site_id, takes_offers, id
         FROM listings
         WHERE id = $1",
        id.0,
        again.0,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    images::copy(conn, id, again).await?;
    Ok(again)
}
