//! What a dump shows, what does not open, and keys that are sealed anew.

use shared::audit::Actor;

use super::*;
use crate::chat::model::ChatReportReason;

/// 32 zero bytes.
const OTHER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// What the database has of everything but its own tables of rules, as text.
pub(super) async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'",
    )
    .fetch_all(pool)
    .await
    .expect("the tables");
    let mut dump = String::new();
    for table in tables {
        let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {table} AS t");
        let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pool).await.expect("the rows");
        dump.push_str(&rows);
    }
    dump
}

#[tokio::test]
async fn a_dump_shows_no_text_and_what_is_moved_does_not_open() {
    let market = Market::new().await;
    let id = market.ask("The password is Xyzzy-1").await;
    market.write(market.buyer, id, "Or Xyzzy-2").await.expect("written");
    let mut tx = market.db.pool.begin().await.expect("a transaction");
    let note = Some("They said Xyzzy-1");
    report(&mut tx, &market.keyring, party(market.seller), id, 1, ChatReportReason::Fraud, note)
        .await
        .expect("reported");
    tx.commit().await.expect("committed");
    let dump = dump(&market.db.pool).await;
    assert!(dump.contains(&id.to_string()));
    let hidden = hex::encode("Xyzzy");
    assert!(!dump.contains("Xyzzy") && !dump.contains(&hidden), "{dump}");
    // By somebody who can write to the database, past its rules.
    let tamper = async |sql: &str| {
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.expect("changed");
        let opened = after(&mut tx, &market.keyring, market.seller.org, id, 0, 10).await;
        tx.rollback().await.expect("rolled back");
        opened
    };
    assert_eq!(tamper("SELECT").await.expect("opened").len(), 2);
    let (other, _) = do_begin(
        market.db.pool.clone(),
        &market.keyring,
        party(market.stranger),
        About::Listing(market.goods),
        says("Elsewhere"),
    )
    .await
    .expect("begun");
    let set = |what: &str| format!("UPDATE chat_messages SET {what} WHERE conversation_id = '{id}' AND seq = 1");
    for change in [
        // A message of the same conversation.
        set(&format!("sealed = (SELECT sealed FROM chat_messages WHERE conversation_id = '{id}' AND seq = 2)")),
        // One of another conversation.
        set(&format!("sealed = (SELECT sealed FROM chat_messages WHERE conversation_id = '{other}' AND seq = 1)")),
        // Another number, another sender, another organisation, another version of the key.
        set("seq = 7"),
        set(&format!("sender_id = '{}'", market.seller.user)),
        set(&format!("org_id = '{}'", market.seller.org)),
        set("key_version = 2"),
        set("sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))"),
        // The key of another conversation, and an older version of the own one.
        format!(
            "UPDATE conversation_keys
             SET sealed = (SELECT sealed FROM conversation_keys WHERE conversation_id = '{other}')
             WHERE conversation_id = '{id}'"
        ),
        format!("UPDATE conversation_keys SET version = 2 WHERE conversation_id = '{id}'"),
    ] {
        let opened = tamper(&change).await;
        assert!(matches!(opened, Err(ChatError::Seal(SealError::Broken))), "{change}: {opened:?}");
    }
    // Without its key nothing of a conversation is left to read.
    let opened = tamper(&format!("DELETE FROM conversation_keys WHERE conversation_id = '{id}'")).await;
    assert!(matches!(opened, Err(ChatError::NotFound(_))), "{opened:?}");
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    let opened = after(&mut conn, &ring(&[OTHER]), market.seller.org, id, 0, 10).await;
    assert!(matches!(opened, Err(ChatError::Seal(SealError::UnknownKey))), "{opened:?}");
    drop(conn);
    market.db.close().await;
}

/// Keys are sealed anew while both sides write and read. Nothing fails, and the old master key is not needed afterwards.
#[tokio::test]
async fn a_master_key_is_replaced_under_load_without_a_failed_read() {
    let market = Market::new().await;
    let mut conversations = Vec::new();
    for _ in 0..40 {
        let goods =
            listing(&mut market.db.pool.acquire().await.expect("a connection"), market.seller, SaleMode::Fixed, 1)
                .await;
        let (by, about) = (party(market.buyer), About::Listing(goods));
        let begun = do_begin(market.db.pool.clone(), &market.keyring, by, about, says("Is it still there?")).await;
        conversations.push(begun.expect("begun").0);
    }
    // Every program knows both; which one seals differs for a while.
    let (before_ring, both) = (ring(&[MASTER_KEY, OTHER]), ring(&[OTHER, MASTER_KEY]));
    let (pool, seller, buyer) = (market.db.pool.clone(), market.seller, market.buyer);
    let load = async {
        for round in 0..3 {
            for (at, id) in conversations.iter().enumerate() {
                let keyring = if at % 2 == 0 { &before_ring } else { &both };
                let by = if round % 2 == 0 { seller } else { buyer };
                do_post(pool.clone(), keyring, party(by), *id, says("Still.")).await.expect("written");
                let mut conn = pool.acquire().await.expect("a connection");
                let read = after(&mut conn, keyring, buyer.org, *id, 0, 10).await.expect("no read fails");
                assert_eq!(read.len(), round + 2);
            }
        }
    };
    let rotate = async {
        let mut resealed = 0;
        loop {
            let mut tx = pool.begin().await.expect("a transaction");
            let some = reseal(&mut tx, Actor::System, &both, 3).await.expect("sealed");
            tx.commit().await.expect("committed");
            resealed += some;
            if some == 0 {
                return resealed;
            }
            tokio::task::yield_now().await;
        }
    };
    let ((), resealed) = tokio::join!(load, rotate);
    assert_eq!(resealed, 40);
    let new = ring(&[OTHER]);
    let mut conn = market.db.pool.acquire().await.expect("a connection");
    for id in &conversations {
        assert_eq!(after(&mut conn, &new, seller.org, *id, 0, 10).await.expect("opened").len(), 4);
    }
    let used = key_use(&mut conn).await.expect("counted");
    assert_eq!(used.len(), 1, "{used:?}");
    assert_eq!((used[0].conversations, &used[0].master_key), (40, &hex::encode(new.current_id())));
    // What was sealed of messages is what it was.
    let mut tx = conn.begin().await.expect("a transaction");
    assert_eq!(reseal(&mut tx, Actor::System, &both, 3).await.expect("sealed"), 0);
    tx.rollback().await.expect("rolled back");
    drop(conn);
    market.db.close().await;
}
