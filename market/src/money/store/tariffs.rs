//! Tariffs: each category has its own, or its parent's, or in the end that of every category. What holds is the highest
//! revision; those before it stay as they were, since orders refer to them.
//!
//! How to get this wrong: to look for the highest revision along all parents, since a revised tariff of a parent then
//! takes the place of the category's own.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::OrgId;
use shared::invalid::violated;
use shared::money::{BasisPoints, Currency, MoneyError};
use sqlx::PgConnection;

use crate::identity::Plan;
use crate::ids::CategoryId;
use crate::money::model::{Commission, Premium, Tariffs};
use crate::money::rules::premium::{BadTariff, PremiumTariff};

/// Why a tariff is not stored.
#[derive(Debug, thiserror::Error)]
pub enum TariffError {
    #[error("there is no such category")]
    NoCategory,
    #[error("somebody else has made a revision of this tariff at the same time")]
    AtTheSameTime,
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

impl TariffError {
    fn of_write(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("commission_rates_category_id_fkey" | "premium_tariffs_category_id_fkey") => Self::NoCategory,
            _ => Self::Sql(error),
        }
    }
}

/// The platform's rate for each of these goods, a seller and a category each, in their order: the commission of the seller's plan
/// in the category, or what the category says where no commission is set.
pub async fn fees(conn: &mut PgConnection, goods: &[(OrgId, CategoryId)]) -> Result<Vec<BasisPoints>, sqlx::Error> {
    let sellers: Vec<_> = goods.iter().map(|(seller, _)| seller.0).collect();
    let categories: Vec<_> = goods.iter().map(|(_, category)| category.0).collect();
    let found = sqlx::query_scalar!(
        r#"WITH RECURSIVE wanted (place, plan, category) AS (
               SELECT w.place, o.plan, w.category
               FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS w (seller, category, place)
               JOIN orgs AS o ON o.id = w.seller
           ), above (place, plan, id, parent_id, steps) AS (
               SELECT w.place, w.plan, c.id, c.parent_id, 0 FROM wanted AS w JOIN categories AS c ON c.id = w.category
               UNION ALL
               SELECT above.place, above.plan, c.id, c.parent_id, steps + 1
               FROM above
               JOIN categories AS c ON c.id = above.parent_id
           )
           SELECT coalesce(
               (SELECT r.fee_bps
                FROM above
                CROSS JOIN LATERAL (
                    SELECT fee_bps
                    FROM commission_rates
                    WHERE plan = above.plan AND category_id = above.id
                    ORDER BY revision DESC
                    LIMIT 1
                ) AS r
                WHERE above.place = w.place
                ORDER BY above.steps
                LIMIT 1),
               (SELECT fee_bps
                FROM commission_rates
                WHERE plan = w.plan AND category_id IS NULL
                ORDER BY revision DESC
                LIMIT 1),
               (SELECT fee_bps FROM categories WHERE id = w.category)) AS "fee_bps!"
           FROM wanted AS w
           ORDER BY w.place"#,
        &sellers,
        &categories,
    )
    .fetch_all(conn)
    .await?;
    found.into_iter().map(rate).collect()
}

/// Of each of these sales, a seller, a category and a currency each, in their order: the rate, as [`fees`] finds it, and the buyer's
/// premium, if there is one.
pub async fn of_sales(
    conn: &mut PgConnection,
    sales: &[(OrgId, CategoryId, Currency)],
) -> Result<Vec<Tariffs>, sqlx::Error> {
    let sellers: Vec<_> = sales.iter().map(|(seller, ..)| seller.0).collect();
    let categories: Vec<_> = sales.iter().map(|(_, category, _)| category.0).collect();
    let currencies: Vec<_> = sales.iter().map(|(.., currency)| currency.code()).collect();
    let rows = sqlx::query!(
        r#"WITH RECURSIVE wanted (place, plan, category, currency) AS (
               SELECT w.place, o.plan, w.category, w.currency
               FROM unnest($1::uuid[], $2::uuid[], $3::text[]) WITH ORDINALITY AS w (seller, category, currency, place)
               JOIN orgs AS o ON o.id = w.seller
               WHERE o.id = ANY ($1)
           ), above (category, id, parent_id, steps) AS (
               SELECT id, id, parent_id, 0 FROM categories WHERE id = ANY ($2)
               UNION ALL
               SELECT above.category, c.id, c.parent_id, steps + 1
               FROM above
               JOIN categories AS c ON c.id = above.parent_id
           )
           SELECT coalesce(
                      (SELECT r.fee_bps
                       FROM above
                       CROSS JOIN LATERAL (
                           SELECT fee_bps
                           FROM commission_rates
                           WHERE plan = w.plan AND category_id = above.id
                           ORDER BY revision DESC
                           LIMIT 1
                       ) AS r
                       WHERE above.category = w.category
                       ORDER BY above.steps
                       LIMIT 1),
                      (SELECT fee_bps
                       FROM commission_rates
                       WHERE plan = w.plan AND category_id IS NULL
                       ORDER BY revision DESC
                       LIMIT 1),
                      (SELECT fee_bps FROM categories WHERE id = w.category)) AS "fee_bps!",
                  premium.id AS "premium?", premium.revision AS "revision?", premium.upto AS "upto?", premium.bps AS "bps?",
                  premium.least_minor AS "least_minor?"
           FROM wanted AS w
           LEFT JOIN LATERAL (
               SELECT id, revision, upto, bps, least_minor
               FROM (
                   SELECT t.id, t.revision, t.upto, t.bps, t.least_minor, above.steps
                   FROM above
                   CROSS JOIN LATERAL (
                       SELECT id, revision, upto, bps, least_minor
                       FROM premium_tariffs
                       WHERE currency = w.currency AND category_id = above.id
                       ORDER BY revision DESC
                       LIMIT 1
                   ) AS t
                   WHERE above.category = w.category
                   UNION ALL
                   (SELECT id, revision, upto, bps, least_minor, NULL
                    FROM premium_tariffs
                    WHERE currency = w.currency AND category_id IS NULL
                    ORDER BY revision DESC
                    LIMIT 1)
               ) AS found
               ORDER BY steps NULLS LAST
               LIMIT 1
           ) AS premium ON true
           ORDER BY w.place"#,
        &sellers,
        &categories,
        &currencies as &[&str],
    )
    .fetch_all(conn)
    .await?;
    if rows.len() < sales.len() {
        return Err(sqlx::Error::RowNotFound);
    }
    let tariffs = rows.into_iter().zip(sales).map(|(row, (.., currency))| {
        let premium = match (row.premium, row.revision, row.upto, row.bps, row.least_minor) {
            (Some(id), Some(revision), Some(upto), Some(bps), Some(least)) => {
                Some(Premium { id, revision, tariff: tariff(*currency, upto, bps, least)? })
            }
            _ => None,
        };
        Ok(Tariffs { fee: rate(row.fee_bps)?, premium })
    });
    tariffs.collect()
}

/// A premium's tariff as its row has it.
pub(crate) fn tariff(
    currency: Currency,
    upto: Vec<i64>,
    bps: Vec<i32>,
    least: i64,
) -> Result<PremiumTariff, sqlx::Error> {
    let rates = bps.into_iter().map(rate).collect::<Result<_, _>>()?;
    PremiumTariff::new(currency, upto, rates, least).map_err(|error: BadTariff| sqlx::Error::Decode(error.into()))
}

pub(super) fn rate(bps: i32) -> Result<BasisPoints, sqlx::Error> {
    BasisPoints::try_from(bps).map_err(|error: MoneyError| sqlx::Error::Decode(error.into()))
}

/// Makes the next revision of a plan's commission, in one category or in all that have none of their own, and writes it
/// to the audit log. Needs a transaction.
pub async fn revise_commission(
    conn: &mut PgConnection,
    actor: Actor,
    plan: Plan,
    category: Option<CategoryId>,
    fee: BasisPoints,
) -> Result<Commission, TariffError> {
    let row = sqlx::query!(
        "INSERT INTO commission_rates (plan, category_id, revision, fee_bps)
         SELECT $1, $2, coalesce(max(revision), 0) + 1, $3
         FROM commission_rates
         WHERE plan = $1 AND category_id IS NOT DISTINCT FROM $2
         ON CONFLICT (plan, category_id, revision) DO NOTHING
         RETURNING id, revision",
        plan.name(),
        category.map(|category| category.0),
        fee.get(),
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(TariffError::of_write)?
    .ok_or(TariffError::AtTheSameTime)?;
    let subject = ("commission_rate", row.id.to_string());
    let data = json!({"plan": plan.name(), "category": category, "revision": row.revision, "fee_bps": fee.get()});
    audit::append(conn, audit::Entry { actor, action: "commission_rate.revise", subject, data }).await?;
    Ok(Commission { id: row.id, revision: row.revision, fee })
}

/// Makes the next revision of the buyer's premium, in one category or in all that have none of their own, and writes it
/// to the audit log. Needs a transaction.
pub async fn revise_premium(
    conn: &mut PgConnection,
    actor: Actor,
    category: Option<CategoryId>,
    tariff: &PremiumTariff,
) -> Result<Premium, TariffError> {
    let bps: Vec<i32> = tariff.rates().iter().map(|rate| rate.get()).collect();
    let row = sqlx::query!(
        "INSERT INTO premium_tariffs (category_id, currency, revision, upto, bps, least_minor)
         SELECT $1, $2, coalesce(max(revision), 0) + 1, $3, $4, $5
         FROM premium_tariffs
         WHERE category_id IS NOT DISTINCT FROM $1 AND currency = $2
         ON CONFLICT (category_id, currency, revision) DO NOTHING
         RETURNING id, revision",
        category.map(|category| category.0),
        tariff.currency().code(),
        tariff.upto(),
        &bps,
        tariff.least(),
    )
    .fetch_optional(&mut *conn)
    .await
    .map_err(TariffError::of_write)?
    .ok_or(TariffError::AtTheSameTime)?;
    let subject = ("premium_tariff", row.id.to_string());
    let data = json!({
        "category": category, "currency": tariff.currency(), "revision": row.revision,
        "upto": tariff.upto(), "bps": bps, "least_minor": tariff.least(),
    });
    audit::append(conn, audit::Entry { actor, action: "premium_tariff.revise", subject, data }).await?;
    Ok(Premium { id: row.id, revision: row.revision, tariff: tariff.clone() })
}

#[cfg(test)]
mod tests;
