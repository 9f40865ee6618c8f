//! What a search finds, in its order.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row};

use super::conditions::Prepared;
use crate::ids::ListingId;
use crate::search::model::{Found, Key, Query, Sort};

/// How many of the newest that have the words are ordered by relevance.
const RANKED: i64 = 1_000;
/// How far the nearest are looked for at first, in metres, and how much farther each time that there are too few.
const FIRST_RING_M: f64 = 5_000.0;
const WIDER: f64 = 4.0;

/// What counts as new.
#[derive(Clone, Copy, Debug)]
pub struct New {
    pub published_from: DateTime<Utc>,
    /// When the search's row was written.
    pub indexed_from: DateTime<Utc>,
}

/// Up to `limit` new listings after `after`, newest first whatever the query's order.
pub async fn find_new(
    conn: &mut PgConnection,
    query: &Query,
    new: New,
    after: Option<Found>,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let prepared = Prepared::new(conn, query).await?;
    let mut sql = QueryBuilder::new("SELECT t.listing_id, t.published_at FROM listing_search AS t");
    prepared.push(&mut sql, None);
    sql.push(" AND t.published_at >= ").push_bind(new.published_from);
    sql.push(" AND t.indexed_at >= ").push_bind(new.indexed_from);
    push_after(&mut sql, ("t.published_at", "t.listing_id"), true, after);
    push_order(&mut sql, ("t.published_at", "t.listing_id"), true, limit);
    run(conn, sql).await
}

/// Up to `limit` listings after `after`, in the query's order.
pub async fn find(
    conn: &mut PgConnection,
    query: &Query,
    after: Option<Found>,
    limit: i64,
) -> Result<Vec<Found>, sqlx::Error> {
    let mut prepared = Prepared::new(conn, query).await?;
    let Some(farthest) = prepared.farthest_m().filter(|_| query.sort == Sort::Distance) else {
        return run(conn, statement(&prepared, query.sort, after, limit)).await;
    };
    // In rings: the nearest of many are found without a look at the rest.
    let mut ring = match after {
        Some(Found { key: Key::Number(metres), .. }) => FIRST_RING_M.max(metres * 1.5),
        _ => FIRST_RING_M,
    };
    loop {
        prepared.within(ring.min(farthest));
        let found = run(conn, statement(&prepared, query.sort, after, limit)).await?;
        if ring >= farthest || i64::try_from(found.len()).is_ok_and(|len| len >= limit) {
            return Ok(found);
        }
        ring *= WIDER;
    }
}

async fn run(conn: &mut PgConnection, mut sql: QueryBuilder<Postgres>) -> Result<Vec<Found>, sqlx::Error> {
    let rows = sql.build().persistent(false).fetch_all(conn).await?;
    rows.iter().map(found).collect()
}

fn found(row: &PgRow) -> Result<Found, sqlx::Error> {
    let key = match row.try_get::<DateTime<Utc>, _>(1) {
        Ok(time) => Key::Time(time),
        Err(_) => Key::Number(row.try_get(1)?),
    };
    Ok(Found { id: row.try_get::<ListingId, _>(0)?, key })
}

/// Selects the id and the key of each listing.
pub(super) fn statement(
    prepared: &Prepared<'_>,
    sort: Sort,
    after: Option<Found>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("");
    match sort {
        Sort::Newest | Sort::Price | Sort::PriceDesc => {
            let (key, falling) = match sort {
                Sort::Newest => ("t.published_at", true),
                Sort::PriceDesc => ("t.euros", true),
                _ => ("t.euros", false),
            };
            sql.push("SELECT t.listing_id, ").push(key).push(" FROM listing_search AS t");
            prepared.push(&mut sql, None);
            push_after(&mut sql, (key, "t.listing_id"), falling, after);
            push_order(&mut sql, (key, "t.listing_id"), falling, limit);
        }
        Sort::Distance => {
            sql.push("SELECT t.listing_id, t.metres FROM (SELECT t.listing_id, ");
            prepared.push_distance(&mut sql);
            sql.push(" AS metres FROM listing_search AS t");
            prepared.push(&mut sql, None);
            sql.push(" OFFSET 0) AS t WHERE true");
            push_after(&mut sql, ("t.metres", "t.listing_id"), false, after);
            push_order(&mut sql, ("t.metres", "t.listing_id"), false, limit);
        }
        Sort::Relevance => {
            sql.push(
                "SELECT t.listing_id, t.rank FROM (SELECT t.listing_id, ts_rank_cd(t.words, words_in(t.language, ",
            );
            sql.push_bind(prepared.text());
            sql.push(
                "))::double precision AS rank FROM (SELECT t.listing_id, t.words, t.language FROM listing_search AS t",
            );
            prepared.push(&mut sql, None);
            push_order(&mut sql, ("t.published_at", "t.listing_id"), true, RANKED);
            sql.push(") AS t) AS t WHERE true");
            push_after(&mut sql, ("t.rank", "t.listing_id"), true, after);
            push_order(&mut sql, ("t.rank", "t.listing_id"), true, limit);
        }
        Sort::Ending => {
            sql.push("SELECT t.listing_id, o.ends_at FROM auctions AS o JOIN listing_search AS t ON t.listing_id = o.listing_id");
            prepared.push(&mut sql, None);
            sql.push(" AND o.status IN ('scheduled', 'live')");
            push_after(&mut sql, ("o.ends_at", "o.listing_id"), false, after);
            push_order(&mut sql, ("o.ends_at", "o.listing_id"), false, limit);
        }
    }
    sql
}

fn push_after(sql: &mut QueryBuilder<Postgres>, (key, id): (&str, &str), falling: bool, after: Option<Found>) {
    let Some(after) = after else { return };
    sql.push(" AND (").push(key).push(", ").push(id).push(if falling { ") < (" } else { ") > (" });
    match after.key {
        Key::Time(time) => sql.push_bind(time),
        Key::Number(number) => sql.push_bind(number),
    };
    sql.push(", ").push_bind(after.id.0).push(")");
}

fn push_order(sql: &mut QueryBuilder<Postgres>, (key, id): (&str, &str), falling: bool, limit: i64) {
    let way = if falling { " DESC" } else { "" };
    sql.push(" ORDER BY ").push(key).push(way).push(", ").push(id).push(way).push(" LIMIT ").push_bind(limit);
}
