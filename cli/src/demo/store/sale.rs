//! How far the sale event has got.

use shared::ids::OrgId;

use super::{Stored, unsigned};

/// The lots of a seller's sale event, once it is published, and what is wrong with its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SaleLots {
    pub(crate) open: u64,
    pub(crate) closed: u64,
    /// Bidders of whom more is reserved than their limit, or not what the lots hold.
    pub(crate) exceeded: u64,
}

impl SaleLots {
    pub(crate) const fn is_published(self) -> bool {
        self.open + self.closed > 0
    }
}

impl Stored {
    /// The sale event of this seller; nothing when there is none.
    pub(crate) async fn sale_lots(&mut self, seller: Option<OrgId>) -> sqlx::Result<SaleLots> {
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE a.closed_at IS NULL) AS "open!",
                      count(*) FILTER (WHERE a.closed_at IS NOT NULL) AS "closed!",
                      (SELECT count(*)
                       FROM sale_event_bidders AS b
                       WHERE b.seller_org_id = $1
                         AND (b.reserved_minor > b.limit_minor
                              OR b.reserved_minor <> (SELECT coalesce(sum(h.held_minor), 0)
                                                      FROM sale_event_lots AS h
                                                      WHERE h.event_id = b.event_id AND h.held_org_id = b.org_id))) AS "exceeded!"
               FROM sale_event_lots AS l
               JOIN auctions AS a ON a.id = l.auction_id
               WHERE l.seller_org_id = $1"#,
            seller.map(|seller| seller.0),
        )
        .fetch_one(&mut self.market)
        .await?;
        Ok(SaleLots { open: unsigned(row.open), closed: unsigned(row.closed), exceeded: unsigned(row.exceeded) })
    }
}
