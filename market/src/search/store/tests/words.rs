//! Words, languages and sellers.

use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use crate::ids::ListingId;
use crate::listings::model::{Language, SaleMode};
use crate::listings::store as listings;
use crate::search::model::{Query, Sort};
use crate::search::store::find;
use crate::testing::{Trader, draft, trader};

async fn listed(conn: &mut PgConnection, seller: Trader, language: &str, title: &str) -> ListingId {
    let id = draft(conn, seller, SaleMode::Fixed, 1).await;
    sqlx::query("UPDATE listings SET language = $2, title = $3, description = '' WHERE id = $1")
        .bind(id)
        .bind(language)
        .bind(title)
        .execute(&mut *conn)
        .await
        .expect("a draft");
    listings::publish(conn, seller.org, id).await.expect("published");
    id
}

async fn found(conn: &mut PgConnection, query: &Query) -> Vec<ListingId> {
    find(conn, query, None, 100).await.expect("found").into_iter().map(|found| found.id).collect()
}

#[tokio::test]
async fn words_are_stemmed_in_the_listings_language() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let seller = trader(&mut conn).await;
    let english = listed(&mut conn, seller, "en", "Harvesting machines").await;
    let german = listed(&mut conn, seller, "de", "Zwei Schlepper mit Pflügen").await;
    let other = listed(&mut conn, seller, "xx", "Harvesting machines the").await;
    for (text, wanted) in [
        ("harvest", vec![english]),
        ("machine", vec![english]),
        ("pflug", vec![german]),
        ("schleppern", vec![german]),
        ("harvesting", vec![other, english]),
        ("machines -the", vec![other, english]),
        ("the", vec![other]),
        ("\"harvesting machines\"", vec![other, english]),
        ("\"machines harvesting\"", vec![]),
        ("pflug or harvest", vec![german, english]),
        ("harvest -machine", vec![]),
    ] {
        let query = Query { text: Some(text.to_owned()), ..Query::default() };
        let mut found = found(&mut conn, &query).await;
        found.sort();
        let mut wanted = wanted;
        wanted.sort();
        // Without stemming the stop word is a word: what is in no language of ours has it, and is left out.
        if text == "machines -the" {
            wanted.retain(|id| *id == english);
        }
        assert_eq!(found, wanted, "{text}");
    }
    let query = Query { text: Some("harvesting".to_owned()), language: Some(Language::En), ..Query::default() };
    assert_eq!(found(&mut conn, &query).await, [english]);
    conn.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn what_has_the_words_in_its_title_is_more_relevant() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let seller = trader(&mut conn).await;
    let first = listed(&mut conn, seller, "en", "Red plough").await;
    let second = listed(&mut conn, seller, "en", "Hammer").await;
    sqlx::query("UPDATE listings SET description = 'Not a plough.' WHERE id = $1")
        .bind(second)
        .execute(&mut conn)
        .await
        .expect("described");
    let query = Query { text: Some("plough".to_owned()), ..Query::default() };
    assert_eq!(found(&mut conn, &query).await, [second, first]);
    assert_eq!(found(&mut conn, &Query { sort: Sort::Relevance, ..query }).await, [first, second]);
    conn.close().await.expect("closed");
    db.close().await;
}

#[tokio::test]
async fn a_suspended_sellers_listings_are_not_found() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let id = listed(&mut conn, seller, "en", "Plough").await;
    let theirs = listed(&mut conn, other, "en", "Plough").await;
    for (status, wanted) in [("suspended", vec![theirs]), ("approved", vec![theirs, id])] {
        sqlx::query("UPDATE orgs SET status = $2 WHERE id = $1")
            .bind(seller.org)
            .bind(status)
            .execute(&mut conn)
            .await
            .expect("moderated");
        assert_eq!(found(&mut conn, &Query::default()).await, wanted, "{status}");
    }
    conn.close().await.expect("closed");
    db.close().await;
}
