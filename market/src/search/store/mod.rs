//! SQL for finding listings. Triggers keep the table that is read here (`migrations/0501_search_kept.sql`).
//!
//! A search is put together of its conditions: a statement for every combination of them that is there would leave the planner
//! guessing. Each is planned for its own values, and none is kept.
//!
//! How to get this wrong: to leave out `persistent(false)`, since a plan for any values walks the whole table for rare ones; to
//! call a function in a condition that is not folded into a constant, since it then runs for every row.

mod conditions;
mod facets;
mod find;
mod prices;
pub mod saved;

use shared::money::Currency;
use sqlx::PgConnection;

use super::model::{Fitting, PriceRange};
use super::rules::filter::Filters;
use crate::catalog::model::MachineModel;

pub use facets::facets;
pub use find::{New, find, find_new};
pub use prices::convert_prices;

/// By what the items of a category and of those below it are looked for; those of all categories, if none is named.
pub async fn filters(conn: &mut PgConnection, category: Option<&str>) -> Result<Filters, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT p.key AS "name!", p.value AS "property!"
           FROM categories AS c
           CROSS JOIN LATERAL jsonb_each(c.attribute_schema -> 'properties') AS p
           WHERE ($1::text IS NULL OR c.path = $1 OR starts_with(c.path, $1 || '/'))
             AND p.value ? 'filter'"#,
        category,
    )
    .fetch_all(conn)
    .await?;
    let mut filters = Filters::default();
    for row in rows {
        filters.add(&row.name, &row.property);
    }
    Ok(filters)
}

impl Fitting {
    /// What fits a model, in machines of a year if that is given.
    #[must_use]
    pub fn of(model: MachineModel, year: Option<i16>) -> Self {
        Self { model: model.id, make: model.make, year }
    }
}

/// The bounds of a price in euros by the newest rates.
#[derive(Clone, Copy, Debug)]
struct Euros {
    from: Option<f64>,
    to: Option<f64>,
}

/// `None` if the currency has no rate.
async fn in_euros(conn: &mut PgConnection, price: PriceRange) -> Result<Option<Euros>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT in_euros(1, $1, rates.id) IS NOT NULL AS "known!",
                  in_euros($2, $1, rates.id) AS "from",
                  in_euros($3, $1, rates.id) AS "to"
           FROM (SELECT newest_rates() AS id) AS rates"#,
        price.currency as Currency,
        price.from,
        price.to,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.known.then_some(Euros { from: row.from, to: row.to }))
}

/// Whether what is in this category, and below it, has a calendar.
pub async fn has_calendars(conn: &mut PgConnection, category: &str) -> Result<bool, sqlx::Error> {
    let flagged = sqlx::query_scalar!(
        r#"SELECT 'service' = ANY (flags) AS "flagged!" FROM categories WHERE path = $1"#,
        category
    );
    Ok(flagged.fetch_optional(conn).await?.unwrap_or(false))
}

/// The radius of a body in metres, if there is such a body.
pub async fn radius_of(conn: &mut PgConnection, body: &str) -> Result<Option<f64>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT radius_m AS "radius_m!" FROM regions WHERE code = $1 AND kind = 'body'"#, body)
        .fetch_optional(conn)
        .await
}

#[cfg(test)]
mod tests;
