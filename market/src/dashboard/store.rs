//! SQL for what sellers see of their listings.

mod inquiries;
mod views;

use std::collections::BTreeMap;

use shared::ids::OrgId;
use shared::money::{Currency, Money, MoneyError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Figures, ListingFigures};
use crate::ids::ListingId;
use crate::reports::rules::Period;

pub use inquiries::{InquiryError, inquire};
pub use views::{Seen, note_views};

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// The figures of all of a seller's listings together.
pub async fn total(conn: &mut PgConnection, seller: OrgId, period: &Period) -> Result<Figures, FiguresError> {
    let counts = sqlx::query!(
        r#"SELECT (SELECT coalesce(sum(d.views), 0)::bigint
                   FROM listing_days AS d
                   JOIN listings AS l ON l.id = d.listing_id
                   WHERE l.seller_org_id = $1
                     AND d.day BETWEEN $2 AND $3) AS "views!",
                  (SELECT count(*)
                   FROM inquiries AS i
                   JOIN listings AS l ON l.id = i.listing_id
                   WHERE l.seller_org_id = $1
                     AND i.created_at >= $4
                     AND i.created_at < $5) AS "inquiries!",
                  (SELECT count(*)
                   FROM orders
                   WHERE seller_org_id = $1
                     AND created_at >= $4
                     AND created_at < $5
                     AND status NOT IN ('expired', 'cancelled', 'refunded')) AS "orders!""#,
        seller.0,
        period.first_day(),
        period.last_day(),
        period.starts_at(),
        period.ends_at(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let revenue = sqlx::query!(
        r#"SELECT currency AS "currency: Currency", sum(total_minor)::text AS "total!"
           FROM orders
           WHERE seller_org_id = $1
             AND created_at >= $2
             AND created_at < $3
             AND status NOT IN ('expired', 'cancelled', 'refunded')
           GROUP BY currency
           ORDER BY currency"#,
        seller.0,
        period.starts_at(),
        period.ends_at(),
    )
    .fetch_all(conn)
    .await?;
    let revenue: Result<Vec<_>, _> = revenue.into_iter().map(|row| money(&row.total, row.currency)).collect();
    Ok(Figures::new(counts.views, counts.inquiries, counts.orders, revenue?))
}

/// The figures of up to `limit` of a seller's listings that have any, by their ids, after `after`.
pub async fn of_listings(
    conn: &mut PgConnection,
    seller: OrgId,
    period: &Period,
    after: Option<ListingId>,
    limit: i64,
) -> Result<Vec<ListingFigures>, FiguresError> {
    let rows = sqlx::query!(
        r#"SELECT l.id AS "listing: ListingId", l.title, coalesce(v.views, 0) AS "views!", coalesce(q.inquiries, 0) AS "inquiries!",
                  coalesce(s.orders, 0) AS "orders!"
           FROM listings AS l
           CROSS JOIN LATERAL (
               SELECT sum(views)::bigint AS views FROM listing_days WHERE listing_id = l.id AND day BETWEEN $2 AND $3
           ) AS v
           CROSS JOIN LATERAL (
               SELECT count(*) AS inquiries FROM inquiries WHERE listing_id = l.id AND created_at >= $4 AND created_at < $5
           ) AS q
           CROSS JOIN LATERAL (
               SELECT count(DISTINCT o.id) AS orders
               FROM order_lines AS n
               JOIN orders AS o ON o.id = n.order_id
               WHERE n.listing_id = l.id
                 AND o.seller_org_id = $1
                 AND o.created_at >= $4
                 AND o.created_at < $5
                 AND o.status NOT IN ('expired', 'cancelled', 'refunded')
           ) AS s
           WHERE l.seller_org_id = $1
             AND l.id > $6
             AND (v.views IS NOT NULL OR q.inquiries > 0 OR s.orders > 0)
           ORDER BY l.id
           LIMIT $7"#,
        seller.0,
        period.first_day(),
        period.last_day(),
        period.starts_at(),
        period.ends_at(),
        after.map_or(Uuid::nil(), |after| after.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.listing.0).collect();
    let amounts = sqlx::query!(
        r#"SELECT n.listing_id AS "listing!: ListingId", o.currency AS "currency: Currency", sum(n.amount_minor)::text AS "total!"
           FROM order_lines AS n
           JOIN orders AS o ON o.id = n.order_id
           WHERE n.listing_id = ANY ($1)
             AND o.seller_org_id = $2
             AND o.created_at >= $3
             AND o.created_at < $4
             AND o.status NOT IN ('expired', 'cancelled', 'refunded')
           GROUP BY n.listing_id, o.currency
           ORDER BY n.listing_id, o.currency"#,
        &ids,
        seller.0,
        period.starts_at(),
        period.ends_at(),
    )
    .fetch_all(conn)
    .await?;
    let mut revenue: BTreeMap<ListingId, Vec<Money>> = BTreeMap::new();
    for row in amounts {
        revenue.entry(row.listing).or_default().push(money(&row.total, row.currency)?);
    }
    Ok(rows
        .into_iter()
        .map(|row| ListingFigures {
            listing_id: row.listing,
            title: row.title,
            figures: Figures::new(
                row.views,
                row.inquiries,
                row.orders,
                revenue.remove(&row.listing).unwrap_or_default(),
            ),
        })
        .collect())
}

/// A sum of amounts, which may be more than one amount can be.
fn money(total: &str, currency: Currency) -> Result<Money, MoneyError> {
    Ok(Money::from_minor(total.parse().map_err(|_| MoneyError::Overflow)?, currency))
}

#[cfg(test)]
mod tests;
