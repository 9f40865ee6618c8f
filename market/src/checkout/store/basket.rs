//! Baskets: what people have put aside. A line is bought by what its listing says at that moment.

use chrono::{DateTime, Utc};
use shared::ids::{OrgId, UserId};
use shared::invalid::violated;
use shared::money::{Currency, Money};
use sqlx::PgConnection;

use super::CheckoutError;
use super::place::offers;
use crate::checkout::model::{Basket, BasketLine, CheckoutLine};
use crate::checkout::rules::{LineRefusal, judge};
use crate::ids::ListingId;

struct Row {
    listing: ListingId,
    title: String,
    seller: OrgId,
    seller_name: String,
    currency: Currency,
    price_minor: Option<i64>,
    on_offer: bool,
    quantity: i64,
    added_at: DateTime<Utc>,
}

/// What `person` has put aside for `org`, in the order of putting it there.
pub async fn basket(conn: &mut PgConnection, org: OrgId, person: UserId) -> Result<Basket, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT b.listing_id AS "listing: ListingId", l.title, l.seller_org_id AS "seller: OrgId",
                  o.legal_name AS seller_name, l.currency AS "currency: Currency", l.price_minor,
                  l.status = 'published' AND l.sale_mode = 'fixed' AND o.status = 'approved' AS "on_offer!",
                  b.quantity, b.added_at
           FROM basket_lines AS b
           JOIN listings AS l ON l.id = b.listing_id
           JOIN orgs AS o ON o.id = l.seller_org_id
           WHERE b.org_id = $1
             AND b.user_id = $2
           ORDER BY b.added_at, b.listing_id"#,
        org.0,
        person.0,
    )
    .fetch_all(conn)
    .await?;
    let lines = rows.into_iter().map(|row| {
        let price = row.price_minor.filter(|_| row.on_offer).map(|minor| Money::from_minor(minor, row.currency));
        BasketLine {
            listing: row.listing,
            title: row.title,
            seller_org_id: row.seller,
            seller_name: row.seller_name,
            quantity: row.quantity,
            price,
            amount: price.and_then(|price| price.checked_mul(row.quantity).ok()),
            added_at: row.added_at,
        }
    });
    Ok(Basket::of(lines.collect()))
}

/// Puts `quantity` units of a listing into the basket, instead of what is there of it. Needs a transaction.
pub async fn put(
    conn: &mut PgConnection,
    org: OrgId,
    person: UserId,
    listing: ListingId,
    quantity: i64,
) -> Result<(), CheckoutError> {
    let refused = |refusal| CheckoutError::Line { line: 0, refusal };
    let found = offers(conn, &[listing]).await?.pop().ok_or(refused(LineRefusal::NotOnOffer))?;
    // By the price of now: a draft without one is not on offer.
    let price = found.offer.price.unwrap_or(Money::from_minor(0, Currency::EUR));
    judge(&CheckoutLine { listing, quantity, price }, &found.offer, org).map_err(refused)?;
    let changed = sqlx::query!(
        "UPDATE basket_lines SET quantity = $4 WHERE org_id = $1 AND user_id = $2 AND listing_id = $3",
        org.0,
        person.0,
        listing.0,
        quantity,
    )
    .execute(&mut *conn)
    .await?;
    if changed.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO basket_lines (org_id, user_id, listing_id, quantity)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (org_id, user_id, listing_id) DO UPDATE SET quantity = excluded.quantity",
        org.0,
        person.0,
        listing.0,
        quantity,
    )
    .execute(conn)
    .await
    .map_err(|error| match violated(&error) {
        Some("basket_lines_bound") => CheckoutError::BasketFull,
        _ => error.into(),
    })?;
    Ok(())
}

/// Takes these listings out of the basket; those that are not in it are left alone.
pub async fn take_out(
    conn: &mut PgConnection,
    org: OrgId,
    person: UserId,
    listings: &[ListingId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = listings.iter().map(|listing| listing.0).collect();
    sqlx::query!(
        "DELETE FROM basket_lines WHERE org_id = $1 AND user_id = $2 AND listing_id = ANY ($3)",
        org.0,
        person.0,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Empties the basket.
pub async fn empty(conn: &mut PgConnection, org: OrgId, person: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM basket_lines WHERE org_id = $1 AND user_id = $2", org.0, person.0).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
