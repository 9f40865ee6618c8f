//! SQL for reconciliation.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::ids::UserId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Difference, DifferenceKind, Found, Moved, OurMovement, OurPayment};
use crate::escrow::model::PaymentStatus;
use crate::ids::{DifferenceId, PaymentId, PayoutId, RefundId};
use crate::payments::{Provider, ProviderRef};

mod undone;

pub use undone::undone;

/// Why a difference is not closed.
#[derive(Debug, thiserror::Error)]
pub enum DifferenceError {
    #[error("there is no such difference")]
    NotFound,
    #[error("the difference is closed")]
    Closed,
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

struct PaymentRow {
    id: PaymentId,
    reference: ProviderRef,
    status: PaymentStatus,
    amount_minor: i64,
    currency: Currency,
    refunded: i64,
    refunding: i64,
    booked: Option<i64>,
    created_at: DateTime<Utc>,
}

impl From<PaymentRow> for OurPayment {
    fn from(row: PaymentRow) -> Self {
        let money = |minor| Money::from_minor(minor, row.currency);
        Self {
            id: row.id,
            reference: row.reference,
            status: row.status,
            amount: money(row.amount_minor),
            refunded: money(row.refunded),
            refunding: money(row.refunding),
            booked: row.booked.map(money),
            created_at: row.created_at,
        }
    }
}

/// The payments that a provider calls so, of checkouts and of plans, in no order.
pub async fn named(
    conn: &mut PgConnection,
    provider: Provider,
    names: &[String],
) -> Result<Vec<OurPayment>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PaymentRow,
        r#"SELECT p.id AS "id!: PaymentId", p.provider_ref AS "reference!: ProviderRef", p.status AS "status!: PaymentStatus",
                  p.amount_minor AS "amount_minor!", p.currency AS "currency!: Currency", r.refunded AS "refunded!",
                  r.refunding AS "refunding!",
                  (SELECT -e.amount_minor
                   FROM money_transfers AS t
                   JOIN money_entries AS e ON e.transfer_id = t.id
                   JOIN money_accounts AS a ON a.id = e.account_id AND a.kind = 'cash'
                   WHERE t.kind = 'capture' AND t.reference = p.id::text) AS "booked?",
                  p.created_at AS "created_at!"
           FROM payments AS p
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(amount_minor) FILTER (WHERE status = 'done'), 0)::bigint AS refunded,
                      coalesce(sum(amount_minor) FILTER (WHERE status IN ('intended', 'sent')), 0)::bigint AS refunding
               FROM refunds
               WHERE payment_id = p.id) AS r
           WHERE p.provider = $1 AND p.provider_ref = ANY ($2)
           UNION ALL
           SELECT p.id, p.provider_ref, p.status, p.amount_minor, p.currency, 0, 0,
                  (SELECT -e.amount_minor
                   FROM money_transfers AS t
                   JOIN money_entries AS e ON e.transfer_id = t.id
                   JOIN money_accounts AS a ON a.id = e.account_id AND a.kind = 'cash'
                   WHERE t.kind = 'plan_fee' AND t.reference = p.id::text),
                  p.created_at
           FROM plan_payments AS p
           WHERE p.provider = $1 AND p.provider_ref = ANY ($2)"#,
        provider as Provider,
        names,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OurPayment::from).collect())
}

/// The database's clock.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#).fetch_one(conn).await
}

/// What a page of things is after: when the last one before it was made, and its id.
pub type After = (DateTime<Utc>, Uuid);

/// The names of the next `most` payments made from `since` and before `until` that a provider knows, oldest first.
pub async fn payments(
    conn: &mut PgConnection,
    provider: Provider,
    (after, after_id): After,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(After, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT created_at AS "created_at!", id AS "id!", provider_ref AS "provider_ref!"
           FROM (
               (SELECT created_at, id, provider_ref
                FROM payments
                WHERE provider = $1 AND provider_ref IS NOT NULL AND (created_at, id) > ($2, $3) AND created_at < $4
                ORDER BY created_at, id
                LIMIT $5)
               UNION ALL
               (SELECT created_at, id, provider_ref
                FROM plan_payments
                WHERE provider = $1 AND provider_ref IS NOT NULL AND (created_at, id) > ($2, $3) AND created_at < $4
                ORDER BY created_at, id
                LIMIT $5)) AS made
           ORDER BY created_at, id
           LIMIT $5"#,
        provider as Provider,
        after,
        after_id,
        until,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.created_at, row.id), row.provider_ref)).collect())
}

/// The next `most` refunds made so that a provider knows, oldest first.
pub async fn refunds(
    conn: &mut PgConnection,
    provider: Provider,
    (after, after_id): After,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(After, OurMovement)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.created_at, r.id, r.provider_ref AS "reference!: ProviderRef", r.amount_minor, r.status = 'done' AS "done!",
                  p.currency AS "currency: Currency",
                  (SELECT e.amount_minor
                   FROM money_transfers AS t
                   JOIN money_entries AS e ON e.transfer_id = t.id
                   JOIN money_accounts AS a ON a.id = e.account_id AND a.kind = 'cash'
                   WHERE t.kind = 'refund_paid' AND t.reference = r.id::text) AS booked
           FROM refunds AS r
           JOIN payments AS p ON p.id = r.payment_id AND p.provider = $1
           WHERE r.provider_ref IS NOT NULL AND (r.created_at, r.id) > ($2, $3) AND r.created_at < $4
             AND r.status <> 'failed'
           ORDER BY r.created_at, r.id
           LIMIT $5"#,
        provider as Provider,
        after,
        after_id,
        until,
        most,
    )
    .fetch_all(conn)
    .await?;
    let refunds = rows.into_iter().map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        let refund = OurMovement {
            what: Moved::Refund(RefundId(row.id)),
            reference: row.reference,
            amount: money(row.amount_minor),
            done: row.done,
            booked: row.booked.map(money),
            created_at: row.created_at,
        };
        ((row.created_at, row.id), refund)
    });
    Ok(refunds.collect())
}

/// The ways of the next `most` payouts made so that a provider knows, oldest first: to the account, and from there to the bank.
pub async fn payouts(
    conn: &mut PgConnection,
    provider: Provider,
    (after, after_id): After,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(After, Vec<OurMovement>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.created_at, p.id, p.transfer_ref AS "transfer_ref!: ProviderRef", p.provider_ref AS "provider_ref: ProviderRef",
                  p.amount_minor, p.status = 'paid' AS "paid!", p.currency AS "currency: Currency",
                  (SELECT e.amount_minor
                   FROM money_transfers AS t
                   JOIN money_entries AS e ON e.transfer_id = t.id
                   JOIN money_accounts AS a ON a.id = e.account_id AND a.kind = 'cash'
                   WHERE t.kind = 'payout_paid' AND t.reference = p.id::text) AS booked
           FROM payouts AS p
           JOIN payout_accounts AS a ON a.id = p.account_id AND a.provider = $1
           WHERE p.transfer_ref IS NOT NULL AND (p.created_at, p.id) > ($2, $3) AND p.created_at < $4
           ORDER BY p.created_at, p.id
           LIMIT $5"#,
        provider as Provider,
        after,
        after_id,
        until,
        most,
    )
    .fetch_all(conn)
    .await?;
    let payouts = rows.into_iter().map(|row| {
        let money = |minor| Money::from_minor(minor, row.currency);
        let (id, amount, created_at) = (PayoutId(row.id), money(row.amount_minor), row.created_at);
        let transfer = OurMovement {
            what: Moved::Transfer(id),
            reference: row.transfer_ref,
            amount,
            done: true,
            booked: None,
            created_at,
        };
        let payout = row.provider_ref.map(|reference| OurMovement {
            what: Moved::Payout(id),
            reference,
            amount,
            done: row.paid,
            booked: row.booked.map(money),
            created_at,
        });
        ((row.created_at, row.id), [Some(transfer), payout].into_iter().flatten().collect())
    });
    Ok(payouts.collect())
}

/// What one reconciliation has seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    pub provider: Provider,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub compared: i64,
    pub found: &'a [Found],
}

/// Keeps a reconciliation and the differences that nobody has found before; how many these are. Needs a transaction.
pub async fn record(conn: &mut PgConnection, seen: Seen<'_>) -> Result<i64, sqlx::Error> {
    let ids: Vec<Uuid> = seen.found.iter().map(|_| DifferenceId::generate().0).collect();
    let kinds: Vec<DifferenceKind> = seen.found.iter().map(|found| found.kind).collect();
    let subjects: Vec<String> = seen.found.iter().map(|found| found.subject.clone()).collect();
    let ours: Vec<Option<Value>> = seen.found.iter().map(|found| found.ours.clone()).collect();
    let theirs: Vec<Option<Value>> = seen.found.iter().map(|found| found.theirs.clone()).collect();
    let new = sqlx::query_scalar!(
        r#"WITH found AS (
               SELECT *
               FROM unnest($5::text[], $6::text[], $7::jsonb[], $8::jsonb[], $9::uuid[]) AS f (kind, subject, ours, theirs, id)
           ), fresh AS (
               SELECT DISTINCT ON (f.kind, f.subject, f.ours, f.theirs) f.*
               FROM found AS f
               WHERE NOT EXISTS (
                   SELECT FROM reconciliation_differences AS d
                   WHERE d.provider = $1 AND d.kind = f.kind AND d.subject = f.subject
                     AND d.ours IS NOT DISTINCT FROM f.ours AND d.theirs IS NOT DISTINCT FROM f.theirs)
           ), kept AS (
               INSERT INTO reconciliations (provider, since, until, compared, differences)
               SELECT $1, $2, $3, $4, count(*) FROM fresh
               RETURNING id, differences
           ), written AS (
               INSERT INTO reconciliation_differences (id, reconciliation_id, provider, kind, subject, ours, theirs)
               SELECT fresh.id, kept.id, $1, kind, subject, ours, theirs FROM fresh CROSS JOIN kept
               ON CONFLICT ON CONSTRAINT differences_once DO NOTHING
           )
           SELECT differences FROM kept"#,
        seen.provider as Provider,
        seen.since,
        seen.until,
        seen.compared,
        &kinds as &[DifferenceKind],
        &subjects,
        &ours as &[Option<Value>],
        &theirs as &[Option<Value>],
        &ids,
    );
    new.fetch_one(conn).await
}

/// Which differences a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct DifferenceFilter {
    /// Only those that nobody has closed.
    pub open: bool,
    /// Only those before this one.
    pub before: Option<DifferenceId>,
    pub limit: i64,
}

struct Row {
    id: DifferenceId,
    provider: Provider,
    kind: DifferenceKind,
    subject: String,
    ours: Option<Value>,
    theirs: Option<Value>,
    found_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    closed_by: Option<UserId>,
    note: Option<String>,
}

impl From<Row> for Difference {
    fn from(row: Row) -> Self {
        let Row { id, provider, kind, subject, ours, theirs, found_at, closed_at, closed_by, note } = row;
        Self { id, provider, kind, subject, ours, theirs, found_at, closed_at, closed_by, note }
    }
}

/// Differences, newest first.
pub async fn differences(conn: &mut PgConnection, filter: DifferenceFilter) -> Result<Vec<Difference>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: DifferenceId", provider AS "provider: Provider", kind AS "kind: DifferenceKind", subject, ours, theirs, found_at,
                  closed_at, closed_by AS "closed_by: UserId", note
           FROM reconciliation_differences
           WHERE (NOT $1 OR closed_at IS NULL) AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC
           LIMIT $3"#,
        filter.open,
        filter.before.map(|before| before.0),
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Difference::from).collect())
}

/// Closes a difference that somebody has looked into. Needs a transaction.
pub async fn close(
    conn: &mut PgConnection,
    by: UserId,
    id: DifferenceId,
    note: &str,
) -> Result<Difference, DifferenceError> {
    let closed = sqlx::query_as!(
        Row,
        r#"UPDATE reconciliation_differences
           SET closed_at = clock_timestamp(), closed_by = $2, note = $3
           WHERE id = $1 AND closed_at IS NULL
           RETURNING id AS "id: DifferenceId", provider AS "provider: Provider", kind AS "kind: DifferenceKind", subject, ours, theirs, found_at,
                     closed_at, closed_by AS "closed_by: UserId", note"#,
        id.0,
        by.0,
        note,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(closed) = closed else {
        let there = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM reconciliation_differences WHERE id = $1) AS "there!""#,
            id.0
        );
        return Err(if there.fetch_one(conn).await? { DifferenceError::Closed } else { DifferenceError::NotFound });
    };
    let (subject, data) = (("reconciliation_difference", id.to_string()), json!({"note": note}));
    let actor = Actor::User(by);
    audit::append(conn, audit::Entry { actor, action: "reconciliation.close", subject, data }).await?;
    Ok(closed.into())
}
