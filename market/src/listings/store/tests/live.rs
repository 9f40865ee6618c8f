use super::*;
use crate::listings::model::Progress;
use crate::testing::placed;

/// How far the listing has come; unknown ones are left out.
async fn now(conn: &mut PgConnection, id: ListingId) -> Progress {
    let found = progress(conn, &[ListingId::generate(), id]).await.expect("read");
    assert_eq!(found.len(), 1);
    let shown = listing(conn, id).await.expect("read").expect("the listing");
    assert_eq!(found[0], shown.progress());
    found[0]
}

#[tokio::test]
async fn what_is_seen_of_a_listing_and_what_is_left_of_it_have_versions_of_their_own() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let id = draft(&mut conn, seller, SaleMode::Fixed, 3).await;
    let drafted = now(&mut conn, id).await;
    assert!(!drafted.is_public);
    publish(&mut conn, seller.org, id).await.expect("published");
    let shown = now(&mut conn, id).await;
    assert!(shown.is_public && shown.shown_version > drafted.shown_version, "{shown:?} after {drafted:?}");
    assert!(shown.stock_version > drafted.stock_version, "{shown:?} after {drafted:?}");

    placed(&mut conn, buyer, id, eur(10_000)).await;
    let bought = now(&mut conn, id).await;
    assert_eq!(bought.shown_version, shown.shown_version, "a purchase changes nothing that is seen");
    assert!(bought.stock_version > shown.stock_version, "{bought:?} after {shown:?}");

    let offered = listing(&mut conn, id).await.expect("read").expect("the listing");
    reprice(&mut conn, &offered, eur(9_000)).await.expect("cheaper");
    let cheaper = now(&mut conn, id).await;
    assert!(cheaper.shown_version > bought.shown_version, "{cheaper:?} after {bought:?}");

    sqlx::query("UPDATE orgs SET status = 'suspended' WHERE id = $1")
        .bind(seller.org)
        .execute(&mut *conn)
        .await
        .expect("suspended");
    assert_eq!(now(&mut conn, id).await, Progress { is_public: false, ..cheaper });
    drop(conn);
    db.close().await;
}
