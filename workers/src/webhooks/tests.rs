//! Against a receiver over HTTP, which answers as it is told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use chrono::Utc;
use jobs::emails::SendEmail;
use jobs::webhooks::{DeliverWebhook, PurgeDeliveries, SweepDeliveries, deliver, replay, replay_missed, send_test};
use market::carriers::rules::{secret, signature};
use market::ids::{DeliveryId, EndpointId, OrderId};
use market::listings::model::SaleMode;
use market::testing::{Trader, eur, listing, pay, placed, trader};
use market::webhooks::model::{
    AttemptOutcome, Delivery, DeliveryStatus, EndpointStatus, NewEndpoint, StopReason, Subscription,
};
use market::webhooks::rules::reach::Reach;
use market::webhooks::store;
use queue::Job;
use queue::testing::rows;
use queue::worker::Handlers;
use secrecy::SecretString;
use shared::audit::Actor;
use shared::crypto::seal::Keyring;
use shared::testing::{MASTER_KEY, Statements};

use crate::testing::TestWorkers;

/// What a receiver was sent: id, time, signature and body.
type Sent = (String, String, String, Bytes);

#[derive(Clone, Debug, Default)]
struct Receiver {
    /// What it answers next; after that, 200.
    answers: Arc<Mutex<VecDeque<u16>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Receiver {
    async fn start() -> (Self, String) {
        let receiver = Self::default();
        let router = Router::new().route("/hooks", post(take)).with_state(receiver.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, url)
    }

    fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let sent = (text(signature::ID), text(signature::TIMESTAMP), text(signature::SIGNATURE), body);
    receiver.sent.lock().unwrap().push(sent);
    let status = receiver.answers.lock().unwrap().pop_front().unwrap_or(200);
    (StatusCode::from_u16(status).unwrap(), "thanks")
}

struct Kit {
    workers: TestWorkers,
    receiver: Receiver,
    seller: Trader,
    buyer: Trader,
    endpoint: EndpointId,
    secret: Vec<u8>,
}

impl Kit {
    async fn new() -> Self {
        let handlers = Handlers::default()
            .with::<DeliverWebhook>()
            .with::<SweepDeliveries>()
            .with::<PurgeDeliveries>()
            .with::<SendEmail>();
        let workers = TestWorkers::new(handlers).await;
        let (receiver, url) = Receiver::start().await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        let keyring = Keyring::read(&SecretString::from(MASTER_KEY)).unwrap();
        let new = NewEndpoint { url, name: "Shop".to_owned(), events: vec![Subscription::All] };
        let made = store::create(&mut conn, seller.org, Actor::User(seller.user), &new, Reach::Anywhere, &keyring);
        let (endpoint, shown) = made.await.unwrap();
        drop(conn);
        let secret = secret::read(&shown.shown()).unwrap();
        Self { workers, receiver, seller, buyer, endpoint: endpoint.id, secret }
    }

    fn owner(&self) -> Actor {
        Actor::User(self.seller.user)
    }

    /// An order of the seller's, and the jobs that tell of it.
    async fn order(&self) -> OrderId {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let goods = listing(&mut conn, self.seller, SaleMode::Fixed, 10).await;
        let (checkout, order) = placed(&mut conn, self.buyer, goods, eur(10_000)).await;
        pay(&mut conn, self.buyer, checkout).await;
        drop(conn);
        let mut tx = self.workers.ledger.begin().await.unwrap();
        deliver(&mut tx, &[order]).await.unwrap();
        tx.commit().await.unwrap();
        order
    }

    async fn test(&self) -> DeliveryId {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (id, _) = send_test(&mut tx, self.seller.org, self.owner(), self.endpoint).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn delivery(&self, id: DeliveryId) -> Delivery {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::delivery(&mut conn, self.seller.org, id).await.unwrap().unwrap()
    }

    /// Runs what is due, and what waits for a later attempt, `times` times.
    async fn run(&self, times: usize) {
        for _ in 0..times {
            sqlx::query("UPDATE webhook_deliveries SET due_at = clock_timestamp() WHERE status = 'waiting'")
                .execute(&self.workers.db.pool)
                .await
                .unwrap();
            self.workers.queue.make_due().await;
            self.workers.queue.drain().await;
        }
    }
}

#[tokio::test]
async fn what_an_order_becomes_arrives_signed_once_each() {
    let kit = Kit::new().await;
    let order = kit.order().await;
    kit.run(1).await;
    let sent = kit.receiver.sent();
    let bodies: Vec<serde_json::Value> = sent.iter().map(|sent| serde_json::from_slice(&sent.3).unwrap()).collect();
    let told: Vec<_> =
        bodies.iter().map(|body| (body["type"].as_str().unwrap(), body["data"]["version"].as_i64().unwrap())).collect();
    assert_eq!(told, [("order.placed", 1), ("order.paid", 2)]);
    for (body, (id, timestamp, signed, bytes)) in bodies.iter().zip(&sent) {
        assert_eq!(body["data"]["order"], order.to_string());
        assert_eq!(body["data"].as_object().unwrap().len(), 3, "nothing else is said: {body}");
        let headers = signature::Headers { id, timestamp, signature: signed };
        let now = chrono::DateTime::<Utc>::from_timestamp(timestamp.parse().unwrap(), 0).unwrap();
        assert_eq!(signature::check(&[&kit.secret], headers, bytes, now), Ok(()));
        let delivery = kit.delivery(id.parse().unwrap()).await;
        assert_eq!((delivery.status, delivery.attempts), (DeliveryStatus::Delivered, 1));
    }
    // Asked for again, nothing is sent again.
    let mut tx = kit.workers.ledger.begin().await.unwrap();
    deliver(&mut tx, &[order]).await.unwrap();
    tx.commit().await.unwrap();
    kit.run(1).await;
    assert_eq!(kit.receiver.sent().len(), 2);
    kit.workers.close().await;
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_under_the_same_id_and_every_attempt_is_kept() {
    let kit = Kit::new().await;
    kit.receiver.answer(&[500, 302, 429]);
    let id = kit.test().await;
    kit.run(1).await;
    let waiting = kit.delivery(id).await;
    assert_eq!((waiting.status, waiting.attempts), (DeliveryStatus::Waiting, 1));
    let job = rows(&kit.workers.db.pool, DeliverWebhook::KIND.name).await.remove(0);
    assert_eq!((job.state.as_str(), job.attempt), ("scheduled", 1), "{job:?}");
    // Its time has not come, whatever somebody does with the job.
    kit.workers.queue.make_due().await;
    kit.workers.queue.drain().await;
    assert_eq!(kit.receiver.sent().len(), 1);
    kit.run(3).await;
    assert_eq!(kit.delivery(id).await.status, DeliveryStatus::Delivered);
    let sent = kit.receiver.sent();
    assert!(sent.len() == 4 && sent.iter().all(|one| one.0 == id.to_string() && one.3 == sent[0].3), "{sent:?}");
    let mut conn = kit.workers.db.pool.acquire().await.unwrap();
    let kept = store::attempts(&mut conn, id).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|one| (one.number, one.outcome, one.status_code, one.detail.as_str())).collect();
    assert_eq!(
        kept,
        [
            (1, AttemptOutcome::Refused, Some(500), "thanks"),
            (2, AttemptOutcome::Redirected, Some(302), "thanks"),
            (3, AttemptOutcome::Refused, Some(429), "thanks"),
            (4, AttemptOutcome::Delivered, Some(200), "thanks"),
        ]
    );
    drop(conn);
    kit.workers.close().await;
}

#[tokio::test]
async fn a_round_ends_and_a_replay_begins_another_one() {
    let kit = Kit::new().await;
    kit.receiver.answer(&[503; 10]);
    let id = kit.test().await;
    kit.run(11).await;
    let ended = kit.delivery(id).await;
    assert_eq!((ended.status, ended.attempts), (DeliveryStatus::Failed, 10));
    let mut tx = kit.workers.ledger.begin().await.unwrap();
    replay(&mut tx, kit.seller.org, kit.owner(), id).await.unwrap();
    tx.commit().await.unwrap();
    kit.run(1).await;
    let ended = kit.delivery(id).await;
    assert_eq!((ended.status, ended.attempts), (DeliveryStatus::Delivered, 11));
    kit.workers.close().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_its_owner_hears_of_it() {
    let kit = Kit::new().await;
    kit.receiver.answer(&[410]);
    let (first, second) = (kit.test().await, kit.test().await);
    kit.run(1).await;
    let mut conn = kit.workers.db.pool.acquire().await.unwrap();
    let endpoint = store::get(&mut conn, kit.seller.org, kit.endpoint).await.unwrap().unwrap();
    assert_eq!((endpoint.status, endpoint.reason), (EndpointStatus::Disabled, Some(StopReason::Gone)));
    assert_eq!(kit.delivery(first).await.status, DeliveryStatus::Failed);
    assert_eq!(kit.delivery(second).await.status, DeliveryStatus::Missed);
    assert_eq!(kit.receiver.sent().len(), 1);
    kit.workers.mails(1).await;
    let subject = kit.workers.smtp.list().first().map(|mail| mail.subject.clone());
    assert_eq!(subject.as_deref(), Some("Webhooks ended: Shop"));
    drop(conn);
    kit.workers.close().await;
}

#[tokio::test]
async fn five_days_of_failure_pause_an_endpoint_and_what_it_missed_is_replayed() {
    let kit = Kit::new().await;
    kit.receiver.answer(&[500, 500]);
    let first = kit.test().await;
    kit.run(1).await;
    sqlx::query("UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days'")
        .execute(&kit.workers.db.pool)
        .await
        .unwrap();
    kit.run(1).await;
    assert_eq!(kit.delivery(first).await.status, DeliveryStatus::Failed);
    kit.workers.mails(1).await;
    // What happens meanwhile is written down.
    let order = kit.order().await;
    kit.run(1).await;
    assert_eq!(kit.receiver.sent().len(), 2);
    let mut tx = kit.workers.ledger.begin().await.unwrap();
    let by = kit.owner();
    let since = chrono::DateTime::UNIX_EPOCH;
    let refused = replay_missed(&mut tx, kit.seller.org, by, kit.endpoint, since, None).await;
    assert!(refused.is_err(), "it is paused");
    tx.rollback().await.unwrap();
    let mut tx = kit.workers.ledger.begin().await.unwrap();
    store::resume(&mut tx, kit.seller.org, by, kit.endpoint).await.unwrap();
    assert_eq!(replay_missed(&mut tx, kit.seller.org, by, kit.endpoint, since, None).await.unwrap(), 3);
    tx.commit().await.unwrap();
    kit.run(1).await;
    let told: Vec<_> = kit.receiver.sent().split_off(2);
    assert_eq!(told.len(), 3);
    assert_eq!(told.iter().filter(|sent| String::from_utf8_lossy(&sent.3).contains(&order.to_string())).count(), 2);
    kit.workers.close().await;
}

/// A job that has found its delivery missed ends just as a replay begins the delivery anew, and sees that the job is open.
#[tokio::test]
async fn race_replay_against_the_job_that_finds_nothing_to_send() {
    let kit = Kit::new().await;
    for _ in 0..20 {
        kit.order().await;
    }
    let again = async {
        for _ in 0..20 {
            let mut conn = kit.workers.db.pool.begin().await.unwrap();
            store::pause(&mut conn, kit.seller.org, kit.owner(), kit.endpoint).await.unwrap();
            conn.commit().await.unwrap();
            tokio::task::yield_now().await;
            let mut tx = kit.workers.ledger.begin().await.unwrap();
            store::resume(&mut tx, kit.seller.org, kit.owner(), kit.endpoint).await.unwrap();
            let since = chrono::DateTime::UNIX_EPOCH;
            replay_missed(&mut tx, kit.seller.org, kit.owner(), kit.endpoint, since, None).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    tokio::join!(again, kit.run(1));
    kit.run(3).await;
    let lost: i64 = sqlx::query_scalar("SELECT count(*) FROM webhook_deliveries WHERE status <> 'delivered'")
        .fetch_one(&kit.workers.db.pool)
        .await
        .unwrap();
    assert_eq!(lost, 0);
    assert!(kit.receiver.sent().len() >= 40);
    kit.workers.close().await;
}

#[tokio::test]
async fn what_nobody_enqueued_the_sweep_does_once() {
    let kit = Kit::new().await;
    let mut conn = kit.workers.db.pool.acquire().await.unwrap();
    let goods = listing(&mut conn, kit.seller, SaleMode::Fixed, 10).await;
    placed(&mut conn, kit.buyer, goods, eur(10_000)).await;
    drop(conn);
    let sweep = async || {
        let _ = kit.workers.ledger.enqueue(&SweepDeliveries {}).await.unwrap();
        kit.workers.queue.drain().await;
        kit.receiver.sent().len()
    };
    assert_eq!(sweep().await, 0, "whoever has made it may be about to");
    // The table refuses this: a delivery stays as it was made.
    let mut tx = kit.workers.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::query("UPDATE webhook_deliveries SET created_at = created_at - interval '1 minute'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!((sweep().await, sweep().await), (1, 1));
    kit.workers.close().await;
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten() {
    let kit = Kit::new().await;
    kit.test().await;
    let (kept, waiting) = (kit.test().await, kit.test().await);
    kit.run(1).await;
    let ended = "UPDATE webhook_deliveries SET ended_at = ended_at - interval '31 days' WHERE id <> $1";
    sqlx::query(ended).bind(kept).execute(&kit.workers.db.pool).await.unwrap();
    let mut tx = kit.workers.ledger.begin().await.unwrap();
    replay(&mut tx, kit.seller.org, kit.owner(), waiting).await.unwrap();
    tx.commit().await.unwrap();
    let _ = kit.workers.ledger.enqueue(&PurgeDeliveries::DEFAULT).await.unwrap();
    kit.workers.queue.drain().await;
    let left: Vec<DeliveryId> = sqlx::query_scalar("SELECT id FROM webhook_deliveries ORDER BY id")
        .fetch_all(&kit.workers.db.pool)
        .await
        .unwrap();
    assert_eq!(left, [kept, waiting]);
    kit.workers.close().await;
}

/// A database that restarts between the endpoint's answer and our commit sends nothing twice.
#[tokio::test]
async fn an_answer_is_recorded_though_the_database_restarts() {
    let kit = Kit::new().await;
    let id = kit.test().await;
    kit.workers.restart_database_when("INSERT ON webhook_attempts", "new.outcome = 'delivered'").await;
    kit.run(1).await;
    assert_eq!(kit.workers.restarts().await, 3);
    assert_eq!(kit.receiver.sent().len(), 1);
    assert_eq!(kit.delivery(id).await.attempts, 1);
    kit.workers.close().await;
}

#[tokio::test]
async fn a_webhook_is_two_statements_when_it_is_delivered() {
    let kit = Kit::new().await;
    kit.receiver.answer(&[500]);
    let id = kit.test().await;
    kit.run(1).await;
    let failing = "SELECT failing_since IS NOT NULL FROM webhook_endpoints";
    assert!(sqlx::query_scalar::<_, bool>(failing).fetch_one(&kit.workers.db.pool).await.unwrap());
    let due = "UPDATE webhook_deliveries SET due_at = clock_timestamp()";
    sqlx::query(due).execute(&kit.workers.db.pool).await.unwrap();
    kit.workers.queue.make_due().await;
    let statements = Statements::containing(&["webhook_"]);
    let counting = statements.listen();
    assert_eq!(kit.workers.queue.drain().await, 1);
    drop(counting);
    assert_eq!(statements.count(), 2);
    let delivered = kit.delivery(id).await;
    assert_eq!((delivered.status, delivered.attempts), (DeliveryStatus::Delivered, 2));
    assert!(!sqlx::query_scalar::<_, bool>(failing).fetch_one(&kit.workers.db.pool).await.unwrap());
    kit.workers.close().await;
}
