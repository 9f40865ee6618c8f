use std::collections::BTreeSet;

use chrono::TimeDelta;
use shared::testing::TestDb;
use sqlx::{Connection, PgPool};

use super::*;
use crate::auctions::model::CloseOutcome;
use crate::auctions::store as auctions;
use crate::identity::model::UserStatus;
use crate::identity::store::{UserError, mint_email_verification, mint_password_reset, open_session, set_user_status};
use crate::listings::model::SaleMode;
use crate::testing::{Trader, auction, end_in, eur, listing, placed, terms, trader};

/// Whoever adds a column that names a person, or holds an address, decides what becomes of it.
#[tokio::test]
async fn every_column_that_names_a_person_is_erased_or_has_a_reason() {
    let db = TestDb::new().await;
    let named: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.conrelid::regclass::text, a.attname::text
         FROM pg_constraint AS c
         JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
         WHERE c.contype = 'f'
           AND c.confrelid = 'users'::regclass
         UNION
         SELECT a.attrelid::regclass::text, a.attname::text
         FROM pg_attribute AS a
         JOIN pg_class AS c ON c.oid = a.attrelid
         WHERE c.relkind IN ('r', 'p')
           AND c.relnamespace = 'public'::regnamespace
           AND a.attnum > 0
           AND NOT a.attisdropped
           AND a.atttypid IN ('text'::regtype, 'bytea'::regtype, 'uuid'::regtype)
           AND (a.attname IN ('email', 'address', 'recipient', 'user_agent', 'device', 'file_name', 'user_id')
                OR (c.relname = 'users' AND a.attname = 'name'))",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    let named: BTreeSet<(&str, &str)> = named.iter().map(|(table, column)| (table.as_str(), column.as_str())).collect();
    let known: BTreeSet<_> = FATES.iter().map(|(table, column, _)| (*table, *column)).collect();
    assert_eq!(known.len(), FATES.len(), "something is there twice");
    assert_eq!(named, known, "what names a person, and what becomes of it");
    for (table, column, fate) in FATES {
        assert!(!matches!(fate, Fate::Kept(why) if why.len() < 20), "{table}.{column}");
    }
    db.close().await;
}

async fn ask(pool: &PgPool, user: UserId) -> Result<Erasure, ErasureError> {
    let mut tx = pool.begin().await?;
    let asked = ask_erasure(&mut tx, user, 14).await?;
    tx.commit().await?;
    Ok(asked)
}

/// The days are over.
async fn wait(pool: &PgPool) {
    let sql = "UPDATE erasures SET asked_at = asked_at - interval '15 days', due_at = due_at - interval '15 days'";
    sqlx::query(sql).execute(pool).await.unwrap();
}

async fn erase(pool: &PgPool, user: UserId) -> Erased {
    let mut tx = pool.begin().await.unwrap();
    let erased = erase_account(&mut tx, user).await.unwrap();
    tx.commit().await.unwrap();
    erased
}

async fn erase_all(pool: &PgPool, user: UserId) {
    let mut conn = pool.acquire().await.unwrap();
    while erase_more(&mut conn, user, 1).await.unwrap() > 0 {}
}

async fn count(pool: &PgPool, sql: &'static str, user: UserId) -> i64 {
    sqlx::query_scalar(sql).bind(user).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn nothing_of_a_person_is_left_and_their_acts_are() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (ann, bob) = (trader(&mut conn).await, trader(&mut conn).await);
    let goods = listing(&mut conn, bob, SaleMode::Fixed, 1).await;
    let (_, order) = placed(&mut conn, ann, goods, eur(10_000)).await;
    open_session(&mut conn, ann.user, None).await.unwrap();
    let email: String =
        sqlx::query_scalar("SELECT email FROM users WHERE id = $1").bind(ann.user).fetch_one(&mut *conn).await.unwrap();
    mint_password_reset(&mut conn, &email).await.unwrap().unwrap();
    assert!(mint_email_verification(&mut conn, ann.user).await.unwrap().is_none());
    sqlx::query("INSERT INTO watches (user_id, listing_id) VALUES ($1, $2)")
        .bind(ann.user)
        .bind(goods)
        .execute(&mut *conn)
        .await
        .unwrap();
    let hindered = ask(&db.app, ann.user).await;
    let expected = Hindrance { org: ann.org, open: OpenMatter::Order };
    assert!(matches!(&hindered, Err(ErasureError::Open(open)) if *open == [expected]), "{hindered:?}");
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE orders SET status = 'expired'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();

    let asked = ask(&db.app, ann.user).await.unwrap();
    assert_eq!(ask(&db.app, ann.user).await.unwrap(), asked);
    assert_eq!(erase(&db.app, ann.user).await, Erased::NotBefore(asked.due_at));
    wait(&db.pool).await;
    assert_eq!(erase(&db.app, ann.user).await, Erased::Account);
    // Interrupted here, the next run goes on.
    assert_eq!(erase(&db.app, ann.user).await, Erased::Account);
    erase_all(&db.app, ann.user).await;
    assert_eq!(erase(&db.app, ann.user).await, Erased::Nothing);

    for sql in [
        "SELECT count(*) FROM sessions WHERE user_id = $1",
        "SELECT count(*) FROM memberships WHERE user_id = $1",
        "SELECT count(*) FROM password_resets WHERE user_id = $1",
        "SELECT count(*) FROM emails WHERE user_id = $1",
        "SELECT count(*) FROM watches WHERE user_id = $1",
    ] {
        assert_eq!(count(&db.pool, sql, ann.user).await, 0, "{sql}");
    }
    let row: String = sqlx::query_scalar("SELECT u::text FROM users AS u WHERE id = $1")
        .bind(ann.user)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert!(!row.contains(&email) && !row.contains("Kim") && row.contains("Erased person"), "{row}");
    assert_eq!(count(&db.pool, "SELECT count(*) FROM orders WHERE placed_by = $1", ann.user).await, 1, "{order:?}");
    let (status, abandoned): (String, bool) =
        sqlx::query_as("SELECT status, abandoned_at IS NOT NULL FROM orgs WHERE id = $1")
            .bind(ann.org)
            .fetch_one(&db.pool)
            .await
            .unwrap();
    assert_eq!((status.as_str(), abandoned), ("suspended", true));
    let mut tx = conn.begin().await.unwrap();
    let back = set_user_status(&mut tx, Actor::CommandLine, ann.user, UserStatus::Active, "a mistake").await;
    assert!(matches!(back, Err(UserError::Unknown)), "{back:?}");
    let back = decide(&mut tx, Actor::CommandLine, ann.org, Decision::Reinstate, None).await;
    assert!(matches!(back, Err(OrgError::Status(_))), "{back:?}");
    tx.rollback().await.unwrap();
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn it_is_taken_back_and_what_was_begun_meanwhile_stands_in_the_way() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    ask(&db.app, ann.user).await.unwrap();
    let mut tx = db.app.begin().await.unwrap();
    assert!(cancel_erasure(&mut tx, ann.user).await.unwrap());
    assert!(!cancel_erasure(&mut tx, ann.user).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(erase(&db.app, ann.user).await, Erased::Nothing);
    ask(&db.app, ann.user).await.unwrap();
    wait(&db.pool).await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, ann, &terms).await;
    let open = vec![Hindrance { org: ann.org, open: OpenMatter::Auction }];
    assert_eq!(erase(&db.app, ann.user).await, Erased::Hindered(open));
    end_in(&mut conn, lot, TimeDelta::seconds(-1)).await;
    let mut tx = conn.begin().await.unwrap();
    let closed = auctions::close(&mut tx, lot).await.unwrap();
    assert!(matches!(closed, CloseOutcome::Closed(_)), "{closed:?}");
    tx.commit().await.unwrap();
    assert_eq!(erase(&db.app, ann.user).await, Erased::Account);
    drop(conn);
    db.close().await;
}

async fn order(pool: PgPool, buyer: Trader, goods: crate::ids::ListingId) -> bool {
    let mut conn = pool.acquire().await.unwrap();
    let line = crate::checkout::model::CheckoutLine { listing: goods, quantity: 1, price: eur(10_000) };
    let mut tx = conn.begin().await.unwrap();
    match crate::checkout::store::place(&mut tx, buyer.org, buyer.user, &[line], TimeDelta::minutes(30)).await {
        Ok(_) => {
            tx.commit().await.unwrap();
            true
        }
        Err(_) => false,
    }
}

/// As the job does it: a deadlock with an order that is under way is tried again.
async fn erase_in_the_end(pool: &PgPool, user: UserId) -> Erased {
    for _ in 0..20 {
        let mut tx = pool.begin().await.unwrap();
        match erase_account(&mut tx, user).await {
            Ok(erased) => {
                tx.commit().await.unwrap();
                return erased;
            }
            Err(_) => tx.rollback().await.unwrap(),
        }
    }
    panic!("it fails each time");
}

/// An order that comes in the same moment is either there before and stands in the way, or is not placed.
#[tokio::test]
async fn of_an_order_and_an_erasure_at_once_one_is_refused() {
    let db = TestDb::new().await;
    for _ in 0..10 {
        let mut conn = db.pool.acquire().await.unwrap();
        let (ann, bob) = (trader(&mut conn).await, trader(&mut conn).await);
        let goods = listing(&mut conn, ann, SaleMode::Fixed, 1).await;
        drop(conn);
        ask(&db.app, ann.user).await.unwrap();
        sqlx::query(
            "UPDATE erasures SET asked_at = asked_at - interval '15 days', due_at = due_at - interval '15 days'
             WHERE user_id = $1",
        )
        .bind(ann.user)
        .execute(&db.pool)
        .await
        .unwrap();
        let (erased, ordered) = tokio::join!(erase_in_the_end(&db.app, ann.user), order(db.app.clone(), bob, goods));
        let open = vec![Hindrance { org: ann.org, open: OpenMatter::Order }];
        let expected = if ordered { Erased::Hindered(open) } else { Erased::Account };
        assert_eq!(erased, expected);
    }
    db.close().await;
}
