//! What the shop has.

use market::ids::{ItemId, ListingId, SiteId};
use shared::ids::OrgId;

use super::Stored;

/// One of the shop's goods.
#[derive(Clone, Debug)]
pub(crate) struct Stocked {
    pub(crate) sku: String,
    pub(crate) item: ItemId,
    pub(crate) site: SiteId,
    pub(crate) listing: Option<ListingId>,
}

impl Stored {
    /// The goods of a shop that are counted in.
    pub(crate) async fn stocked(&mut self, shop: OrgId) -> sqlx::Result<Vec<Stocked>> {
        sqlx::query_as!(
            Stocked,
            r#"SELECT i.sku, i.id AS "item: ItemId", s.site_id AS "site: SiteId", l.id AS "listing?: ListingId"
               FROM items AS i
               JOIN stock_levels AS s ON s.item_id = i.id
               LEFT JOIN listings AS l ON l.item_id = i.id
               WHERE i.org_id = $1
               ORDER BY i.sku"#,
            shop.0,
        )
        .fetch_all(&mut self.market)
        .await
    }
}
