//! Lists of tariffs, each revision of them.

use chrono::{DateTime, Utc};
use shared::money::{BasisPoints, Currency};
use sqlx::PgConnection;

use super::tariffs::rate;
use crate::identity::Plan;
use crate::ids::CategoryId;
use crate::money::rules::premium::{BadTariff, PremiumTariff};

/// A revision of the commission of a plan in a category.
#[derive(Clone, Debug)]
pub struct CommissionRevision {
    pub id: i64,
    pub plan: Plan,
    /// `None`: in every category that has none of its own.
    pub category: Option<CategoryId>,
    pub revision: i32,
    pub fee: BasisPoints,
    pub created_at: DateTime<Utc>,
}

/// A revision of the buyer's premium in a category.
#[derive(Clone, Debug)]
pub struct PremiumRevision {
    pub id: i64,
    /// `None`: in every category that has none of its own.
    pub category: Option<CategoryId>,
    pub revision: i32,
    pub tariff: PremiumTariff,
    pub created_at: DateTime<Utc>,
}

/// Up to `limit` revisions of commissions, newest first, before `before`.
pub async fn commissions(
    conn: &mut PgConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<CommissionRevision>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, plan AS "plan: Plan", category_id AS "category: CategoryId", revision, fee_bps, created_at
           FROM commission_rates
           WHERE id < $1
           ORDER BY id DESC
           LIMIT $2"#,
        before.unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CommissionRevision {
                id: row.id,
                plan: row.plan,
                category: row.category,
                revision: row.revision,
                fee: rate(row.fee_bps)?,
                created_at: row.created_at,
            })
        })
        .collect()
}

/// Up to `limit` revisions of premiums, newest first, before `before`.
pub async fn premiums(
    conn: &mut PgConnection,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<PremiumRevision>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, category_id AS "category: CategoryId", currency AS "currency: Currency", revision, upto, bps, least_minor,
                  created_at
           FROM premium_tariffs
           WHERE id < $1
           ORDER BY id DESC
           LIMIT $2"#,
        before.unwrap_or(i64::MAX),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let rates = row.bps.into_iter().map(rate).collect::<Result<_, _>>()?;
            let tariff = PremiumTariff::new(row.currency, row.upto, rates, row.least_minor)
                .map_err(|error: BadTariff| sqlx::Error::Decode(error.into()))?;
            let (category, revision) = (row.category, row.revision);
            Ok(PremiumRevision { id: row.id, category, revision, tariff, created_at: row.created_at })
        })
        .collect()
}
