use chrono::TimeDelta;
use secrecy::ExposeSecret;
use shared::testing::TestDb;
use sqlx::PgPool;

use super::*;
use crate::keys::model::Scope;
use crate::testing::{Trader, member_of, trader};

fn reading(area: &str) -> NewApiKey {
    let scopes = vec![Scope::of(area, false).unwrap()];
    NewApiKey { name: "Shop".to_owned(), scopes, expires_at: None }
}

async fn made(pool: &PgPool, by: Trader) -> (ApiKey, KeyHash) {
    let mut conn = pool.acquire().await.unwrap();
    let (key, secret) = create(&mut conn, by.org, by.user, &reading("orders")).await.unwrap();
    (key, rules::hash(secret.expose_secret()).unwrap())
}

async fn held(pool: &PgPool, hash: &KeyHash) -> Option<Holder> {
    holder(&mut pool.acquire().await.unwrap(), hash).await.unwrap()
}

async fn change(pool: &PgPool, sql: &'static str, id: uuid::Uuid) {
    sqlx::query(sql).bind(id).execute(pool).await.unwrap();
}

#[tokio::test]
async fn a_key_is_worth_what_its_maker_is_and_at_most_a_trader() {
    let db = TestDb::new().await;
    let ann = trader(&mut db.pool.acquire().await.unwrap()).await;
    let (key, hash) = made(&db.app, ann).await;
    let holder = held(&db.app, &hash).await.unwrap();
    assert_eq!((holder.key, holder.user, holder.membership.org), (key.id, ann.user, ann.org));
    assert_eq!((holder.membership.role, holder.membership.status), (MemberRole::Trader, OrgStatus::Approved));
    assert_eq!(holder.scopes, [Scope::of("orders", false).unwrap()]);
    assert!(held(&db.app, &[0; 32]).await.is_none());
    // Whatever takes its right away does so from the next request on, and gives it back.
    for (away, back, id) in [
        (
            "UPDATE orgs SET status = 'suspended' WHERE id = $1",
            "UPDATE orgs SET status = 'approved' WHERE id = $1",
            ann.org.0,
        ),
        (
            "UPDATE users SET status = 'suspended' WHERE id = $1",
            "UPDATE users SET status = 'active' WHERE id = $1",
            ann.user.0,
        ),
        (
            "UPDATE users SET email_verified_at = NULL WHERE id = $1",
            "UPDATE users SET email_verified_at = now() WHERE id = $1",
            ann.user.0,
        ),
    ] {
        change(&db.pool, away, id).await;
        assert!(held(&db.app, &hash).await.is_none(), "{away}");
        change(&db.pool, back, id).await;
        assert!(held(&db.app, &hash).await.is_some(), "{back}");
    }
    change(&db.pool, "UPDATE memberships SET role = 'viewer' WHERE user_id = $1", ann.user.0).await;
    assert_eq!(held(&db.app, &hash).await.unwrap().membership.role, MemberRole::Viewer);
    change(&db.pool, "DELETE FROM memberships WHERE user_id = $1", ann.user.0).await;
    assert!(held(&db.app, &hash).await.is_none(), "who has made it has left");
    db.close().await;
}

#[tokio::test]
async fn a_key_that_was_replaced_works_for_a_day_and_one_that_was_revoked_not_at_all() {
    let db = TestDb::new().await;
    let ann = trader(&mut db.pool.acquire().await.unwrap()).await;
    let (key, old) = made(&db.app, ann).await;
    let mut conn = db.app.acquire().await.unwrap();
    let kim = member_of(&mut db.pool.acquire().await.unwrap(), &[ann.org]).await;
    let (next, secret) = rotate(&mut conn, ann.org, kim, key.id).await.unwrap();
    let new = rules::hash(secret.expose_secret()).unwrap();
    assert_eq!((next.name, next.scopes, next.created_by, next.expires_at), (key.name, key.scopes, kim, None));
    assert!(held(&db.app, &old).await.is_some());
    let left = get(&mut conn, ann.org, key.id).await.unwrap().unwrap().expires_at.unwrap() - next.created_at;
    assert!(left <= OVERLAP && left > OVERLAP - TimeDelta::minutes(5), "{left}");
    let over = "UPDATE api_keys SET expires_at = clock_timestamp() WHERE id = $1";
    change(&db.pool, over, key.id.0).await;
    assert!(held(&db.app, &old).await.is_none(), "a day later");

    // Its maker's address was never confirmed: the successor of somebody else's key is no way around that.
    assert!(held(&db.app, &new).await.is_none());
    change(&db.pool, "UPDATE users SET email_verified_at = now() WHERE id = $1", kim.0).await;
    assert!(held(&db.app, &new).await.is_some());
    let stranger = trader(&mut db.pool.acquire().await.unwrap()).await;
    let refused = revoke(&mut conn, stranger.org, stranger.user, next.id).await;
    assert!(matches!(refused, Err(KeyError::NotFound)), "{refused:?}");
    revoke(&mut conn, ann.org, kim, next.id).await.unwrap();
    assert!(held(&db.app, &new).await.is_none());
    note_use(&mut conn, next.id).await.unwrap();
    for refused in
        [revoke(&mut conn, ann.org, kim, next.id).await, rotate(&mut conn, ann.org, kim, next.id).await.map(drop)]
    {
        assert!(matches!(refused, Err(KeyError::NotFound)), "{refused:?}");
    }
    let acts = "SELECT action FROM audit_entries WHERE subject_kind = 'api_key' ORDER BY seq";
    let acts: Vec<String> = sqlx::query_scalar(acts).fetch_all(&db.pool).await.unwrap();
    assert_eq!(acts, ["api_key.create", "api_key.rotate", "api_key.revoke"]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn nothing_in_the_database_shows_a_key() {
    let db = TestDb::new().await;
    let ann = trader(&mut db.pool.acquire().await.unwrap()).await;
    let mut conn = db.app.acquire().await.unwrap();
    let (_, secret) = create(&mut conn, ann.org, ann.user, &reading("stock")).await.unwrap();
    let shown = "SELECT k::text FROM api_keys AS k UNION ALL SELECT a::text FROM audit_entries AS a";
    let shown: Vec<String> = sqlx::query_scalar(shown).fetch_all(&db.pool).await.unwrap();
    for text in shown {
        assert!(!text.contains(&secret.expose_secret()[11..]), "{text}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn use_is_noted_once_in_a_while() {
    let db = TestDb::new().await;
    let ann = trader(&mut db.pool.acquire().await.unwrap()).await;
    let (key, hash) = made(&db.app, ann).await;
    assert!(held(&db.app, &hash).await.unwrap().is_unnoted);
    let mut conn = db.app.acquire().await.unwrap();
    note_use(&mut conn, key.id).await.unwrap();
    let noted = get(&mut conn, ann.org, key.id).await.unwrap().unwrap().last_used_at;
    assert!(noted.is_some() && !held(&db.app, &hash).await.unwrap().is_unnoted);
    note_use(&mut conn, key.id).await.unwrap();
    assert_eq!(get(&mut conn, ann.org, key.id).await.unwrap().unwrap().last_used_at, noted);
    let later = "UPDATE api_keys SET last_used_at = last_used_at - interval '6 minutes' WHERE id = $1";
    change(&db.pool, later, key.id.0).await;
    assert!(held(&db.app, &hash).await.unwrap().is_unnoted);
    drop(conn);
    db.close().await;
}

/// Many use a key while it is revoked: whoever asks after the revocation was answered is refused.
#[tokio::test(flavor = "multi_thread")]
async fn no_use_begins_after_a_revocation() {
    let db = TestDb::new().await;
    let ann = trader(&mut db.pool.acquire().await.unwrap()).await;
    let (key, hash) = made(&db.app, ann).await;
    let using = (0..8).map(|_| {
        let pool = db.app.clone();
        tokio::spawn(async move {
            let mut conn = pool.acquire().await.unwrap();
            while let Some(holder) = holder(&mut conn, &hash).await.unwrap() {
                note_use(&mut conn, holder.key).await.unwrap();
            }
        })
    });
    let using: Vec<_> = using.collect();
    let mut conn = db.pool.acquire().await.unwrap();
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    revoke(&mut tx, ann.org, ann.user, key.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(held(&db.app, &hash).await.is_none());
    for user in using {
        user.await.unwrap();
    }
    drop(conn);
    db.close().await;
}
