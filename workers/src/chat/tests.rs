//! The jobs of conversations, on the real engine and over the real store.

use jobs::chat::{self, NotifyUnread, RotateKeys, SweepUnread};
use market::chat::model::{About, NewMessage};
use market::chat::store;
use market::ids::{ConversationId, ListingId, MessageClientId};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::testing::{self, Trader};
use queue::testing::rows;
use queue::worker::Handlers;
use serde_json::{Value, json};
use shared::crypto::seal::Keyring;
use shared::testing::MASTER_KEY;

use crate::testing::TestWorkers;

/// 32 zero bytes.
const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn ring(keys: &str) -> Keyring {
    Keyring::read(&keys.to_owned().into()).unwrap()
}

fn party(of: Trader) -> Party {
    Party { org: of.org, user: of.user }
}

struct TestMarket {
    workers: TestWorkers,
    keyring: Keyring,
    seller: Trader,
    buyer: Trader,
    goods: ListingId,
}

impl TestMarket {
    async fn new() -> Self {
        let handlers = Handlers::default().with::<NotifyUnread>().with::<SweepUnread>().with::<RotateKeys>();
        let workers = TestWorkers::new(handlers).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
        let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        drop(conn);
        Self { workers, keyring: ring(MASTER_KEY), seller, buyer, goods }
    }

    /// Writes about the goods, with the timer or without.
    async fn write(&self, by: Trader, text: &str, timed: bool) -> ConversationId {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let new = NewMessage { client: MessageClientId::generate(), text, attachments: &[] };
        let (by, about) = (party(by), About::Listing(self.goods));
        let id = if timed {
            chat::begin(&mut tx, &self.keyring, by, about, &new).await.unwrap().0
        } else {
            store::begin(&mut tx, &self.keyring, by, about, &new).await.unwrap().0
        };
        tx.commit().await.unwrap();
        id
    }

    async fn answer(&self, id: ConversationId, text: &str) {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let new = NewMessage { client: MessageClientId::generate(), text, attachments: &[] };
        chat::post(&mut tx, &self.keyring, party(self.seller), id, &new).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn read(&self, by: Trader, id: ConversationId, seq: i64) {
        let mut tx = self.workers.db.pool.begin().await.unwrap();
        store::mark_read(&mut tx, by.org, id, seq).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Lets a quarter of an hour go by for whatever is unread.
    async fn age(&self) {
        let sql = "UPDATE conversation_parties SET unread_since = unread_since - interval '16 minutes'";
        sqlx::query(sql).execute(&self.workers.db.pool).await.unwrap();
    }

    /// Runs every open job of conversations, including those scheduled for later.
    async fn run(&self) {
        self.workers.queue.make_due().await;
        self.workers.queue.drain().await;
    }

    /// Who got a mail about unread messages, and what it tells.
    async fn mails(&self) -> Vec<(bool, Value)> {
        let rows: Vec<(uuid::Uuid, Value)> = sqlx::query_as(
            "SELECT user_id, data FROM emails WHERE template = 'unread_messages' ORDER BY created_at, user_id",
        )
        .fetch_all(&self.workers.db.pool)
        .await
        .unwrap();
        rows.into_iter().map(|(user, data)| (user == self.seller.user.0, data)).collect()
    }

    async fn close(self) {
        // Mails wait for the pool that sends them.
        self.workers.leave().await;
    }
}

#[tokio::test]
async fn what_nobody_reads_for_a_quarter_of_an_hour_is_told_once_without_the_words() {
    let market = TestMarket::new().await;
    let id = market.write(market.buyer, "Is it still there?", true).await;
    market.write(market.buyer, "Hello?", true).await;
    assert_eq!(rows(&market.workers.db.pool, "chat.notify_unread").await.len(), 1);
    market.run().await;
    assert_eq!(market.mails().await, []);
    market.age().await;
    market.run().await;
    let mails = market.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].0, &mails[0].1["unread"], &mails[0].1["conversation"]), (true, &json!(2), &json!(id)));
    assert!(!mails[0].1.to_string().contains("still there"), "{mails:?}");
    // Nobody has read: no other mail, however many messages come.
    market.write(market.buyer, "Please answer.", true).await;
    market.age().await;
    market.run().await;
    assert_eq!(market.mails().await.len(), 1);
    // Somebody has, and something new has come.
    market.read(market.seller, id, 3).await;
    market.write(market.buyer, "Thank you.", true).await;
    market.age().await;
    market.run().await;
    let mails = market.mails().await;
    assert_eq!((mails.len(), &mails[1].1["unread"]), (2, &json!(1)));
    market.close().await;
}

#[tokio::test]
async fn what_is_read_or_answered_in_time_is_not_told() {
    let market = TestMarket::new().await;
    let id = market.write(market.buyer, "Is it still there?", true).await;
    market.read(market.seller, id, 1).await;
    market.age().await;
    market.run().await;
    market.write(market.buyer, "And the other one?", true).await;
    market.answer(id, "Both are.").await;
    market.read(market.buyer, id, 3).await;
    market.age().await;
    market.run().await;
    assert_eq!(market.mails().await, []);
    for job in rows(&market.workers.db.pool, "chat.notify_unread").await {
        assert_eq!(job.state, "succeeded");
    }
    market.close().await;
}

#[tokio::test]
async fn two_runs_at_once_tell_once() {
    let market = TestMarket::new().await;
    let conversation = market.write(market.buyer, "Is it still there?", false).await;
    market.age().await;
    let job = NotifyUnread { conversation, org: market.seller.org };
    let mut tx = market.workers.ledger.begin().await.unwrap();
    for _ in 0..2 {
        let _ = tx.enqueue_with(queue::Enqueue::new(&job).unique(queue::Unique::NO)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tickets = market.workers.queue.take().await;
    let [one, other] = tickets.as_slice() else { panic!("{tickets:?}") };
    futures::join!(market.workers.queue.run(*one), market.workers.queue.run(*other));
    assert_eq!(market.mails().await.len(), 1);
    market.close().await;
}

#[tokio::test]
async fn the_sweep_tells_of_what_lost_its_timer() {
    let market = TestMarket::new().await;
    let sweep = async || {
        market.workers.ledger.enqueue(&SweepUnread {}).await.unwrap();
        market.workers.queue.drain().await;
        rows(&market.workers.db.pool, "chat.sweep").await.pop().unwrap().result.unwrap()
    };
    market.write(market.buyer, "Is it still there?", false).await;
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.age().await;
    assert_eq!(sweep().await, json!({"added": 1, "pulled": 0}));
    assert_eq!(market.mails().await.len(), 1);
    assert_eq!(sweep().await, json!({"added": 0, "pulled": 0}));
    market.close().await;
}

#[tokio::test]
async fn keys_are_sealed_with_the_first_master_key_and_nothing_else_changes() {
    let mut market = TestMarket::new().await;
    // The workers' first key is not the one that has sealed, and they know only that one.
    market.keyring = ring(OLD);
    let id = market.write(market.buyer, "Is it still there?", false).await;
    let run = async || {
        market.workers.ledger.enqueue(&RotateKeys {}).await.unwrap();
        market.workers.queue.drain().await;
        rows(&market.workers.db.pool, "chat.rotate_keys").await.pop().unwrap()
    };
    let job = run().await;
    assert_eq!(job.state, "scheduled", "it is tried again until the worker knows the key");
    // As if the key had been replaced the other way round.
    let mut conn = market.workers.db.pool.acquire().await.unwrap();
    let mut tx = sqlx::Connection::begin(&mut *conn).await.unwrap();
    let both = ring(&format!("{MASTER_KEY},{OLD}"));
    assert_eq!(store::reseal(&mut tx, shared::audit::Actor::System, &both, 10).await.unwrap(), 1);
    tx.commit().await.unwrap();
    market.run().await;
    let job = rows(&market.workers.db.pool, "chat.rotate_keys").await.pop().unwrap();
    assert_eq!((job.state.as_str(), job.result), ("succeeded", Some(json!({"resealed": 0}))));
    let read = store::after(&mut conn, &ring(MASTER_KEY), market.seller.org, id, 0, 10).await.unwrap();
    assert_eq!(read[0].text, "Is it still there?");
    drop(conn);
    market.close().await;
}
