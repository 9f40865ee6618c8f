//! Reports of reviews, and what moderators do with them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::answer::locked;
use super::{ReviewError, read};
use crate::ids::{ReviewId, ReviewReportId};
use crate::offers::model::Party;
use crate::reviews::model::{OrderReview, ReviewReport, ReviewReportOutcome, ReviewReportReason, ReviewReportStatus};
use crate::reviews::rules::ReviewRefusal;

/// Reports a review that everybody can read to the moderators. Needs a transaction.
pub async fn report(
    conn: &mut PgConnection,
    by: Party,
    review: ReviewId,
    reason: ReviewReportReason,
    note: Option<&str>,
) -> Result<ReviewReport, ReviewError> {
    let found = read::find(conn, review).await?.filter(OrderReview::is_public);
    if found.ok_or(ReviewError::NotFound("review"))?.author_org_id == by.org {
        return Err(ReviewRefusal::Own.into());
    }
    let id = ReviewReportId::generate();
    sqlx::query!(
        "INSERT INTO review_reports (id, review_id, org_id, reported_by, reason, note)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id.0,
        review.0,
        by.org.0,
        by.user.0,
        reason as ReviewReportReason,
        note,
    )
    .execute(&mut *conn)
    .await?;
    write_down(conn, by.user, "review.report", ("review_report", id.to_string()), json!({"review": review})).await?;
    find(conn, id).await
}

async fn write_down(
    conn: &mut PgConnection,
    user: UserId,
    action: &str,
    subject: (&str, String),
    data: Value,
) -> Result<(), sqlx::Error> {
    audit::append(conn, audit::Entry { actor: Actor::User(user), action, subject, data }).await?;
    Ok(())
}

struct Row {
    id: ReviewReportId,
    review: ReviewId,
    author_org_id: OrgId,
    author_name: String,
    subject_org_id: OrgId,
    subject_name: String,
    stars: i16,
    text: String,
    answer: Option<String>,
    org_id: OrgId,
    reason: ReviewReportReason,
    note: Option<String>,
    status: ReviewReportStatus,
    created_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    decision: Option<String>,
}

impl From<Row> for ReviewReport {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            review: row.review,
            author_org_id: row.author_org_id,
            author_name: row.author_name,
            subject_org_id: row.subject_org_id,
            subject_name: row.subject_name,
            stars: row.stars,
            text: row.text,
            answer: row.answer,
            org_id: row.org_id,
            reason: row.reason,
            note: row.note,
            status: row.status,
            created_at: row.created_at,
            decided_at: row.decided_at,
            decision: row.decision,
        }
    }
}

/// Up to `limit` reports behind `after`, oldest first: those that nobody has decided, or all.
pub async fn reports(
    conn: &mut PgConnection,
    open: bool,
    after: Option<ReviewReportId>,
    limit: i64,
) -> Result<Vec<ReviewReport>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM review_reports
         WHERE (NOT $1 OR status = 'open')
           AND id > coalesce($2, '00000000-0000-0000-0000-000000000000'::uuid)
         ORDER BY id
         LIMIT $3",
        open,
        after.map(|id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    these(conn, &ids).await
}

async fn these(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<ReviewReport>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT p.id AS "id: ReviewReportId", p.review_id AS "review: ReviewId", r.author_org_id AS "author_org_id!: OrgId",
                  author.legal_name AS author_name, r.subject_org_id AS "subject_org_id!: OrgId",
                  subject.legal_name AS subject_name, r.stars, r.text, r.answer, p.org_id AS "org_id: OrgId",
                  p.reason AS "reason: ReviewReportReason", p.note, p.status AS "status: ReviewReportStatus", p.created_at,
                  p.decided_at, p.decision
           FROM review_reports AS p
           JOIN reviews AS r ON r.id = p.review_id
           JOIN orgs AS author ON author.id = r.author_org_id
           JOIN orgs AS subject ON subject.id = r.subject_org_id
           WHERE p.id = ANY ($1)
           ORDER BY p.id"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ReviewReport::from).collect())
}

async fn find(conn: &mut PgConnection, id: ReviewReportId) -> Result<ReviewReport, ReviewError> {
    these(conn, &[id.0]).await?.pop().ok_or(ReviewError::NotFound("report"))
}

/// Refuses people who belong to an organisation that it concerns.
async fn refuse_own(conn: &mut PgConnection, moderator: UserId, report: &ReviewReport) -> Result<(), ReviewError> {
    let own = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND org_id IN ($2, $3, $4)) AS "own!""#,
        moderator.0,
        report.author_org_id.0,
        report.subject_org_id.0,
        report.org_id.0,
    )
    .fetch_one(conn)
    .await?;
    if own { Err(ReviewError::OwnOrg) } else { Ok(()) }
}

/// Decides about a report; one that is upheld hides the review. Needs a transaction.
pub async fn decide(
    conn: &mut PgConnection,
    moderator: UserId,
    id: ReviewReportId,
    outcome: ReviewReportOutcome,
    decision: &str,
) -> Result<ReviewReport, ReviewError> {
    let review = find(conn, id).await?.review;
    locked(conn, review).await?;
    // In a statement of its own: the next one sees what was decided while this one waited.
    sqlx::query!("SELECT FROM review_reports WHERE id = $1 FOR NO KEY UPDATE", id.0).fetch_optional(&mut *conn).await?;
    let report = find(conn, id).await?;
    refuse_own(conn, moderator, &report).await?;
    if report.status != ReviewReportStatus::Open {
        return Err(ReviewError::Decided);
    }
    let status = ReviewReportStatus::from(outcome);
    sqlx::query!(
        "UPDATE review_reports
         SET status = $2,
             decided_by = $3,
             decided_at = clock_timestamp(),
             decision = $4
         WHERE id = $1",
        id.0,
        status as ReviewReportStatus,
        moderator.0,
        decision,
    )
    .execute(&mut *conn)
    .await?;
    let hides = outcome == ReviewReportOutcome::Upheld && hide(conn, moderator, review, decision).await?;
    let subject = ("review_report", id.to_string());
    write_down(conn, moderator, "review.report_decide", subject, json!({"outcome": outcome, "review": review})).await?;
    if hides {
        let subject = ("review", review.to_string());
        write_down(conn, moderator, "review.hide", subject, json!({"report": id, "reason": decision})).await?;
    }
    find(conn, id).await
}

/// Hides a review whose order is locked. `false`: it is hidden.
async fn hide(conn: &mut PgConnection, moderator: UserId, review: ReviewId, reason: &str) -> Result<bool, sqlx::Error> {
    let hidden = sqlx::query!(
        "UPDATE reviews
         SET hidden_reason = $2,
             hidden_by = $3,
             hidden_at = clock_timestamp()
         WHERE id = $1
           AND hidden_at IS NULL",
        review.0,
        reason,
        moderator.0,
    )
    .execute(conn)
    .await?;
    Ok(hidden.rows_affected() == 1)
}
