//! The organisation that a review is about answers.

use sqlx::PgConnection;

use super::{ReviewError, guard, read};
use crate::ids::{OrderId, ReviewId};
use crate::offers::model::Party;
use crate::reviews::model::OrderReview;
use crate::reviews::rules::ReviewRefusal;

/// Locks the order of a review, and reads the review under its lock. The order of a review never changes.
pub(super) async fn locked(conn: &mut PgConnection, id: ReviewId) -> Result<OrderReview, ReviewError> {
    let order = sqlx::query_scalar!(r#"SELECT order_id AS "order: OrderId" FROM reviews WHERE id = $1"#, id.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(ReviewError::NotFound("review"))?;
    guard(conn, order).await?.ok_or(ReviewError::NotFound("review"))?;
    read::find(conn, id).await?.ok_or(ReviewError::NotFound("review"))
}

/// Answers a review, once. To everybody but whom it is about, and to them until it is shown, there is no such review. Needs a
/// transaction.
pub async fn answer(conn: &mut PgConnection, by: Party, id: ReviewId, text: &str) -> Result<OrderReview, ReviewError> {
    let review = locked(conn, id).await?;
    if review.subject_org_id != by.org || review.shown_at.is_none() {
        return Err(ReviewError::NotFound("review"));
    }
    if review.hidden.is_some() {
        return Err(ReviewRefusal::Hidden.into());
    }
    if review.answer.is_some() {
        return Err(ReviewRefusal::Answered.into());
    }
    sqlx::query!(
        "UPDATE reviews
         SET answer = $2,
             answered_by = $3,
             answered_at = clock_timestamp()
         WHERE id = $1",
        id.0,
        text,
        by.user.0,
    )
    .execute(&mut *conn)
    .await?;
    read::find(conn, id).await?.ok_or(ReviewError::NotFound("review"))
}
