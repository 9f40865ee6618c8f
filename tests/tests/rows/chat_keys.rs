#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use market::chat::model::{About, NewMessage};
use market::chat::store;
use market::ids::MessageClientId;
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::testing::{Trader, listing};
use serde_json::json;
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};
use tests::until::{until, until_sql};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::chat::{texts, write};

/// 32 zero bytes: the master key that takes the place of the other one.
const NEW: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
/// More than the job seals in one transaction.
const CONVERSATIONS: usize = 220;
/// The job comes to a halt at its 210th key: those of its first transaction are sealed anew, and those of its second one are locked.
const HALT: &str = "
    CREATE SEQUENCE resealed;
    CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 AS $$
    BEGIN
        IF nextval('resealed') = 210 THEN
            PERFORM pg_advisory_xact_lock(210);
        END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER halt BEFORE UPDATE ON conversation_keys FOR EACH ROW EXECUTE FUNCTION halt();";

fn ring(keys: &str) -> Keyring {
    Keyring::read(&keys.to_owned().into()).unwrap()
}

async fn trader(of: &Person) -> Trader {
    Trader { org: of.org.parse().unwrap(), user: id(&of.get("/v1/me").await.ok()).parse().unwrap() }
}

/// Conversations whose keys the first master key has sealed; their paths.
async fn begun(market: &TestInstallation, seller: Trader, buyer: Trader) -> Vec<String> {
    let (keyring, mut paths) = (ring(MASTER_KEY), Vec::new());
    for _ in 0..CONVERSATIONS {
        let mut tx = market.db.pool.begin().await.unwrap();
        let about = About::Listing(listing(&mut tx, seller, SaleMode::Fixed, 1).await);
        let by = Party { org: buyer.org, user: buyer.user };
        let new = NewMessage { client: MessageClientId::generate(), text: "Is it still there?", attachments: &[] };
        let (id, _) = store::begin(&mut tx, &keyring, by, about, &new).await.unwrap();
        tx.commit().await.unwrap();
        paths.push(format!("/v1/conversations/{id}"));
    }
    paths
}

/// Somebody who writes in conversations and reads them, one after the other, again and again.
struct Load {
    rounds: Vec<Arc<AtomicUsize>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Load {
    /// Everybody has conversations of their own to write in.
    fn start(people: Vec<Person>, conversations: &[String]) -> Self {
        let mut load = Self { rounds: Vec::new(), stop: CancellationToken::new(), tasks: JoinSet::new() };
        let count = people.len();
        for (at, by) in people.into_iter().enumerate() {
            let own: Vec<String> = conversations.iter().skip(at).step_by(count).cloned().collect();
            let (rounds, stop) = (Arc::new(AtomicUsize::new(0)), load.stop.clone());
            load.rounds.push(Arc::clone(&rounds));
            load.tasks.spawn(async move {
                while !stop.is_cancelled() {
                    let text = format!("Round {}", rounds.load(Ordering::Relaxed));
                    for path in &own {
                        write(&by, path, &text).await;
                        assert_eq!(texts(&by, path).await.last(), Some(&text), "{path}");
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        load
    }

    /// Waits until everybody has been through all of theirs from now on.
    async fn goes_round(&self) {
        let before: Vec<_> = self.rounds.iter().map(|rounds| rounds.load(Ordering::Relaxed)).collect();
        // The one that was under way has begun before.
        until(|| self.rounds.iter().zip(&before).all(|(now, before)| now.load(Ordering::Relaxed) >= before + 2)).await;
    }

    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// The worker of conversations seals every key with another master key, while both sides write and read through two APIs, of which one has
/// that key first and the other one the old one: before it begins, while it is halfway, and when it is done. Nothing fails, and the old
/// master key is not needed afterwards, nor does it open anything.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_worker_replaces_the_master_key_while_both_sides_write_and_read() {
    let mut market = TestInstallation::without(&["chat"]).await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let conversations = begun(&market, trader(&ann).await, trader(&bob).await).await;
    market.set(&[("CHAT_KEY", format!("{MASTER_KEY},{NEW}"))]);
    let old_first = market.another_api().await;
    market.set(&[("CHAT_KEY", format!("{NEW},{MASTER_KEY}"))]);
    let new_first = market.another_api().await;

    sqlx::raw_sql(HALT).execute(&market.db.pool).await.unwrap();
    let mut held = market.db.pool.acquire().await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(210)").execute(&mut *held).await.unwrap();
    let people = vec![ann.at(&old_first), bob.at(&old_first), ann.at(&new_first), bob.at(&new_first)];
    let load = Load::start(people, &conversations);
    load.goes_round().await;
    market.run("chat");
    let _ = admin.post("/v1/schedules/chat.rotate_keys/run-now", json!({})).await.ok();
    until_sql(&market.db.pool, "SELECT last_value FROM resealed", 210).await;
    let sealed_anew = async || {
        let sql = "SELECT count(*) FROM conversation_keys WHERE master_key_id = $1";
        let new = ring(NEW).current_id().to_vec();
        sqlx::query_scalar::<_, i64>(sql).bind(new).fetch_one(&market.db.pool).await.unwrap()
    };
    let halfway = sealed_anew().await;
    assert!((1..210).contains(&halfway), "{halfway} are sealed anew");
    load.goes_round().await;
    assert_eq!(sealed_anew().await, halfway, "the job has not waited");

    sqlx::query("SELECT pg_advisory_unlock(210)").execute(&mut *held).await.unwrap();
    drop(held);
    let done = "SELECT count(*) FROM jobs WHERE kind = 'chat.rotate_keys' AND state = 'succeeded'";
    until_sql(&market.db.pool, done, 1).await;
    load.goes_round().await;
    load.end().await;
    assert_eq!(sealed_anew().await, i64::try_from(CONVERSATIONS).unwrap());

    // The old one goes.
    market.set(&[("CHAT_KEY", NEW.to_owned())]);
    let new_alone = market.another_api().await;
    for reader in [ann.at(&new_alone), bob.at(&new_alone)] {
        for path in &conversations {
            assert_eq!(texts(&reader, path).await.first().map(String::as_str), Some("Is it still there?"), "{path}");
        }
    }
    // The first API has it alone.
    assert_eq!(bob.get(&format!("{}/messages", conversations[0])).await.status, 500);
    market.close().await;
}
