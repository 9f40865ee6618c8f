//! SQL for offers.
//!
//! Locks: the offer, then what a checkout locks. The clock is read after the offer's lock.
//!
//! How to get this wrong: to accept by the terms that the caller has sent. What is accepted is read under the lock, and its version
//! compared with the one that the caller has seen.

mod accept;
mod act;
mod read;

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};
use shared::money::{Currency, MoneyError};
use sqlx::PgConnection;

use super::rules::{ActRefusal, Goods, TermsRefusal};
use crate::ids::ListingId;
use crate::listings::model::{ListingStatus, SaleMode};
use crate::orders::store::OrderError;
use crate::stock::store::StockError;

pub use accept::{Accepted, accept};
pub use act::{Expiry, NewOffer, NewTrade, counter, create, decline, expire, overdue, propose, withdraw};
pub use read::{of_party, offer};

/// Why an act is refused.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    #[error("there is no such offer")]
    NotFound,
    #[error(transparent)]
    Act(#[from] ActRefusal),
    #[error(transparent)]
    Terms(#[from] TermsRefusal),
    #[error("there is an open offer of this organisation on the listing: answer that one")]
    AlreadyOpen,
    #[error("there is an open trade of this item at this site with that organisation: answer that one, or withdraw it")]
    TradeOpen,
    #[error("people of the selling organisation do not buy from it")]
    SellersPeople,
    /// Of what is wanted, the seller names an item.
    #[error("an answer to what is wanted names an item of the seller's, any other offer does not")]
    Item,
    #[error("only {0} are available")]
    OutOfStock(i64),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Order(OrderError),
    #[error(transparent)]
    Stock(StockError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("offers_of_sellers_item", "/item_id", "the organisation has no such item"),
    ("offers_from_sellers_site", "/site_id", "the organisation has no such site"),
    ("offers_per_day", "", "the organisation has made 500 offers within a day"),
    ("offer_terms_price_range", "/price", "must be above zero and not absurd"),
    ("offer_terms_quantity_range", "/quantity", "must lie between 1 and 1000000000"),
    ("offer_terms_note_length", "/note", "must have 1 to 1000 characters"),
];

impl From<sqlx::Error> for OfferError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("offers_one_open") => return Self::AlreadyOpen,
            Some("offers_one_open_trade") => return Self::TradeOpen,
            Some("orders_not_by_sellers_people") => return Self::SellersPeople,
            _ => {}
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// A listing as offers see it, and the time.
pub(super) struct Listed {
    pub(super) goods: Goods,
    pub(super) item: crate::ids::ItemId,
    pub(super) title: String,
    pub(super) now: DateTime<Utc>,
}

/// Reads a listing; whoever needs it to stay as it is has locked it.
pub(super) async fn listed(conn: &mut PgConnection, id: ListingId) -> Result<Listed, OfferError> {
    let row = sqlx::query!(
        r#"SELECT l.seller_org_id AS "lister: OrgId", o.status = 'approved' AS "lister_trades!",
                  l.status AS "status: ListingStatus", l.sale_mode AS "sale_mode: SaleMode", l.takes_offers,
                  l.currency AS "currency: Currency", l.min_quantity, l.quantity, l.title,
                  l.item_id AS "item: crate::ids::ItemId", clock_timestamp() AS "now!"
           FROM listings AS l
           JOIN orgs AS o ON o.id = l.seller_org_id
           WHERE l.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(TermsRefusal::NotOnOffer)?;
    Ok(Listed {
        goods: Goods {
            lister: row.lister,
            lister_trades: row.lister_trades,
            status: row.status,
            sale_mode: row.sale_mode,
            takes_offers: row.takes_offers,
            currency: row.currency,
            min_quantity: row.min_quantity,
            quantity: row.quantity,
        },
        item: row.item,
        title: row.title,
        now: row.now,
    })
}

/// Whether both organisations exist and may trade.
pub(super) async fn may_trade(conn: &mut PgConnection, one: OrgId, other: OrgId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) = 2 AS "both!" FROM orgs WHERE id IN ($1, $2) AND status = 'approved'"#,
        one.0,
        other.0,
    )
    .fetch_one(conn)
    .await
}

#[cfg(test)]
mod tests;
