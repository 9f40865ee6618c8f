use std::time::Duration;

use shared::testing::TestDb;

use super::*;
use crate::auctions::store as auctions;
use crate::images::model::Upload;
use crate::testing::{Trader, auction, secret, terms, trader};

async fn announced(conn: &mut PgConnection, by: Trader) -> Upload {
    insert_upload(conn, by.org, by.user, "image/png", 5, Duration::from_mins(15)).await.expect("announced")
}

async fn attached(conn: &mut PgConnection, by: Trader, listing: Option<ListingId>) -> Result<ImageId, ImageError> {
    let upload = announced(conn, by).await;
    complete_upload(conn, &upload, listing).await
}

#[tokio::test]
async fn pictures_of_a_listing_with_bids_are_fixed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, bidder) = (trader(&mut conn).await, trader(&mut conn).await);
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, seller, &terms).await;
    let listing = auctions::view(&mut conn, lot, None).await.expect("read").expect("the auction").listing_id;
    let (first, second) = (
        attached(&mut conn, seller, Some(listing)).await.expect("attached"),
        attached(&mut conn, seller, Some(listing)).await.expect("attached"),
    );
    let loose = attached(&mut conn, seller, None).await.expect("attached");
    hide(&mut conn, seller.org, second).await.expect("until somebody bids");

    let place =
        auctions::PlaceBid { auction: lot, org: bidder.org, user: bidder.user, maximum: secret(2_000), quantity: None };
    auctions::place_bid(&mut conn, &place).await.expect("accepted");
    let fixed = |result: Result<(), ImageError>| assert!(matches!(result, Err(ImageError::FixedByBids)), "{result:?}");
    fixed(attached(&mut conn, seller, Some(listing)).await.map(drop));
    fixed(hide(&mut conn, seller.org, first).await);
    // Whatever statement tries.
    for sql in [
        "UPDATE images SET listing_id = $1 WHERE id = $2",
        "UPDATE images SET position = 7, listing_id = $1 WHERE id = $2",
        "UPDATE images SET status = 'deleting', listing_id = $1 WHERE id = $2",
        "DELETE FROM images WHERE listing_id = $1 AND id <> $2",
    ] {
        let done = sqlx::query(sql).bind(listing).bind(loose).execute(&mut *conn).await;
        fixed(done.map(drop).map_err(ImageError::from));
    }
    let moved = sqlx::query("UPDATE images SET position = 7 WHERE id = $1").bind(first).execute(&mut *conn).await;
    fixed(moved.map(drop).map_err(ImageError::from));

    // Processing of the picture that was there goes on, and the one hidden before is removed.
    begin(&mut conn, first).await.expect("worked on");
    reject(&mut conn, first, &Refusal::Damaged).await.expect("rejected");
    remove(&mut conn, second).await.expect("removed");
    hide(&mut conn, seller.org, loose).await.expect("it shows nothing on offer");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_organisation_has_so_many_pictures() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let mut tx = sqlx::Connection::begin(&mut *conn).await.expect("a transaction");
    // Past every rule, so no uploads are needed.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "INSERT INTO images (id, upload_id, org_id)
         SELECT gen_random_uuid(), gen_random_uuid(), $1 FROM generate_series(1, 19999)",
    )
    .bind(seller.org)
    .execute(&mut *tx)
    .await
    .expect("pictures");
    tx.commit().await.expect("committed");
    attached(&mut conn, seller, None).await.expect("the last one");
    let one_more = attached(&mut conn, seller, None).await;
    assert!(matches!(one_more, Err(ImageError::TooManyOfOrg)), "{one_more:?}");
    drop(conn);
    db.close().await;
}
