//! What the two sides do until one accepts.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::{OfferError, listed, may_trade};
use crate::ids::{ItemId, ListingId, OfferId, SiteId};
use crate::offers::model::{ANSWER_TERM, OfferStatus, Party, Proposal};
use crate::offers::rules::{Act, Standing, TermsRefusal, judge_act, judge_terms, judge_trade, other};
use crate::orders::model::Side;

/// An offer to make.
#[derive(Clone, Copy, Debug)]
pub struct NewOffer<'a> {
    pub listing: ListingId,
    /// Of what is wanted: what the seller has. Absent otherwise.
    pub item: Option<ItemId>,
    pub proposal: Proposal<'a>,
}

/// Proposes terms for a listing. Nothing is reserved. Needs a transaction.
pub async fn create(conn: &mut PgConnection, by: Party, new: NewOffer<'_>) -> Result<OfferId, OfferError> {
    let listed = listed(conn, new.listing).await?;
    judge_terms(&listed.goods, by.org, &new.proposal)?;
    let (side, lister) = (listed.goods.offerer(), listed.goods.lister);
    let (buyer, seller, item) = match (side, new.item) {
        (Side::Buyer, None) => (by.org, lister, listed.item),
        (Side::Seller, Some(item)) => (lister, by.org, item),
        (Side::Buyer, Some(_)) | (Side::Seller, None) => return Err(OfferError::Item),
    };
    // Nobody buys from the own organisation by way of another one, nor sells to it.
    refuse_sellers_people(conn, by, lister).await?;
    let id = OfferId::generate();
    sqlx::query!(
        "INSERT INTO offers
             (id, listing_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency, turn, expires_at,
              created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.0,
        new.listing.0,
        lister.0,
        by.org.0,
        buyer.0,
        seller.0,
        item.0,
        listed.goods.currency as Currency,
        other(side) as Side,
        listed.now + ANSWER_TERM,
        listed.now,
    )
    .execute(&mut *conn)
    .await?;
    insert_terms(conn, id, 1, side, by, &new.proposal).await?;
    Ok(id)
}

/// Goods that an organisation would give to another one, without a listing.
#[derive(Clone, Copy, Debug)]
pub struct NewTrade<'a> {
    /// Who is to get them.
    pub buyer: OrgId,
    pub item: ItemId,
    /// Where they are.
    pub site: SiteId,
    pub proposal: Proposal<'a>,
}

/// Proposes a trade. Nothing is reserved. Needs a transaction.
pub async fn propose(conn: &mut PgConnection, by: Party, new: NewTrade<'_>) -> Result<OfferId, OfferError> {
    if new.buyer == by.org {
        return Err(TermsRefusal::OwnListing.into());
    }
    if !may_trade(conn, new.buyer, by.org).await? {
        return Err(Invalid::new("/buyer_org_id", "there is no such organisation that may trade").into());
    }
    refuse_sellers_people(conn, by, new.buyer).await?;
    let (id, currency) = (OfferId::generate(), new.proposal.price.currency());
    sqlx::query!(
        "WITH clock AS (
             SELECT clock_timestamp() AS now
         )
         INSERT INTO offers
             (id, site_id, lister_org_id, offerer_org_id, buyer_org_id, seller_org_id, item_id, currency, turn, expires_at,
              created_at)
         SELECT $1, $2, $3, $4, $3, $4, $5, $6, 'buyer', clock.now + make_interval(secs => $7), clock.now
         FROM clock",
        id.0,
        new.site.0,
        new.buyer.0,
        by.org.0,
        new.item.0,
        currency as Currency,
        ANSWER_TERM.as_seconds_f64(),
    )
    .execute(&mut *conn)
    .await?;
    insert_terms(conn, id, 1, Side::Seller, by, &new.proposal).await?;
    Ok(id)
}

/// Refuses people who belong to both sides.
async fn refuse_sellers_people(conn: &mut PgConnection, by: Party, other: OrgId) -> Result<(), OfferError> {
    let both = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE org_id = $1 AND user_id = $2) AS "both!""#,
        other.0,
        by.user.0,
    )
    .fetch_one(conn)
    .await?;
    if both { Err(OfferError::SellersPeople) } else { Ok(()) }
}

async fn insert_terms(
    conn: &mut PgConnection,
    id: OfferId,
    version: i32,
    side: Side,
    by: Party,
    proposal: &Proposal<'_>,
) -> Result<(), OfferError> {
    sqlx::query!(
        "INSERT INTO offer_terms (offer_id, version, side, placed_by, unit_price_minor, quantity, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        version,
        side as Side,
        by.user.0,
        proposal.price.minor(),
        proposal.quantity,
        proposal.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An offer under its lock, and the side of the one who acts.
pub(super) struct Locked {
    /// Absent of a trade, which has a site.
    pub(super) listing: Option<ListingId>,
    pub(super) site: Option<SiteId>,
    pub(super) buyer: OrgId,
    pub(super) seller: OrgId,
    pub(super) item: ItemId,
    pub(super) currency: Currency,
    pub(super) side: Side,
    pub(super) standing: Standing,
}

impl Locked {
    /// The organisation that does not act.
    pub(super) const fn opposite(&self) -> OrgId {
        match self.side {
            Side::Buyer => self.seller,
            Side::Seller => self.buyer,
        }
    }
}

/// Locks an offer of which `org` is a party.
pub(super) async fn lock(conn: &mut PgConnection, org: OrgId, id: OfferId) -> Result<Locked, OfferError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM offers WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT listing_id AS "listing: ListingId", site_id AS "site: SiteId",
                  buyer_org_id AS "buyer: OrgId", seller_org_id AS "seller: OrgId",
                  item_id AS "item: ItemId", currency AS "currency: Currency", status AS "status: OfferStatus",
                  turn AS "turn: Side", version, expires_at, clock_timestamp() AS "now!"
           FROM offers
           WHERE id = $1
             AND $2 IN (buyer_org_id, seller_org_id)"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(OfferError::NotFound)?;
    Ok(Locked {
        listing: row.listing,
        site: row.site,
        buyer: row.buyer,
        seller: row.seller,
        item: row.item,
        currency: row.currency,
        side: if row.buyer == org { Side::Buyer } else { Side::Seller },
        standing: Standing {
            status: row.status,
            turn: row.turn,
            version: row.version,
            expires_at: row.expires_at,
            now: row.now,
        },
    })
}

/// Answers the terms of `version` with others. Needs a transaction.
pub async fn counter(
    conn: &mut PgConnection,
    by: Party,
    id: OfferId,
    version: i32,
    proposal: &Proposal<'_>,
) -> Result<(), OfferError> {
    let locked = lock(conn, by.org, id).await?;
    judge_act(Act::Counter, locked.side, version, &locked.standing)?;
    match locked.listing {
        Some(listing) => {
            let listed = listed(conn, listing).await?;
            let offerer = if listed.goods.lister == locked.buyer { locked.seller } else { locked.buyer };
            judge_terms(&listed.goods, offerer, proposal)?;
        }
        None => judge_trade(locked.currency, proposal)?,
    }
    refuse_sellers_people(conn, by, locked.opposite()).await?;
    let next = version + 1;
    insert_terms(conn, id, next, locked.side, by, proposal).await?;
    sqlx::query!(
        "UPDATE offers
         SET status = 'countered',
             turn = $2,
             version = $3,
             expires_at = $4
         WHERE id = $1",
        id.0,
        other(locked.side) as Side,
        next,
        locked.standing.now + ANSWER_TERM,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Refuses the terms of `version`. Needs a transaction.
pub async fn decline(conn: &mut PgConnection, by: Party, id: OfferId, version: i32) -> Result<(), OfferError> {
    let locked = lock(conn, by.org, id).await?;
    judge_act(Act::Decline, locked.side, version, &locked.standing)?;
    end(conn, id, OfferStatus::Declined).await
}

/// Takes the terms of `version` back. Needs a transaction.
pub async fn withdraw(conn: &mut PgConnection, by: Party, id: OfferId, version: i32) -> Result<(), OfferError> {
    let locked = lock(conn, by.org, id).await?;
    judge_act(Act::Withdraw, locked.side, version, &locked.standing)?;
    end(conn, id, OfferStatus::Withdrawn).await
}

pub(super) async fn end(conn: &mut PgConnection, id: OfferId, status: OfferStatus) -> Result<(), OfferError> {
    sqlx::query!(
        "UPDATE offers SET status = $2, ended_at = clock_timestamp() WHERE id = $1",
        id.0,
        status as OfferStatus,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What an attempt to expire an offer finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Ended {
        buyer: OrgId,
    },
    /// There is time to answer; both by the database's clock.
    NotYet {
        expires_at: DateTime<Utc>,
        now: DateTime<Utc>,
    },
    /// It has ended before.
    Nothing,
}

/// Ends an offer that nobody has answered in time. Needs a transaction.
pub async fn expire(conn: &mut PgConnection, id: OfferId) -> Result<Expiry, OfferError> {
    sqlx::query!("SELECT FROM offers WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let row = sqlx::query!(
        r#"SELECT status AS "status: OfferStatus", buyer_org_id AS "buyer: OrgId", expires_at, clock_timestamp() AS "now!"
           FROM offers
           WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    match row {
        Some(row) if row.status.is_open() && row.now < row.expires_at => {
            Ok(Expiry::NotYet { expires_at: row.expires_at, now: row.now })
        }
        Some(row) if row.status.is_open() => {
            end(conn, id, OfferStatus::Expired).await?;
            Ok(Expiry::Ended { buyer: row.buyer })
        }
        _ => Ok(Expiry::Nothing),
    }
}

/// Up to `limit` offers whose time to answer is over.
pub async fn overdue(conn: &mut PgConnection, limit: i64) -> Result<Vec<OfferId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: OfferId"
           FROM offers
           WHERE status IN ('open', 'countered')
             AND expires_at <= clock_timestamp()
           ORDER BY expires_at
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// What stands: the latest terms.
pub(super) async fn standing_terms(
    conn: &mut PgConnection,
    id: OfferId,
    locked: &Locked,
) -> Result<(Money, i64), OfferError> {
    let row = sqlx::query!(
        "SELECT unit_price_minor, quantity FROM offer_terms WHERE offer_id = $1 AND version = $2",
        id.0,
        locked.standing.version,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(OfferError::NotFound)?;
    Ok((Money::from_minor(row.unit_price_minor, locked.currency), row.quantity))
}
