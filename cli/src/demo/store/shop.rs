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

/// What is left of one of the shop's goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) sku: String,
    /// How many were put on offer, sold since or not.
    pub(crate) offered: i64,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) quarantined: i64,
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

    /// What is left of the goods of a shop that are on offer.
    pub(crate) async fn left(&mut self, shop: OrgId) -> sqlx::Result<Vec<Left>> {
        sqlx::query_as!(
            Left,
            "SELECT i.sku, l.quantity AS offered, s.on_hand, s.reserved, s.quarantined
             FROM items AS i
             JOIN stock_levels AS s ON s.item_id = i.id
             JOIN listings AS l ON l.item_id = i.id AND l.site_id = s.site_id
             WHERE i.org_id = $1",
            shop.0,
        )
        .fetch_all(&mut self.market)
        .await
    }
}
