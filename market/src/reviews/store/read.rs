//! Reviews as their sides and everybody else see them.

use chrono::{DateTime, Utc};
use shared::ids::OrgId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{OrderId, ReviewId};
use crate::orders::model::Side;
use crate::reviews::model::{OrderReview, OrgProfile, PublicReview, Rating, ReviewAnswer, ReviewHidden};

struct Row {
    id: ReviewId,
    order: OrderId,
    side: Side,
    author_org_id: OrgId,
    author_name: String,
    subject_org_id: OrgId,
    stars: i16,
    text: String,
    written_at: DateTime<Utc>,
    changed_at: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
    shown_at: Option<DateTime<Utc>>,
    answer: Option<String>,
    answered_at: Option<DateTime<Utc>>,
    hidden_reason: Option<String>,
    hidden_at: Option<DateTime<Utc>>,
}

impl From<Row> for OrderReview {
    fn from(row: Row) -> Self {
        let answer = row.answer.zip(row.answered_at).map(|(text, answered_at)| ReviewAnswer { text, answered_at });
        let hidden = row.hidden_reason.zip(row.hidden_at).map(|(reason, hidden_at)| ReviewHidden { reason, hidden_at });
        Self {
            id: row.id,
            order: row.order,
            side: row.side,
            author_org_id: row.author_org_id,
            author_name: row.author_name,
            subject_org_id: row.subject_org_id,
            stars: row.stars,
            text: row.text,
            written_at: row.written_at,
            changed_at: row.changed_at,
            due_at: row.due_at,
            shown_at: row.shown_at,
            answer,
            hidden,
        }
    }
}

/// These reviews, newest first.
async fn reviews(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<OrderReview>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.id AS "id: ReviewId", r.order_id AS "order: OrderId", r.side AS "side: Side",
                  r.author_org_id AS "author_org_id!: OrgId", o.legal_name AS author_name,
                  r.subject_org_id AS "subject_org_id!: OrgId", r.stars, r.text, r.written_at, r.changed_at, r.due_at, r.shown_at,
                  r.answer, r.answered_at, r.hidden_reason, r.hidden_at
           FROM reviews AS r
           JOIN orgs AS o ON o.id = r.author_org_id
           WHERE r.id = ANY ($1)
           ORDER BY r.id DESC"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OrderReview::from).collect())
}

/// The review, whoever asks.
pub async fn find(conn: &mut PgConnection, id: ReviewId) -> Result<Option<OrderReview>, sqlx::Error> {
    Ok(reviews(conn, &[id.0]).await?.pop())
}

/// What `party` may read of what was written about an order that it buys or sells: its own review, and the other one once it is shown.
pub async fn of_order(conn: &mut PgConnection, party: OrgId, order: OrderId) -> Result<Vec<OrderReview>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM reviews
         WHERE order_id = $1
           AND (author_org_id = $2
                OR (subject_org_id = $2 AND shown_at IS NOT NULL AND hidden_at IS NULL))",
        order.0,
        party.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    reviews(conn, &ids).await
}

/// Up to `limit` reviews about an organisation that everybody may read, newest first, before `before`.
pub async fn of_org(
    conn: &mut PgConnection,
    org: OrgId,
    before: Option<ReviewId>,
    limit: i64,
) -> Result<Vec<PublicReview>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id
         FROM reviews
         WHERE subject_org_id = $1
           AND shown_at IS NOT NULL
           AND hidden_at IS NULL
           AND id < $2
         ORDER BY id DESC
         LIMIT $3",
        org.0,
        before.map_or(Uuid::max(), |id| id.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    Ok(reviews(conn, &ids).await?.into_iter().map(PublicReview::from).collect())
}

/// An organisation as everybody sees it. `None`: there is none, or it is not approved.
pub async fn profile(conn: &mut PgConnection, org: OrgId) -> Result<Option<OrgProfile>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT o.id AS "id: OrgId", o.legal_name, o.created_at, coalesce(r.reviews, 0) AS "reviews!",
                  coalesce(r.stars, 0) AS "stars!"
           FROM orgs AS o
           LEFT JOIN org_ratings AS r ON r.org_id = o.id
           WHERE o.id = $1
             AND o.status = 'approved'"#,
        org.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| OrgProfile {
        id: row.id,
        name: row.legal_name,
        rating: Rating::of(row.reviews, row.stars),
        since: row.created_at,
    }))
}
