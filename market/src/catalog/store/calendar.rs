use chrono::{Datelike, NaiveDate};
use shared::ids::OrgId;
use shared::invalid::{Faults, Invalid};
use sqlx::PgConnection;

use super::{CatalogError, lock_flagged};
use crate::ids::ItemId;

/// The days of `year` on which an item is not free, in order, whether an order has them or its seller does not work.
pub async fn taken_days(conn: &mut PgConnection, item: ItemId, year: i16) -> Result<Vec<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT day
         FROM hire_days
         WHERE item_id = $1
           AND day BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 31)
         ORDER BY day",
        item.0,
        i32::from(year),
    )
    .fetch_all(conn)
    .await
}

/// Replaces the days of `year` on which an item of `org` is not for hire. Those that orders have stay theirs. Only services have a
/// calendar. Needs a transaction.
pub async fn block_days(
    conn: &mut PgConnection,
    org: OrgId,
    item: ItemId,
    year: i16,
    taken: &[NaiveDate],
) -> Result<(), CatalogError> {
    let foreign = taken.iter().enumerate().filter(|(_, day)| day.year() != i32::from(year));
    let foreign = foreign.map(|(place, _)| Invalid::new(format!("/taken/{place}"), format!("is not a day of {year}")));
    if let Some(faults) = Faults::of(foreign.collect()) {
        return Err(faults.into());
    }
    let is_service = lock_flagged(conn, org, item, "service").await?;
    if !is_service && !taken.is_empty() {
        return Err(Invalid::new("/taken", "only items of a category of services have a calendar").into());
    }
    // Whoever hires takes days in this order, too, and neither has given up one before the last is taken.
    sqlx::query!(
        "INSERT INTO hire_days (item_id, day) SELECT $1, day FROM unnest($2::date[]) AS day ORDER BY day ON CONFLICT DO NOTHING",
        item.0,
        taken,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM hire_days
         WHERE item_id = $1
           AND day BETWEEN make_date($2, 1, 1) AND make_date($2, 12, 31)
           AND day <> ALL ($3)
           AND order_id IS NULL",
        item.0,
        i32::from(year),
        taken,
    )
    .execute(conn)
    .await?;
    Ok(())
}
