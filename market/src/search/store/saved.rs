//! SQL for searches that people keep.
//!
//! A search is looked at under its row's lock, by one at a time. What is found is a row of its own, once for each listing, so that to
//! look at the same time twice does no harm, and a mail tells of a row once.
//!
//! How to get this wrong: to look only at what was written since the last time. A row gets its time before it is committed, so
//! that one with an earlier time may appear later; [`OVERLAP`] is longer than a transaction may last.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use shared::ids::UserId;
use shared::invalid::violated;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{New, find_new};
use crate::identity::UserStatus;
use crate::ids::{ListingId, SavedSearchId};
use crate::search::model::{Criteria, Query, SavedSearch};

/// How far before the last time it is looked again.
const OVERLAP: TimeDelta = TimeDelta::minutes(15);
/// How many listings are found by one statement.
const PAGE: i64 = 500;
/// How many listings a mail shows.
const SHOWN: usize = 20;

/// Why a saved search is refused.
#[derive(Debug, thiserror::Error)]
pub enum SavedSearchError {
    #[error("there is no such saved search")]
    NotFound,
    #[error("a person saves at most 50 searches: delete one first")]
    TooMany,
    #[error("the criteria are too long to be kept")]
    TooLong,
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for SavedSearchError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("saved_searches_per_person") => Self::TooMany,
            Some("saved_searches_asked_size" | "saved_searches_query_size") => Self::TooLong,
            _ => Self::Sql(error),
        }
    }
}

/// A search to keep, which has been checked.
#[derive(Clone, Copy, Debug)]
pub struct NewSavedSearch<'a> {
    pub name: &'a str,
    pub asked: &'a Criteria,
    pub query: &'a Query,
    pub alerts: bool,
}

/// Keeps a search for `user`; what is published from now on is new.
pub async fn create(
    conn: &mut PgConnection,
    user: UserId,
    new: NewSavedSearch<'_>,
) -> Result<SavedSearch, SavedSearchError> {
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO saved_searches (id, user_id, name, asked, query, alerts)
           VALUES ($1, $2, $3, $4, $5, $6)
           RETURNING id AS "id: SavedSearchId", name, asked AS "asked: Json<Criteria>", alerts, created_at"#,
        SavedSearchId::generate().0,
        user.0,
        new.name,
        Json(new.asked) as Json<&Criteria>,
        Json(new.query) as Json<&Query>,
        new.alerts,
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

struct Row {
    id: SavedSearchId,
    name: String,
    asked: Json<Criteria>,
    alerts: bool,
    created_at: DateTime<Utc>,
}

impl From<Row> for SavedSearch {
    fn from(row: Row) -> Self {
        let Row { id, name, asked: Json(query), alerts, created_at } = row;
        Self { id, name, query, alerts, created_at }
    }
}

/// All searches of `user`, oldest first; there are not many.
pub async fn of_user(conn: &mut PgConnection, user: UserId) -> Result<Vec<SavedSearch>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: SavedSearchId", name, asked AS "asked: Json<Criteria>", alerts, created_at
           FROM saved_searches
           WHERE user_id = $1
           ORDER BY id"#,
        user.0,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(SavedSearch::from).collect())
}

/// A search of `user`.
pub async fn get(conn: &mut PgConnection, user: UserId, id: SavedSearchId) -> Result<Option<SavedSearch>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: SavedSearchId", name, asked AS "asked: Json<Criteria>", alerts, created_at
           FROM saved_searches
           WHERE id = $1
             AND user_id = $2"#,
        id.0,
        user.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(SavedSearch::from))
}

/// [`get`], locked against changes until the transaction ends.
pub async fn lock(conn: &mut PgConnection, user: UserId, id: SavedSearchId) -> Result<SavedSearch, SavedSearchError> {
    // In a statement of its own: the next one sees what was changed while this one waited.
    sqlx::query!("SELECT FROM saved_searches WHERE id = $1 AND user_id = $2 FOR NO KEY UPDATE", id.0, user.0)
        .fetch_optional(&mut *conn)
        .await?;
    get(conn, user, id).await?.ok_or(SavedSearchError::NotFound)
}

/// What people can change about a saved search; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SavedSearchChange<'a> {
    pub name: Option<&'a str>,
    /// Another search begins anew: what was found for the one before and was not mailed is forgotten.
    pub query: Option<(&'a Criteria, &'a Query)>,
    pub alerts: Option<bool>,
}

/// Changes a search of `user`. Alerts that are turned on tell of what is published from then on. Needs a transaction.
pub async fn change(
    conn: &mut PgConnection,
    user: UserId,
    id: SavedSearchId,
    change: SavedSearchChange<'_>,
) -> Result<SavedSearch, SavedSearchError> {
    let before = lock(conn, user, id).await?;
    let begins = change.query.is_some() || (change.alerts == Some(true) && !before.alerts);
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE saved_searches
           SET name = coalesce($2, name),
               asked = coalesce($3, asked),
               query = coalesce($4, query),
               alerts = coalesce($5, alerts),
               since = CASE WHEN $6 THEN clock_timestamp() ELSE since END,
               looked_until = CASE WHEN $6 THEN clock_timestamp() ELSE looked_until END
           WHERE id = $1
           RETURNING id AS "id: SavedSearchId", name, asked AS "asked: Json<Criteria>", alerts, created_at"#,
        id.0,
        change.name,
        change.query.map(|(asked, _)| Json(asked)) as Option<Json<&Criteria>>,
        change.query.map(|(_, query)| Json(query)) as Option<Json<&Query>>,
        change.alerts,
        begins,
    )
    .fetch_one(&mut *conn)
    .await?;
    if begins {
        sqlx::query!("DELETE FROM saved_search_hits WHERE search_id = $1 AND mailed_at IS NULL", id.0)
            .execute(conn)
            .await?;
    }
    Ok(row.into())
}

/// Deletes a search of `user` with what was found for it.
pub async fn delete(conn: &mut PgConnection, user: UserId, id: SavedSearchId) -> Result<(), SavedSearchError> {
    let done =
        sqlx::query!("DELETE FROM saved_searches WHERE id = $1 AND user_id = $2", id.0, user.0).execute(conn).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(SavedSearchError::NotFound) }
}

/// Whether somebody still wants mail about this search.
pub async fn alerts(conn: &mut PgConnection, id: SavedSearchId) -> Result<bool, sqlx::Error> {
    let alerts =
        sqlx::query_scalar!("SELECT alerts FROM saved_searches WHERE id = $1", id.0).fetch_optional(conn).await?;
    Ok(alerts.unwrap_or(false))
}

/// The database's clock: what was looked at before has a turn in a run that begins now.
pub async fn begin_looking(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// A search whose turn it is, locked until the transaction ends.
#[derive(Debug)]
pub struct Due {
    pub id: SavedSearchId,
    user: UserId,
    name: String,
    query: Query,
    new: New,
    mailed_on: Option<NaiveDate>,
    /// Nothing is mailed to suspended people.
    active: bool,
    /// The clock after the lock, and the day that the person has then.
    now: DateTime<Utc>,
    today: NaiveDate,
}

/// The search that was looked at longest ago, before `before`; those that somebody else is looking at or changing are left out.
pub async fn lock_due(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<Option<Due>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: SavedSearchId"
           FROM saved_searches
           WHERE alerts
             AND looked_until < $1
           ORDER BY looked_until, id
           LIMIT 1
           FOR NO KEY UPDATE SKIP LOCKED"#,
        before,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = sqlx::query!(
        r#"SELECT s.id AS "id: SavedSearchId", s.user_id AS "user: UserId", s.name, s.query AS "query: Json<Query>", s.since,
                  s.looked_until, s.mailed_on, u.status AS "status: UserStatus", u.time_zone, clock_timestamp() AS "now!"
           FROM saved_searches AS s
           JOIN users AS u ON u.id = s.user_id
           WHERE s.id = $1"#,
        row.id.0,
    )
    .fetch_one(conn)
    .await?;
    // Only names that chrono-tz knows get in.
    let zone: Tz = row.time_zone.parse().unwrap_or(Tz::UTC);
    Ok(Some(Due {
        id: row.id,
        user: row.user,
        name: row.name,
        query: row.query.0,
        new: New { published_from: row.since, indexed_from: row.looked_until - OVERLAP },
        mailed_on: row.mailed_on,
        active: row.status == UserStatus::Active,
        now: row.now,
        today: row.now.with_timezone(&zone).date_naive(),
    }))
}

/// What a mail about a saved search shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    pub search: SavedSearchId,
    pub user: UserId,
    pub name: String,
    /// The person's day.
    pub day: NaiveDate,
    /// The newest ones.
    pub found: Vec<NewMatch>,
    /// How many more there are.
    pub more: usize,
}

/// A listing that a search has found for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMatch {
    pub listing: ListingId,
    pub title: String,
    pub price: Option<Money>,
}

/// Notes what is new, and returns what to mail now, if anything: one mail a day.
pub async fn look(conn: &mut PgConnection, due: &Due) -> Result<Option<Digest>, sqlx::Error> {
    let mut after = None;
    loop {
        let found = find_new(conn, &due.query, due.new, after, PAGE).await?;
        let ids: Vec<_> = found.iter().map(|found| found.id.0).collect();
        sqlx::query!(
            "INSERT INTO saved_search_hits (search_id, listing_id)
             SELECT $1, listing_id FROM unnest($2::uuid[]) AS found (listing_id)
             ON CONFLICT DO NOTHING",
            due.id.0,
            &ids,
        )
        .execute(&mut *conn)
        .await?;
        after = found.last().copied();
        if i64::try_from(found.len()).is_ok_and(|len| len < PAGE) {
            break;
        }
    }
    let mails = due.active && due.mailed_on.is_none_or(|mailed_on| mailed_on < due.today);
    let mut found = if mails { unsent(conn, due.id).await? } else { Vec::new() };
    let mailed_on = if found.is_empty() { due.mailed_on } else { Some(due.today) };
    sqlx::query!(
        "UPDATE saved_searches SET looked_until = $2, mailed_on = $3 WHERE id = $1",
        due.id.0,
        due.now,
        mailed_on,
    )
    .execute(conn)
    .await?;
    if found.is_empty() {
        return Ok(None);
    }
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    let &Due { id, user, today, .. } = due;
    Ok(Some(Digest { search: id, user, name: due.name.clone(), day: today, found, more }))
}

/// What was found, was not mailed, and is still on offer, newest first. It counts as mailed from now on.
async fn unsent(conn: &mut PgConnection, search: SavedSearchId) -> Result<Vec<NewMatch>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH sent AS (
               UPDATE saved_search_hits AS h
               SET mailed_at = clock_timestamp()
               FROM listing_search AS t
               WHERE h.search_id = $1
                 AND h.mailed_at IS NULL
                 AND t.listing_id = h.listing_id
               RETURNING h.listing_id, t.published_at
           )
           SELECT l.id AS "id: ListingId", l.title, l.price_minor, l.currency AS "currency: Currency"
           FROM sent
           JOIN listings AS l ON l.id = sent.listing_id
           ORDER BY sent.published_at DESC, l.id DESC"#,
        search.0,
    )
    .fetch_all(conn)
    .await?;
    let price = |minor: Option<i64>, currency| minor.map(|minor| Money::from_minor(minor, currency));
    Ok(rows
        .into_iter()
        .map(|row| NewMatch { listing: row.id, title: row.title, price: price(row.price_minor, row.currency) })
        .collect())
}
