//! Offers as their parties see them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{CheckoutId, ItemId, ListingId, OfferId, OrderId, SiteId};
use crate::offers::model::{Offer, OfferStatus, Terms};
use crate::orders::model::Side;

struct Row {
    id: OfferId,
    listing_id: Option<ListingId>,
    site_id: Option<SiteId>,
    title: String,
    item_id: ItemId,
    buyer_org_id: OrgId,
    buyer_name: String,
    seller_org_id: OrgId,
    seller_name: String,
    status: OfferStatus,
    turn: Side,
    version: i32,
    expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    order: Option<OrderId>,
    checkout: Option<CheckoutId>,
}

/// The offer, if `party` is its buyer or its seller.
pub async fn offer(conn: &mut PgConnection, party: OrgId, id: OfferId) -> Result<Option<Offer>, sqlx::Error> {
    let mut found = offers(conn, &[id.0]).await?;
    Ok(found.pop().filter(|offer| offer.side_of(party).is_some()))
}

/// Up to `limit` offers of `party` on this side, newest first, before `before`.
pub async fn of_party(
    conn: &mut PgConnection,
    party: OrgId,
    side: Side,
    before: Option<OfferId>,
    limit: i64,
) -> Result<Vec<Offer>, sqlx::Error> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    // Two statements, so that each can use its own index.
    let ids = match side {
        Side::Buyer => {
            sqlx::query_scalar!(
                "SELECT id FROM offers WHERE buyer_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                party.0,
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
        Side::Seller => {
            sqlx::query_scalar!(
                "SELECT id FROM offers WHERE seller_org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                party.0,
                before,
                limit,
            )
            .fetch_all(&mut *conn)
            .await?
        }
    };
    offers(conn, &ids).await
}

/// These offers with their terms, newest first.
async fn offers(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Offer>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT f.id AS "id: OfferId", f.listing_id AS "listing_id: ListingId", f.site_id AS "site_id: SiteId",
                  coalesce(l.title, i.title) AS "title!", f.item_id AS "item_id: ItemId",
                  f.buyer_org_id AS "buyer_org_id: OrgId", buyer.legal_name AS buyer_name,
                  f.seller_org_id AS "seller_org_id: OrgId", seller.legal_name AS seller_name,
                  f.status AS "status: OfferStatus", f.turn AS "turn: Side", f.version, f.expires_at, f.created_at,
                  o.id AS "order?: OrderId", o.checkout_id AS "checkout?: CheckoutId"
           FROM offers AS f
           JOIN items AS i ON i.id = f.item_id
           LEFT JOIN listings AS l ON l.id = f.listing_id
           JOIN orgs AS buyer ON buyer.id = f.buyer_org_id
           JOIN orgs AS seller ON seller.id = f.seller_org_id
           LEFT JOIN orders AS o ON o.offer_id = f.id
           WHERE f.id = ANY ($1)
           ORDER BY f.id DESC"#,
        ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut terms = terms_of(conn, ids).await?;
    let offers = rows.into_iter().map(|row| Offer {
        id: row.id,
        listing_id: row.listing_id,
        site_id: row.site_id,
        title: row.title,
        item_id: row.item_id,
        buyer_org_id: row.buyer_org_id,
        buyer_name: row.buyer_name,
        seller_org_id: row.seller_org_id,
        seller_name: row.seller_name,
        status: row.status,
        turn: row.turn,
        version: row.version,
        terms: terms.remove(&row.id).unwrap_or_default(),
        expires_at: row.expires_at,
        created_at: row.created_at,
        order: row.order,
        checkout: row.checkout,
    });
    Ok(offers.collect())
}

async fn terms_of(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<OfferId, Vec<Terms>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT t.offer_id AS "offer: OfferId", f.currency AS "currency: Currency", t.version, t.side AS "side: Side",
                  t.unit_price_minor, t.quantity, t.note, t.at, t.placed_by AS "placed_by: UserId"
           FROM offer_terms AS t
           JOIN offers AS f ON f.id = t.offer_id
           WHERE t.offer_id = ANY ($1)
           ORDER BY t.offer_id, t.version"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut terms: HashMap<OfferId, Vec<Terms>> = HashMap::new();
    for row in rows {
        terms.entry(row.offer).or_default().push(Terms {
            version: row.version,
            side: row.side,
            price: Money::from_minor(row.unit_price_minor, row.currency),
            quantity: row.quantity,
            note: row.note,
            at: row.at,
            placed_by: row.placed_by,
        });
    }
    Ok(terms)
}
