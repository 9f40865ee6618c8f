//! Prices in euros, which follow the newest rates.

use sqlx::PgConnection;

/// Converts up to `limit` prices that stand by other rates than the newest; returns how many there were. What somebody else is
/// changing is left for the next time.
pub async fn convert_prices(conn: &mut PgConnection, limit: i64) -> Result<u64, sqlx::Error> {
    let Some(newest) = sqlx::query_scalar!("SELECT newest_rates()").fetch_one(&mut *conn).await? else { return Ok(0) };
    let done = sqlx::query!(
        "UPDATE listing_search AS t
         SET euros = in_euros(t.price_minor, t.currency, $1),
             rates_id = $1
         WHERE t.listing_id IN (
             SELECT listing_id
             FROM listing_search
             WHERE currency <> 'EUR'
               AND price_minor IS NOT NULL
               AND (rates_id < $1 OR rates_id > $1 OR rates_id IS NULL)
             LIMIT $2
             FOR NO KEY UPDATE SKIP LOCKED)",
        newest,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
