use bytes::Bytes;
use chrono::{DateTime, Months, NaiveDate, Utc};
use futures::stream::BoxStream;
use serde::Serialize;
use sqlx::PgConnection;

/// The columns of an archived event, in their order.
pub const ARCHIVED_COLUMNS: [&str; 14] = [
    "id",
    "recorded_at",
    "org",
    "source",
    "source_event_id",
    "sequence",
    "shipment",
    "type",
    "status",
    "occurred_at",
    "latitude",
    "longitude",
    "corrects",
    "payload",
];

/// An object with events of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchivePart {
    /// Its first day; events are of the month in which they were recorded, in UTC.
    pub month: NaiveDate,
    /// Counted from 1.
    pub part: i32,
    pub object_key: String,
    pub row_count: i64,
    /// Of the object, in bytes.
    pub size: i64,
    #[serde(skip)]
    pub sha256: Vec<u8>,
    pub archived_at: DateTime<Utc>,
}

/// The first days of the log's months that ended at least `months` before this month began, the oldest first.
pub async fn months_before(conn: &mut PgConnection, months: i32) -> Result<Vec<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS "month!"
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'cargo_events'::regclass
            AND c.relname ~ '^cargo_events_[0-9]{4}_[0-9]{2}$'
            AND to_date(right(c.relname, 7), 'YYYY_MM')
                < date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1)
        ORDER BY 1
        "#,
        months,
    )
    .fetch_all(conn)
    .await
}

/// The events of a month as CSV without a header, [`ARCHIVED_COLUMNS`] in this order, one line each.
pub async fn copy_month(
    conn: &mut PgConnection,
    month: NaiveDate,
) -> Result<BoxStream<'_, Result<Bytes, sqlx::Error>>, sqlx::Error> {
    let next = month + Months::new(1);
    // COPY takes no parameters; dates have no quotes.
    let statement = format!(
        "
        COPY (
            SELECT {}
            FROM cargo_events
            WHERE recorded_at >= '{month} 00:00:00+00'
                AND recorded_at < '{next} 00:00:00+00'
        ) TO STDOUT (FORMAT csv)
        ",
        ARCHIVED_COLUMNS.join(", "),
    );
    conn.copy_out_raw(&statement).await
}

/// Writes down what a month's objects hold, in place of what an earlier try wrote.
pub async fn list_archived(
    conn: &mut PgConnection,
    month: NaiveDate,
    parts: &[ArchivePart],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM cargo_archives WHERE month = $1", month).execute(&mut *conn).await?;
    for one in parts {
        let written = sqlx::query!(
            "
            INSERT INTO cargo_archives (month, part, object_key, row_count, size, sha256)
            VALUES ($1, $2, $3, $4, $5, $6)
            ",
            one.month,
            one.part,
            one.object_key,
            one.row_count,
            one.size,
            one.sha256.as_slice(),
        )
        .execute(&mut *conn)
        .await?;
        debug_assert_eq!(written.rows_affected(), 1);
    }
    Ok(())
}

/// What is archived, of one month or of all, in order.
pub async fn archived(conn: &mut PgConnection, month: Option<NaiveDate>) -> Result<Vec<ArchivePart>, sqlx::Error> {
    sqlx::query_as!(
        ArchivePart,
        "
        SELECT month, part, object_key, row_count, size, sha256, archived_at
        FROM cargo_archives
        WHERE $1::date IS NULL OR month = $1
        ORDER BY month, part
        ",
        month,
    )
    .fetch_all(conn)
    .await
}

/// Drops a month of the log that is archived as a whole; returns how many events it had. The database refuses a month of the last
/// year, and one that the list does not account for.
pub async fn drop_month(conn: &mut PgConnection, month: NaiveDate) -> Result<i64, sqlx::Error> {
    // Before, and not in the same transaction: it locks rows that writers of events want, and dropping waits for those writers.
    sqlx::query!(
        "
        UPDATE cargo_standings AS kept
        SET archived = true
        FROM (
            SELECT DISTINCT org, shipment
            FROM cargo_events
            WHERE recorded_at >= $1::date::timestamp AT TIME ZONE 'UTC'
                AND recorded_at < ($1::date + interval '1 month') AT TIME ZONE 'UTC'
        ) AS of_month
        WHERE kept.org = of_month.org
            AND kept.shipment = of_month.shipment
            AND NOT kept.archived
        ",
        month,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(r#"SELECT cargo_drop_month($1) AS "held!""#, month).fetch_one(conn).await
}
