use shared::testing::TestDb;
use sqlx::Connection;

use super::*;
use crate::listings::model::SaleMode;
use crate::testing::{listing, member_of, trader};

async fn watched(conn: &mut PgConnection, user: UserId) -> Vec<ListingId> {
    of_user(conn, user, None, 100).await.expect("a list").into_iter().map(|watch| watch.listing).collect()
}

#[tokio::test]
async fn a_listing_is_watched_once_and_the_bound_refuses_no_second_time() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, person) = (trader(&mut conn).await, trader(&mut conn).await.user);
    let [first, second, third] = [
        listing(&mut conn, seller, SaleMode::Fixed, 1).await,
        listing(&mut conn, seller, SaleMode::Fixed, 1).await,
        listing(&mut conn, seller, SaleMode::Fixed, 1).await,
    ];
    for one in [first, second, first] {
        begin(&mut conn, person, one).await.expect("watched");
    }
    assert_eq!(watched(&mut conn, person).await, [second, first]);
    let page = of_user(&mut conn, person, None, 1).await.expect("a page");
    let after = page.last().map(|watch| (watch.since, watch.listing));
    let rest = of_user(&mut conn, person, after, 1).await.expect("a page");
    assert_eq!((page[0].listing, rest[0].listing), (second, first));
    sqlx::raw_sql(
        "SET session_replication_role = replica;
         INSERT INTO watches (user_id, listing_id, created_at)
         SELECT user_id, gen_random_uuid(), '2000-01-01' FROM (SELECT user_id FROM watches LIMIT 1) AS w, generate_series(1, 998);
         SET session_replication_role = origin",
    )
    .execute(&mut *conn)
    .await
    .expect("a thousand");
    begin(&mut conn, person, first).await.expect("watched already");
    let refused = begin(&mut conn, person, third).await;
    assert!(matches!(refused, Err(WatchError::TooMany)), "{refused:?}");
    end(&mut conn, person, first).await.expect("ended");
    end(&mut conn, person, first).await.expect("ended before");
    begin(&mut conn, person, third).await.expect("there is room again");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn watches_move_along_once_and_also_past_the_bound() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let (old, new) =
        (listing(&mut conn, seller, SaleMode::Fixed, 1).await, listing(&mut conn, seller, SaleMode::Fixed, 1).await);
    let mut people = Vec::new();
    for _ in 0..5 {
        let person = member_of(&mut conn, &[]).await;
        begin(&mut conn, person, old).await.expect("watched");
        people.push(person);
    }
    begin(&mut conn, people[0], new).await.expect("watched");
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query("INSERT INTO watches (user_id, listing_id) SELECT $1, gen_random_uuid() FROM generate_series(1, 999)")
        .bind(people[1])
        .execute(&mut *tx)
        .await
        .expect("a thousand");
    tx.commit().await.expect("committed");
    let mut moved = Vec::new();
    loop {
        let mut tx = conn.begin().await.expect("a transaction");
        let some = move_on(&mut tx, old, new, 2).await.expect("moved");
        tx.commit().await.expect("committed");
        if some.is_empty() {
            break;
        }
        moved.extend(some);
    }
    moved.sort();
    people.sort();
    assert_eq!(moved, people);
    assert_eq!(watchers(&mut conn, old, None, 10).await.expect("a list"), []);
    assert_eq!(watchers(&mut conn, new, None, 10).await.expect("a list"), people);
    assert_eq!(watchers(&mut conn, new, Some(people[2]), 1).await.expect("a list"), [people[3]]);
    sqlx::query("UPDATE users SET status = 'suspended' WHERE id = $1")
        .bind(people[3])
        .execute(&mut *conn)
        .await
        .expect("suspended");
    assert_eq!(watchers(&mut conn, new, Some(people[2]), 1).await.expect("a list"), [people[4]]);
    drop(conn);
    db.close().await;
}
