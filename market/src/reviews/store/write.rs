//! A side writes, or changes what it has written.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::show::show_guarded;
use super::{ReviewError, guard, read};
use crate::ids::{OrderId, ReviewId};
use crate::offers::model::Party;
use crate::orders::model::Side;
use crate::reviews::model::{BLIND_TERM, OrderReview};
use crate::reviews::rules::{Written, judge_writing};

/// What was written, and what follows.
#[derive(Clone, Debug)]
pub struct Change {
    pub review: OrderReview,
    /// When it is to be shown, if it was written just now and waits for the other side's.
    pub show_at: Option<DateTime<Utc>>,
    /// Those that are shown from now on.
    pub shown: Vec<ReviewId>,
}

/// Writes about an order, as one of its sides, or changes what that side has written. When both have, both are shown. Needs a
/// transaction.
pub async fn write(
    conn: &mut PgConnection,
    by: Party,
    order: OrderId,
    stars: i16,
    text: &str,
) -> Result<Change, ReviewError> {
    let parties = sqlx::query_scalar!(
        r#"SELECT $2 IN (buyer_org_id, seller_org_id) AS "is_party!" FROM orders WHERE id = $1"#,
        order.0,
        by.org.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Neither changes, so that this needs no lock.
    if parties != Some(true) {
        return Err(ReviewError::NotFound("order"));
    }
    let mut guarded = guard(conn, order).await?.ok_or(ReviewError::NotFound("order"))?;
    let side = guarded.side_of(by.org).ok_or(ReviewError::NotFound("order"))?;
    let own = guarded.of_side(side);
    judge_writing(guarded.completed_at, own, guarded.now)?;
    let due_at = own.map_or(guarded.now + BLIND_TERM, |own| own.due_at);
    let id = if own.is_some() {
        sqlx::query_scalar!(
            r#"UPDATE reviews
               SET written_by = $3,
                   stars = $4,
                   text = $5,
                   changed_at = $6
               WHERE order_id = $1
                 AND side = $2
               RETURNING id AS "id: ReviewId""#,
            order.0,
            side as Side,
            by.user.0,
            stars,
            text,
            guarded.now,
        )
        .fetch_one(&mut *conn)
        .await?
    } else {
        let id = ReviewId::generate();
        sqlx::query!(
            "INSERT INTO reviews (id, order_id, buyer_org_id, seller_org_id, side, written_by, stars, text, written_at, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            id.0,
            order.0,
            guarded.buyer.0,
            guarded.seller.0,
            side as Side,
            by.user.0,
            stars,
            text,
            guarded.now,
            due_at,
        )
        .execute(&mut *conn)
        .await?;
        guarded.written.push((side, Written { due_at, shown_at: None }));
        id
    };
    let shown = show_guarded(conn, order, &guarded).await?;
    let review = read::find(conn, id).await?.ok_or(ReviewError::NotFound("review"))?;
    let show_at = (own.is_none() && review.shown_at.is_none()).then_some(due_at);
    Ok(Change { review, show_at, shown })
}
