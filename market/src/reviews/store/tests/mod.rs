use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::offers::model::Party;
use crate::reviews::model::{OrderReview, Rating, ReviewReportOutcome, ReviewReportReason, ReviewReportStatus};
use crate::testing::{Trader, earn, eur, trader};

mod machine;
mod races;

const fn party(of: Trader) -> Party {
    Party { org: of.org, user: of.user }
}

/// Writes in a transaction of its own.
async fn written(
    conn: &mut PgConnection,
    by: Trader,
    order: OrderId,
    stars: i16,
    text: &str,
) -> Result<Change, ReviewError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let change = write(&mut tx, party(by), order, stars, text).await?;
    tx.commit().await.expect("committed");
    Ok(change)
}

/// Moves what is written about an order and not shown into the past.
async fn age(conn: &mut PgConnection, order: OrderId, days: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: promised times do not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE reviews
         SET written_at = written_at - make_interval(days => $2), due_at = due_at - make_interval(days => $2)
         WHERE order_id = $1 AND shown_at IS NULL",
    )
    .bind(order)
    .bind(days)
    .execute(&mut *tx)
    .await
    .expect("moved");
    tx.commit().await.expect("committed");
}

/// Moves the completion of an order into the past.
async fn complete_earlier(conn: &mut PgConnection, order: OrderId, days: i32) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: what an order was stays.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query("UPDATE order_events SET at = at - make_interval(days => $2) WHERE order_id = $1")
        .bind(order)
        .bind(days)
        .execute(&mut *tx)
        .await
        .expect("moved");
    tx.commit().await.expect("committed");
}

async fn shown(conn: &mut PgConnection, order: OrderId) -> Shown {
    let mut tx = conn.begin().await.expect("a transaction");
    let shown = show(&mut tx, order).await.expect("looked");
    tx.commit().await.expect("committed");
    shown
}

async fn rating(conn: &mut PgConnection, org: OrgId) -> Rating {
    profile(conn, org).await.expect("read").expect("approved").rating
}

/// What a count over all rows says.
async fn counted(conn: &mut PgConnection, org: OrgId) -> Rating {
    let (reviews, stars): (i64, i64) = sqlx::query_as(
        "SELECT count(*), coalesce(sum(stars), 0)::bigint
         FROM reviews
         WHERE subject_org_id = $1 AND shown_at IS NOT NULL AND hidden_at IS NULL",
    )
    .bind(org)
    .fetch_one(conn)
    .await
    .expect("counted");
    Rating::of(reviews, stars)
}

#[tokio::test]
async fn one_side_alone_is_shown_after_seven_days_and_the_other_may_still_write() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer, stranger) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let order = earn(&mut conn, seller, buyer, eur(10_000)).await;
    let refused = written(&mut conn, stranger, order, 5, "Hello.").await;
    assert!(matches!(refused, Err(ReviewError::NotFound("order"))), "{refused:?}");
    let first = written(&mut conn, buyer, order, 2, "Late.").await.expect("written");
    assert_eq!((first.show_at, first.shown.len()), (Some(first.review.due_at), 0));
    let changed = written(&mut conn, buyer, order, 3, "A little late.").await.expect("changed");
    assert_eq!(
        (changed.review.id, changed.review.due_at, changed.show_at),
        (first.review.id, first.review.due_at, None)
    );
    assert!(matches!(shown(&mut conn, order).await, Shown::NotYet { until, .. } if until == first.review.due_at));
    assert_eq!(of_order(&mut conn, seller.org, order).await.expect("read"), []);
    assert_eq!(of_order(&mut conn, buyer.org, order).await.expect("read"), [changed.review]);
    assert_eq!(overdue(&mut conn, 10).await.expect("read"), []);

    age(&mut conn, order, 7).await;
    // The time is over, even though nothing has shown it yet.
    let refused = written(&mut conn, buyer, order, 5, "In time.").await;
    assert!(matches!(refused, Err(ReviewError::Refused(ReviewRefusal::Shown { .. }))), "{refused:?}");
    assert_eq!(overdue(&mut conn, 10).await.expect("read"), [order]);
    assert_eq!(shown(&mut conn, order).await, Shown::Shown(vec![first.review.id]));
    assert_eq!(shown(&mut conn, order).await, Shown::Nothing);
    assert_eq!(rating(&mut conn, seller.org).await, Rating::of(1, 3));

    // The other side has read it: what it writes is shown at once.
    let second = written(&mut conn, seller, order, 4, "It was the snow.").await.expect("written");
    assert_eq!((second.show_at, second.shown.as_slice()), (None, [second.review.id].as_slice()));
    assert_eq!(rating(&mut conn, buyer.org).await, Rating::of(1, 4));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn after_sixty_days_nobody_begins_to_write() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let order = earn(&mut conn, seller, buyer, eur(10_000)).await;
    complete_earlier(&mut conn, order, 59).await;
    written(&mut conn, buyer, order, 5, "I have waited.").await.expect("written");
    complete_earlier(&mut conn, order, 2).await;
    let refused = written(&mut conn, seller, order, 5, "I have waited longer.").await;
    assert!(matches!(refused, Err(ReviewError::Refused(ReviewRefusal::TooLate { .. }))), "{refused:?}");
    written(&mut conn, buyer, order, 4, "I have thought about it.").await.expect("changed");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn moderators_decide_about_others_and_what_they_hide_counts_no_more() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer, stranger) = (trader(&mut conn).await, trader(&mut conn).await, trader(&mut conn).await);
    let order = earn(&mut conn, seller, buyer, eur(10_000)).await;
    let about = written(&mut conn, buyer, order, 1, "Thieves.").await.expect("written").review.id;
    let mut tx = conn.begin().await.expect("a transaction");
    let blind = report(&mut tx, party(seller), about, ReviewReportReason::Insulting, None).await;
    assert!(matches!(blind, Err(ReviewError::NotFound("review"))), "{blind:?}");
    tx.rollback().await.expect("rolled back");
    written(&mut conn, seller, order, 5, "Fine.").await.expect("written");
    assert_eq!(rating(&mut conn, seller.org).await, Rating::of(1, 1));
    let mut tx = conn.begin().await.expect("a transaction");
    let own = report(&mut tx, party(buyer), about, ReviewReportReason::Spam, None).await;
    assert!(matches!(own, Err(ReviewError::Refused(ReviewRefusal::Own))), "{own:?}");
    let made =
        report(&mut tx, party(seller), about, ReviewReportReason::Insulting, Some("So.")).await.expect("reported");
    tx.commit().await.expect("committed");
    assert_eq!((made.status, made.text.as_str()), (ReviewReportStatus::Open, "Thieves."));
    assert_eq!(reports(&mut conn, true, None, 10).await.expect("read"), std::slice::from_ref(&made));
    let mut tx = conn.begin().await.expect("a transaction");
    for member in [seller.user, buyer.user] {
        let refused = decide(&mut tx, member, made.id, ReviewReportOutcome::Upheld, "Yes.").await;
        assert!(matches!(refused, Err(ReviewError::OwnOrg)), "{refused:?}");
    }
    let moderator = stranger.user;
    let decided =
        decide(&mut tx, moderator, made.id, ReviewReportOutcome::Upheld, "It insults.").await.expect("decided");
    let again = decide(&mut tx, moderator, made.id, ReviewReportOutcome::Dismissed, "No.").await;
    assert!(matches!(again, Err(ReviewError::Decided)), "{again:?}");
    tx.commit().await.expect("committed");
    assert_eq!(decided.status, ReviewReportStatus::Upheld);
    assert_eq!(rating(&mut conn, seller.org).await, Rating::default());
    assert_eq!(of_org(&mut conn, seller.org, None, 10).await.expect("read"), []);
    assert_eq!(reports(&mut conn, true, None, 10).await.expect("read"), []);
    drop(conn);
    db.close().await;
}
