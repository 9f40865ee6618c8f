//! The first message of a conversation.

use shared::crypto::seal::Keyring;
use shared::ids::OrgId;
use sqlx::PgConnection;

use super::write::{Posted, post};
use super::{ChatError, make_key};
use crate::chat::model::{About, NewMessage};
use crate::chat::rules::{Listed, judge_begin, judge_message};
use crate::identity::OrgKind;
use crate::ids::{ConversationId, ListingId, OfferId, OrderId};
use crate::listings::model::ListingStatus;
use crate::listings::store as listings;
use crate::offers::model::Party;

/// Between whom a conversation is.
struct Parties {
    buyer: OrgId,
    seller: OrgId,
    /// Of a listing.
    listed: Option<Listed>,
}

/// Writes a message about something, in the conversation that there is about it or in a new one. Needs a transaction.
pub async fn begin(
    conn: &mut PgConnection,
    keyring: &Keyring,
    by: Party,
    about: About,
    new: &NewMessage<'_>,
) -> Result<(ConversationId, Posted), ChatError> {
    judge_message(new)?;
    let parties = parties(conn, by.org, about).await?;
    let id = if let Some(id) = find(conn, about, &parties).await? {
        id
    } else {
        if let Some(listed) = parties.listed {
            judge_begin(listed, by.org)?;
        }
        create(conn, keyring, by.org, about, &parties).await?
    };
    Ok((id, post(conn, keyring, by, id, new).await?))
}

/// Makes the conversation, or finds the one that somebody else has made meanwhile.
async fn create(
    conn: &mut PgConnection,
    keyring: &Keyring,
    org: OrgId,
    about: About,
    parties: &Parties,
) -> Result<ConversationId, ChatError> {
    let id = ConversationId::generate();
    let made = sqlx::query!(
        "INSERT INTO conversations
             (id, listing_id, offer_id, order_id, lister_org_id, buyer_org_id, seller_org_id, begun_by_org)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING",
        id.0,
        about.listing().map(|id| id.0),
        about.offer().map(|id| id.0),
        about.order().map(|id| id.0),
        parties.listed.map(|listed| listed.lister.0),
        parties.buyer.0,
        parties.seller.0,
        org.0,
    )
    .execute(&mut *conn)
    .await?;
    if made.rows_affected() == 0 {
        // It has waited for the other one's commit; a new statement sees what that has made.
        return find(conn, about, parties).await?.ok_or(ChatError::NotFound("conversation"));
    }
    make_key(conn, keyring, id).await?;
    let both = vec![parties.buyer.0, parties.seller.0];
    let added = sqlx::query!(
        "INSERT INTO conversation_parties (conversation_id, org_id) SELECT $1::uuid, unnest($2::uuid[])",
        id.0,
        &both,
    )
    .execute(conn)
    .await?;
    debug_assert_eq!(added.rows_affected(), 2);
    Ok(id)
}

async fn find(conn: &mut PgConnection, about: About, parties: &Parties) -> Result<Option<ConversationId>, ChatError> {
    let found = match about {
        About::Listing(listing) => {
            sqlx::query_scalar!(
                r#"SELECT id AS "id: ConversationId"
                   FROM conversations
                   WHERE listing_id = $1
                     AND buyer_org_id = $2
                     AND seller_org_id = $3"#,
                listing.0,
                parties.buyer.0,
                parties.seller.0,
            )
            .fetch_optional(conn)
            .await?
        }
        About::Offer(offer) => {
            sqlx::query_scalar!(r#"SELECT id AS "id: ConversationId" FROM conversations WHERE offer_id = $1"#, offer.0,)
                .fetch_optional(conn)
                .await?
        }
        About::Order(order) => {
            sqlx::query_scalar!(r#"SELECT id AS "id: ConversationId" FROM conversations WHERE order_id = $1"#, order.0,)
                .fetch_optional(conn)
                .await?
        }
    };
    Ok(found)
}

/// Between whom `org` writes about this; to strangers it does not exist.
async fn parties(conn: &mut PgConnection, org: OrgId, about: About) -> Result<Parties, ChatError> {
    match about {
        About::Listing(id) => of_listing(conn, org, id).await,
        About::Offer(id) => of_offer(conn, org, id).await,
        About::Order(id) => of_order(conn, org, id).await,
    }
}

async fn of_listing(conn: &mut PgConnection, org: OrgId, id: ListingId) -> Result<Parties, ChatError> {
    let listing = listings::listing(conn, id).await?.ok_or(ChatError::NotFound("listing"))?;
    let lister = listing.seller_org_id;
    if lister != org && !listing.is_public() {
        return Err(ChatError::NotFound("listing"));
    }
    let listed = Some(Listed { lister, published: listing.status == ListingStatus::Published });
    let (buyer, seller) = if listing.sale_mode.lister() == OrgKind::Buyer { (lister, org) } else { (org, lister) };
    Ok(Parties { buyer, seller, listed })
}

async fn of_offer(conn: &mut PgConnection, org: OrgId, id: OfferId) -> Result<Parties, ChatError> {
    let row = sqlx::query!(
        r#"SELECT buyer_org_id AS "buyer: OrgId", seller_org_id AS "seller: OrgId"
           FROM offers
           WHERE id = $1
             AND $2 IN (buyer_org_id, seller_org_id)"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ChatError::NotFound("offer"))?;
    Ok(Parties { buyer: row.buyer, seller: row.seller, listed: None })
}

async fn of_order(conn: &mut PgConnection, org: OrgId, id: OrderId) -> Result<Parties, ChatError> {
    let row = sqlx::query!(
        r#"SELECT buyer_org_id AS "buyer: OrgId", seller_org_id AS "seller: OrgId"
           FROM orders
           WHERE id = $1
             AND $2 IN (buyer_org_id, seller_org_id)"#,
        id.0,
        org.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ChatError::NotFound("order"))?;
    Ok(Parties { buyer: row.buyer, seller: row.seller, listed: None })
}
