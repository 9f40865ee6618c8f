//! What became of each row.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ImportError;
use crate::ids::{ImportId, ListingId};
use crate::imports::model::{ImportRow, RowCounts, RowFault, RowOutcome};

/// Notes what became of these rows, in the transaction that applied them. A row that was dealt with before is refused by its key.
pub async fn record(conn: &mut PgConnection, import: ImportId, rows: &[ImportRow]) -> Result<RowCounts, ImportError> {
    let mut counts = RowCounts::default();
    let (mut lines, mut outcomes, mut skus) = (Vec::new(), Vec::new(), Vec::new());
    let (mut listings, mut faults) = (Vec::new(), Vec::new());
    for row in rows {
        counts.add(row.outcome);
        lines.push(row.line);
        outcomes.push(row.outcome.name().to_owned());
        skus.push(row.sku.clone());
        listings.push(row.listing.map(|listing| listing.0));
        let said = (!row.faults.is_empty()).then(|| serde_json::to_value(&row.faults)).transpose()?;
        faults.push(said);
    }
    sqlx::query!(
        "INSERT INTO import_rows (import_id, line, outcome, sku, listing_id, faults)
         SELECT $1, line, outcome, sku, listing_id, faults
         FROM unnest($2::integer[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[])
              AS dealt_with (line, outcome, sku, listing_id, faults)",
        import.0,
        &lines,
        &outcomes,
        &skus as &[Option<String>],
        &listings as &[Option<Uuid>],
        &faults as &[Option<Value>],
    )
    .execute(&mut *conn)
    .await?;
    let updated = sqlx::query!(
        "UPDATE imports
         SET applied = applied + $2,
             unchanged = unchanged + $3,
             incomplete = incomplete + $4,
             refused = refused + $5
         WHERE id = $1
           AND status = 'running'",
        import.0,
        counts.applied,
        counts.unchanged,
        counts.incomplete,
        counts.refused,
    )
    .execute(conn)
    .await?;
    super::expect_one(updated.rows_affected(), import)?;
    Ok(counts)
}

/// The line of the last row that was dealt with, and how many there were: each attempt goes on from there, whichever job it is of.
pub async fn dealt_with(conn: &mut PgConnection, import: ImportId) -> Result<(i32, i64), ImportError> {
    let row = sqlx::query!(
        r#"SELECT coalesce(max(line), 0) AS "line!", count(*) AS "rows!"
           FROM import_rows
           WHERE import_id = $1"#,
        import.0,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.line, row.rows))
}

/// Rows by line, after the line `after`.
pub async fn page(
    conn: &mut PgConnection,
    import: ImportId,
    outcome: Option<RowOutcome>,
    after: Option<i32>,
    limit: i64,
) -> Result<Vec<ImportRow>, ImportError> {
    let rows = sqlx::query!(
        r#"SELECT line, outcome AS "outcome: RowOutcome", sku, listing_id AS "listing_id: ListingId", faults
           FROM import_rows
           WHERE import_id = $1
             AND ($2::text IS NULL OR outcome = $2)
             AND line > coalesce($3, 0)
           ORDER BY line
           LIMIT $4"#,
        import.0,
        outcome as Option<RowOutcome>,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let faults: Vec<RowFault> = row.faults.map(serde_json::from_value).transpose()?.unwrap_or_default();
            Ok(ImportRow { line: row.line, outcome: row.outcome, sku: row.sku, listing: row.listing_id, faults })
        })
        .collect()
}
