//! What papers are printed from, and their files.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::read::documents;
use crate::ids::{InvoiceId, OrderId, RefundId};
use crate::invoices::model::{InvoiceFile, InvoiceKind, InvoiceOf, Printable};

/// The document that was issued for an order or a refund; those from before invoices have none. An order's is its first one.
pub async fn find(conn: &mut PgConnection, of: InvoiceOf) -> Result<Option<InvoiceId>, sqlx::Error> {
    match of {
        InvoiceOf::Order(order) => {
            sqlx::query_scalar!(
                r#"SELECT id AS "id: InvoiceId" FROM invoices WHERE order_id = $1 AND kind = 'invoice' AND replaces IS NULL"#,
                order.0,
            )
            .fetch_optional(conn)
            .await
        }
        InvoiceOf::Refund(refund) => {
            sqlx::query_scalar!(r#"SELECT id AS "id: InvoiceId" FROM invoices WHERE refund_id = $1"#, refund.0)
                .fetch_optional(conn)
                .await
        }
        InvoiceOf::Document(id) => {
            sqlx::query_scalar!(r#"SELECT id AS "id: InvoiceId" FROM invoices WHERE id = $1"#, id.0)
                .fetch_optional(conn)
                .await
        }
    }
}

/// What the paper of a document says.
pub async fn printable(conn: &mut PgConnection, id: InvoiceId) -> Result<Option<Printable>, sqlx::Error> {
    let Some(invoice) = documents(conn, &[id.0]).await?.pop() else { return Ok(None) };
    let days = sqlx::query!(
        r#"SELECT (i.issued_at AT TIME ZONE s.time_zone)::date AS "issued_on!", back.year AS "year?", back.number AS "number?",
                  (back.issued_at AT TIME ZONE s.time_zone)::date AS "on?"
           FROM invoices AS i
           JOIN orgs AS s ON s.id = i.seller_org_id
           LEFT JOIN invoices AS back ON back.id = coalesce(i.refers_to, i.replaces)
           WHERE i.id = $1"#,
        id.0,
    )
    .fetch_one(conn)
    .await?;
    let number = days.year.zip(days.number).map(|(year, number)| InvoiceKind::Invoice.reference(year, number));
    Ok(Some(Printable { invoice, issued_on: days.issued_on, takes_back: number.zip(days.on) }))
}

/// The file of a document, if it is printed.
pub async fn file(conn: &mut PgConnection, id: InvoiceId) -> Result<Option<InvoiceFile>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT i.kind AS "kind: InvoiceKind", i.year, i.number, f.object_key, f.bytes, f.sha256, f.lacks
           FROM invoice_files AS f
           JOIN invoices AS i ON i.id = f.invoice_id
           WHERE f.invoice_id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| InvoiceFile {
        kind: row.kind,
        reference: row.kind.reference(row.year, row.number),
        object_key: row.object_key,
        bytes: row.bytes,
        sha256: row.sha256,
        lacks: row.lacks,
    }))
}

/// A file that is in the blob store.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    pub invoice: InvoiceId,
    pub object_key: &'a str,
    pub bytes: i64,
    pub sha256: [u8; 32],
    pub lacks: Option<&'a str>,
}

/// Writes down that a document is printed: whether it was not before.
pub async fn keep_file(conn: &mut PgConnection, new: NewFile<'_>) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "INSERT INTO invoice_files (invoice_id, object_key, bytes, sha256, lacks)
         VALUES ($1, $2, $3, $4, left($5, 500))
         ON CONFLICT (invoice_id) DO NOTHING",
        new.invoice.0,
        new.object_key,
        new.bytes,
        &new.sha256,
        new.lacks,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// A document that has no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unprinted {
    pub id: InvoiceId,
    pub issued_at: DateTime<Utc>,
    pub of: InvoiceOf,
}

/// Up to `limit` documents of the last seven days that have had an hour to be printed and are not, oldest first, after this one.
pub async fn unprinted(
    conn: &mut PgConnection,
    after: Option<&Unprinted>,
    limit: i64,
) -> Result<Vec<Unprinted>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.id AS "id: InvoiceId", i.issued_at, i.order_id AS "order: OrderId", i.refund_id AS "refund: RefundId",
                  (i.kind = 'invoice' AND i.replaces IS NULL) AS "first!"
           FROM invoices AS i
           WHERE (i.issued_at, i.id) > (coalesce($1, statement_timestamp() - interval '7 days'), $2)
             AND i.issued_at < statement_timestamp() - interval '1 hour'
             AND NOT EXISTS (SELECT FROM invoice_files AS f WHERE f.invoice_id = i.id)
           ORDER BY i.issued_at, i.id
           LIMIT $3"#,
        after.map(|it| it.issued_at) as Option<DateTime<Utc>>,
        after.map_or(Uuid::nil(), |it| it.id.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let unprinted = rows.into_iter().map(|row| {
        let of = match row.refund {
            Some(refund) => InvoiceOf::Refund(refund),
            None if row.first => InvoiceOf::Order(row.order),
            None => InvoiceOf::Document(row.id),
        };
        Unprinted { id: row.id, issued_at: row.issued_at, of }
    });
    Ok(unprinted.collect())
}
