//! The proof that an order's goods have left the Union, and what follows when it is late.
//!
//! Whoever hands a proof in and whoever taxes for want of it lock the order first, so either comes before the other.

use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use shared::money::{BasisPoints, Currency, Money};
use sqlx::PgConnection;

use super::replace::replace;
use super::{InvoiceError, current};
use crate::documents::store::{DocumentError, leave_file, take_file};
use crate::ids::OrderId;
use crate::images::model::UploadId;
use crate::invoices::model::{ExportProof, Missing, NewProof, ProofStatus, Replaced};
use crate::invoices::rules::proof::{Days, REMINDED_BEFORE, judge};
use crate::money::rules::vat::Treatment;

/// Why a proof is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("the order is not an export that has to be proved, or was not paid")]
    NotNeeded,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    File(#[from] DocumentError),
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages =
    &[("export_proofs_once_per_upload", "/upload", "is the file of another order's proof")];

impl From<sqlx::Error> for ProofError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// The proof of an order, if `party` buys or sells that.
pub async fn proof(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<ExportProof, ProofError> {
    let row = sqlx::query!(
        r#"SELECT p.due_at AS "due_at?", p.taxed_at, p.mrn, p.left_on, p.handed_in_at, u.content_type AS "content_type?",
                  u.object_key AS "object_key?"
           FROM orders AS o
           LEFT JOIN export_proofs AS p ON p.order_id = o.id
           LEFT JOIN uploads AS u ON u.id = p.upload_id
           WHERE o.id = $1
             AND $2 IN (o.seller_org_id, o.buyer_org_id)"#,
        order.0,
        party.0,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(ProofError::NotFound("order"))?;
    let status = match (row.due_at, &row.mrn, row.taxed_at) {
        (None, ..) => ProofStatus::NotNeeded,
        (_, Some(_), _) => ProofStatus::Proved,
        (_, None, Some(_)) => ProofStatus::Taxed,
        (_, None, None) => ProofStatus::Awaited,
    };
    Ok(ExportProof {
        status,
        due_at: row.due_at,
        taxed_at: row.taxed_at,
        mrn: row.mrn,
        left_on: row.left_on,
        handed_in_at: row.handed_in_at,
        file: row.content_type.zip(row.object_key),
    })
}

/// Hands in the proof of an order, or a better one. That it is true is the seller's responsibility. What was taxed for want of it is
/// taxed no more: the documents that say so are returned. Needs a transaction.
pub async fn hand_in(
    conn: &mut PgConnection,
    seller: OrgId,
    by: UserId,
    order: OrderId,
    new: &NewProof,
) -> Result<Option<Replaced>, ProofError> {
    sqlx::query!("SELECT FROM orders WHERE id = $1 AND seller_org_id = $2 FOR NO KEY UPDATE", order.0, seller.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(ProofError::NotFound("order"))?;
    // In a statement of its own: it sees what was changed while the lock was waited for.
    let before = sqlx::query!(
        r#"SELECT p.taxed_at IS NOT NULL AND p.mrn IS NULL AS "taxed!", p.upload_id AS "upload: UploadId",
                  (o.created_at AT TIME ZONE s.time_zone)::date AS "ordered_on!",
                  (clock_timestamp() AT TIME ZONE s.time_zone)::date AS "today!"
           FROM export_proofs AS p
           JOIN orders AS o ON o.id = p.order_id
           JOIN orgs AS s ON s.id = o.seller_org_id
           WHERE p.order_id = $1"#,
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(ProofError::NotNeeded)?;
    judge(&new.mrn, new.left_on, Days { ordered_on: before.ordered_on, today: before.today })?;
    if before.upload != Some(new.upload) {
        take_file(conn, seller, new.upload).await?;
    }
    sqlx::query!(
        "UPDATE export_proofs
         SET mrn = $2, left_on = $3, upload_id = $4, handed_in_by = $5, handed_in_at = clock_timestamp()
         WHERE order_id = $1",
        order.0,
        new.mrn,
        new.left_on,
        new.upload.0,
        by.0,
    )
    .execute(&mut *conn)
    .await?;
    if let Some(old) = before.upload.filter(|old| *old != new.upload) {
        leave_file(conn, old).await?;
    }
    let replaced = if before.taxed { lift(conn, order).await? } else { None };
    let subject = ("order", order.to_string());
    let data = json!({"mrn": new.mrn, "left_on": new.left_on, "upload": new.upload, "was_taxed": before.taxed});
    audit::append(conn, audit::Entry { actor: Actor::User(by), action: "export_proof.hand_in", subject, data }).await?;
    Ok(replaced)
}

/// Takes back the invoice that charges the tax.
async fn lift(conn: &mut PgConnection, order: OrderId) -> Result<Option<Replaced>, InvoiceError> {
    replace(conn, order, Treatment::Export, BasisPoints::try_from(0)?).await
}

/// Up to `limit` exports of which nobody has proved anything in time, the oldest first. Those of which nothing is left are not taxed, and
/// those of a country whose rate nobody has entered wait for it.
pub async fn unproved(conn: &mut PgConnection, limit: i64) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT p.order_id AS "order: OrderId"
           FROM export_proofs AS p
           JOIN escrows AS e ON e.order_id = p.order_id
           JOIN invoices AS i ON i.order_id = p.order_id AND i.kind = 'invoice' AND i.replaces IS NULL
           WHERE p.mrn IS NULL
             AND p.taxed_at IS NULL
             AND p.due_at <= clock_timestamp()
             AND e.refunded_minor < e.amount_minor
             AND EXISTS (
                 SELECT
                 FROM vat_rates AS r
                 WHERE r.country = i.seller ->> 'country'
                   AND r.kind = 'standard'
                   AND r.valid_from <= i.issued_at::date
             )
           ORDER BY p.due_at, p.order_id
           LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Taxes an export that nobody has proved in time, by the rate of the day of its invoice. `None`: it was proved or taxed meanwhile, or
/// nothing is left of it. Needs a transaction of its own.
pub async fn tax_unproved(conn: &mut PgConnection, order: OrderId) -> Result<Option<Replaced>, InvoiceError> {
    sqlx::query!("SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE", order.0).fetch_optional(&mut *conn).await?;
    let rate = sqlx::query_scalar!(
        "SELECT r.bps
         FROM export_proofs AS p
         JOIN invoices AS i ON i.order_id = p.order_id AND i.kind = 'invoice' AND i.replaces IS NULL
         JOIN vat_rates AS r ON r.country = i.seller ->> 'country' AND r.kind = 'standard' AND r.valid_from <= i.issued_at::date
         WHERE p.order_id = $1
           AND p.mrn IS NULL
           AND p.taxed_at IS NULL
           AND p.due_at <= clock_timestamp()
         ORDER BY r.valid_from DESC
         LIMIT 1",
        order.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(rate) = rate else { return Ok(None) };
    let rate = BasisPoints::try_from(rate)?;
    let Some(replaced) = replace(conn, order, Treatment::SellersRate, rate).await? else { return Ok(None) };
    sqlx::query!("UPDATE export_proofs SET taxed_at = clock_timestamp() WHERE order_id = $1", order.0)
        .execute(&mut *conn)
        .await?;
    let (subject, data) = (("order", order.to_string()), json!({"invoice": replaced.invoice, "rate_bps": rate.get()}));
    audit::append(conn, audit::Entry { actor: Actor::System, action: "export_proof.tax", subject, data }).await?;
    Ok(Some(replaced))
}

/// Up to `limit` exports whose time is over soon and whose sellers were not reminded, the most urgent first.
pub async fn missing(conn: &mut PgConnection, limit: i64) -> Result<Vec<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT p.order_id AS "order: OrderId"
           FROM export_proofs AS p
           JOIN escrows AS e ON e.order_id = p.order_id
           WHERE p.mrn IS NULL
             AND p.taxed_at IS NULL
             AND p.reminded_at IS NULL
             AND p.due_at <= clock_timestamp() + make_interval(secs => $1)
             AND p.due_at > clock_timestamp()
             AND e.refunded_minor < e.amount_minor
           ORDER BY p.due_at, p.order_id
           LIMIT $2"#,
        REMINDED_BEFORE.as_seconds_f64(),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Notes that a seller is reminded of a missing proof. `false`: it was before, or there is one now.
pub async fn note_reminded(conn: &mut PgConnection, order: OrderId) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE export_proofs
         SET reminded_at = clock_timestamp()
         WHERE order_id = $1
           AND reminded_at IS NULL
           AND mrn IS NULL
           AND taxed_at IS NULL",
        order.0,
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// What a seller is to hear of a missing proof.
pub async fn missing_proof(conn: &mut PgConnection, order: OrderId) -> Result<Option<Missing>, sqlx::Error> {
    let Some(invoice) = current(conn, order).await? else { return Ok(None) };
    let row = sqlx::query!(
        r#"SELECT o.seller_org_id AS "seller: OrgId", ((p.due_at - interval '1 second') AT TIME ZONE s.time_zone)::date AS "due_on!",
                  p.taxed_at IS NOT NULL AS "taxed!", i.tax_minor, i.currency AS "currency: Currency"
           FROM export_proofs AS p
           JOIN invoices AS i ON i.id = $2
           JOIN orders AS o ON o.id = p.order_id
           JOIN orgs AS s ON s.id = o.seller_org_id
           WHERE p.order_id = $1"#,
        order.0,
        invoice.id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let tax = row.taxed.then(|| Money::from_minor(row.tax_minor, row.currency));
        Missing { order, seller: row.seller, due_on: row.due_on, tax }
    }))
}

#[cfg(test)]
mod tests;
