use std::time::Duration;

use tokio::task::JoinSet;

use super::*;
use crate::images::model::{Finished, Format, RECIPE, Shape, StoredVariant};
use crate::images::store as images;

async fn ended(conn: &mut PgConnection, seller: Trader) -> ListingId {
    let id = published(conn, seller, SaleMode::Auction, 1).await;
    let mut terms = terms(conn).await;
    terms.reserve = None;
    let lot = auctions::create(conn, seller.org, seller.user, id, &terms).await.expect("an auction");
    end_in(conn, lot, chrono::TimeDelta::seconds(-1)).await;
    auctions::close(conn, lot).await.expect("closed");
    id
}

/// A finished picture of the listing.
async fn picture(conn: &mut PgConnection, of: Trader, listing: ListingId) -> crate::ids::ImageId {
    let upload =
        images::insert_upload(conn, of.org, of.user, "image/png", 5, Duration::from_mins(15)).await.expect("sent");
    let image = images::complete_upload(conn, &upload, Some(listing)).await.expect("an image");
    images::begin(conn, image).await.expect("begun");
    let variant = StoredVariant {
        shape: Shape::Whole,
        format: Format::Webp,
        width: 640,
        height: 480,
        bytes: 9,
        object_key: format!("images/{image}/whole.webp"),
    };
    let done = Finished {
        checksum: [7; 32],
        width: 640,
        height: 480,
        blurhash: "LEHV6nWB2yk8".to_owned(),
        animated: true,
        variants: vec![variant],
    };
    images::finish(conn, image, &done).await.expect("finished");
    image
}

#[tokio::test]
async fn what_was_not_sold_is_listed_again_with_its_pictures() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let id = published(&mut conn, seller, SaleMode::Fixed, 3).await;
    let original = picture(&mut conn, seller, id).await;
    let early = relist(&mut conn, seller.org, seller.user, id).await;
    assert!(matches!(early, Err(ListingError::WrongStatus(ListingStatus::Published))), "{early:?}");
    withdraw(&mut conn, seller.org, id).await.expect("withdrawn");
    let again = relist(&mut conn, seller.org, seller.user, id).await.expect("listed again");
    let (old, new) = (lock(&mut conn, id).await.expect("old"), lock(&mut conn, again).await.expect("new"));
    assert_eq!(
        (new.status, new.relist_of, new.item_id, new.price, new.quantity),
        (ListingStatus::Draft, Some(id), old.item_id, old.price, 3)
    );
    let shown = images::of_listing(&mut conn, again).await.expect("pictures");
    assert_eq!(shown.len(), 1);
    let copy = shown[0].0.id;
    assert_ne!(copy, original);
    assert!(shown[0].0.animated && shown[0].0.recipe == RECIPE);
    assert_eq!(shown[0].1, images::variants(&mut conn, original).await.expect("files"));

    // The files stay until the last picture that shows them goes.
    images::hide(&mut conn, seller.org, original).await.expect("hidden");
    assert_eq!(images::own_files(&mut conn, original).await.expect("keys"), [""; 0]);
    images::remove(&mut conn, original).await.expect("removed");
    assert_eq!(images::own_files(&mut conn, copy).await.expect("keys").len(), 2, "a file and the upload");
    images::hide(&mut conn, seller.org, copy).await.expect("hidden");
    images::remove(&mut conn, copy).await.expect("removed");
    let uploads: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads").fetch_one(&mut *conn).await.expect("a count");
    assert_eq!(uploads, 0);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn two_relists_at_once_make_one() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    for _ in 0..20 {
        let id = ended(&mut conn, seller).await;
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let pool = db.pool.clone();
            tasks.spawn(async move {
                let mut tx = pool.begin().await.expect("a transaction");
                let result = relist(&mut tx, seller.org, seller.user, id).await;
                if result.is_ok() {
                    tx.commit().await.expect("commits");
                }
                result
            });
        }
        let results = tasks.join_all().await;
        let refused = |result: &Result<_, _>| matches!(result, Err(ListingError::AlreadyRelisted));
        assert_eq!(results.iter().filter(|result| refused(result)).count(), 3, "{results:?}");
        // What was withdrawn may be listed once more.
        let again = results.into_iter().find_map(Result::ok).expect("one is made");
        withdraw(&mut conn, seller.org, again).await.expect("withdrawn");
        relist(&mut conn, seller.org, seller.user, id).await.expect("listed again");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_draft_and_what_was_sold_are_not_listed_again() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let unseen = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    withdraw(&mut conn, seller.org, unseen).await.expect("withdrawn");
    let refused = relist(&mut conn, seller.org, seller.user, unseen).await;
    assert!(matches!(refused, Err(ListingError::WrongStatus(ListingStatus::Withdrawn))), "{refused:?}");
    let id = ended(&mut conn, seller).await;
    let refused = relist(&mut conn, other.org, other.user, id).await;
    assert!(matches!(refused, Err(ListingError::NotFound)), "{refused:?}");
    drop(conn);
    db.close().await;
}
