#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sinks::webhooks::{Receiver, Reply, Sent};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::{PATIENCE, until_sql};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::escrow::offered;

/// Where `./dev test` installs the public library of the standard, and what checks with it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/webhooks/bin/python");
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/webhooks/check.py");

/// An organisation's own server, and what it knows of its endpoint.
struct System {
    receiver: Receiver,
    path: String,
    secret: String,
    _stop: DropGuard,
}

async fn listening() -> (Receiver, DropGuard) {
    let stop = CancellationToken::new();
    let receiver = Receiver::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), stop.clone()).await.unwrap();
    (receiver, stop.drop_guard())
}

impl System {
    /// Registers an endpoint for these events as its organisation's owner does.
    async fn of(owner: &Person, events: &[&str]) -> Self {
        let (receiver, stop) = listening().await;
        let hook = json!({"url": receiver.url(), "name": "Shop system", "events": events});
        let made = owner.post("/v1/webhook-endpoints", hook).await.ok();
        let secret = made["secret"].as_str().unwrap().to_owned();
        Self { receiver, path: format!("/v1/webhook-endpoints/{}", id(&made)), secret, _stop: stop }
    }

    /// The first so many webhooks, each checked as receivers do.
    async fn sent(&self, count: usize) -> Vec<(String, Value)> {
        let sent = self.receiver.wait_for(PATIENCE, count).await.unwrap();
        let bodies = self.checked(&sent).await;
        assert!(bodies.iter().all(Value::is_object), "a signature is wrong: {bodies:?}");
        sent.into_iter().map(|one| one.id).zip(bodies).collect()
    }

    /// The bodies as the library of the standard hands them out; null for a signature that is wrong.
    async fn checked(&self, sent: &[Sent]) -> Vec<Value> {
        assert!(Path::new(PYTHON).exists(), "standardwebhooks is not installed: `./dev test` with any filter does so");
        let mut lines = Vec::new();
        for one in sent {
            let body = std::str::from_utf8(&one.body).unwrap();
            let line = json!({"secret": self.secret, "id": one.id, "timestamp": one.timestamp,
                "signature": one.signature, "body": body});
            lines.extend_from_slice(line.to_string().as_bytes());
            lines.push(b'\n');
        }
        let mut checker = Command::new(PYTHON);
        checker.arg(CHECK).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut checker = checker.spawn().unwrap();
        // Dropped: the program reads to the end.
        checker.stdin.take().unwrap().write_all(&lines).await.unwrap();
        let output = checker.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let bodies = String::from_utf8(output.stdout).unwrap();
        let bodies: Vec<Value> = bodies.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(bodies.len(), sent.len());
        bodies
    }

    fn events(sent: &[(String, Value)]) -> Vec<&str> {
        sent.iter().map(|(_, body)| body["type"].as_str().unwrap()).collect()
    }
}

/// Buys and pays a console; the order.
async fn sold(buyer: &Person, listing: &str) -> String {
    let line = json!({"listing": listing, "quantity": 1, "price": eur("100.00")});
    let placed = buyer.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let pay = format!("/v1/checkouts/{}/pay", id(&placed));
    let payment = id(&buyer.post(&pay, json!({"method": "card"})).await.ok());
    buyer.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    id(&placed["orders"][0])
}

async fn attempts(owner: &Person, delivery: &str, wanted: usize) -> Vec<Value> {
    let made = |read: &Value| read["attempts_made"].as_array().is_some_and(|made| made.len() >= wanted);
    let read = owner.until_that(&format!("/v1/webhook-deliveries/{delivery}"), made).await;
    read["attempts_made"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect()
}

/// A seller's system hears of everything that an order becomes, once each, signed, though its first answer is a failure; a buyer's that
/// never answers holds nobody up. A redirect leads nowhere. Each attempt can be read, and what failed can be sent again.
#[tokio::test(flavor = "multi_thread")]
async fn row_outgoing_webhooks() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    let anns = System::of(&ann, &["order.*"]).await;
    let bobs = System::of(&bob, &["order.paid"]).await;
    anns.receiver.reply([Reply::Status(500)]);
    bobs.receiver.reply([Reply::Silence]);
    let order = sold(&bob, &listing).await;
    for act in ["ship", "receive", "accept"] {
        let by = if act == "ship" { &ann } else { &bob };
        let _ = by.post(&format!("/v1/orders/{order}/{act}"), json!({})).await.ok();
    }
    let sent = anns.sent(6).await;
    // The same in another's name, at another time or with another text is none.
    let first = &anns.receiver.sent()[0];
    let forged = [
        Sent { id: "another".to_owned(), ..first.clone() },
        Sent { timestamp: (first.timestamp.parse::<i64>().unwrap() + 1).to_string(), ..first.clone() },
        Sent { body: first.body.to_ascii_uppercase().into(), ..first.clone() },
    ];
    assert_eq!(anns.checked(&forged).await, [Value::Null, Value::Null, Value::Null]);
    let mut told = System::events(&sent);
    told.sort_unstable();
    // One of them twice: the first one that came was not taken.
    told.dedup();
    assert_eq!(told, ["order.completed", "order.delivered", "order.paid", "order.placed", "order.shipped"]);
    assert_eq!(anns.receiver.counts(), (6, 5));
    for (_, body) in &sent {
        assert_eq!((&body["data"]["order"], body["data"].as_object().unwrap().len()), (&json!(order), 3), "{body}");
    }
    let failed = &sent[0].0;
    assert_eq!(attempts(&ann, failed, 2).await, ["refused", "delivered"]);

    // The silent one is given up on, and comes again.
    let waiting = bobs.sent(1).await;
    assert_eq!(System::events(&waiting), ["order.paid"]);
    assert_eq!(attempts(&bob, &waiting[0].0, 1).await[0], "timed_out");
    assert_eq!(bobs.sent(2).await[1].0, waiting[0].0);

    // A redirect, to somewhere that would be glad to have it.
    let (elsewhere, _stop) = listening().await;
    anns.receiver.reply([Reply::Redirect(elsewhere.url())]);
    let test = id(&ann.post(&format!("{}/test", anns.path), json!({})).await.ok());
    assert_eq!(attempts(&ann, &test, 1).await[0], "redirected");
    let again = attempts(&ann, &test, 2).await;
    assert_eq!((again, elsewhere.sent()), (vec![json!("redirected"), json!("delivered")], Vec::new()));

    // What was delivered can be sent again; it is the same webhook.
    ann.until(&format!("/v1/webhook-deliveries/{test}"), "status", "delivered").await;
    let before = anns.receiver.sent().len();
    let _ = ann.post(&format!("/v1/webhook-deliveries/{test}/replay"), json!({})).await.ok();
    assert_eq!(anns.sent(before + 1).await[before].0, test);
    // Others see nothing of it.
    bob.get(&format!("/v1/webhook-deliveries/{test}")).await.refused(404, "not_found");
    until_sql(&market.db.pool, "SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting'", 0).await;
    market.close().await;
}

/// An endpoint that answers 410 is disabled at once, and one that has failed for five days is paused; its owner is told once, each time.
/// It misses what happens meanwhile, goes on when it is let, and gets what it has missed when that is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn row_outgoing_webhooks_that_end() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    let system = System::of(&ann, &["order.paid"]).await;
    let test = format!("{}/test", system.path);

    system.receiver.reply([Reply::Status(410)]);
    let _ = ann.post(&test, json!({})).await.ok();
    let disabled = ann.until(&system.path, "status", "disabled").await;
    assert_eq!(disabled["reason"], "gone");
    market.mail_to(&ann.email, "Webhooks ended: Shop system").await;
    ann.post(&test, json!({})).await.refused(409, "endpoint_not_active");
    let _ = ann.post(&format!("{}/resume", system.path), json!({})).await.ok();

    system.receiver.reply([Reply::Status(500), Reply::Status(500)]);
    let failing = id(&ann.post(&test, json!({})).await.ok());
    attempts(&ann, &failing, 1).await;
    let days = "UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days'";
    sqlx::query(days).execute(&market.db.pool).await.unwrap();
    ann.until(&system.path, "reason", "failing").await;
    market.mail_to(&ann.email, "Webhooks paused: Shop system").await;
    let order = sold(&bob, &listing).await;
    market.until_quiet().await;
    let missed = ann.get(&format!("{}/deliveries?status=missed", system.path)).await.ok();
    assert_eq!(missed["items"][0]["order"], json!(order), "{missed}");
    assert_eq!(system.receiver.sent().len(), 3);

    let _ = ann.post(&format!("{}/resume", system.path), json!({})).await.ok();
    let since = json!({"since": missed["items"][0]["occurred_at"]});
    let replayed = ann.post(&format!("{}/replay", system.path), since).await.ok();
    assert_eq!(replayed["deliveries"], 1);
    assert_eq!(system.sent(4).await[3].1["data"]["order"], json!(order));
    let told = market.mail.list().iter().filter(|mail| mail.subject.starts_with("Webhooks ")).count();
    assert_eq!(told, 2);
    // The job of the endpoint's other attempts leads nowhere else.
    tokio::time::timeout(Duration::from_mins(1), market.until_quiet()).await.unwrap();
    market.close().await;
}

/// Without the setting for development nothing goes to a private address: one that is written as a number is refused when it is entered,
/// however it is written; a name that leads to one fails with each attempt, and so does what was entered while the setting allowed it. No
/// connection reaches a listener on this machine.
#[tokio::test(flavor = "multi_thread")]
async fn row_outgoing_webhooks_refuse_private_targets() {
    let mut market = TestInstallation::with(&[("WEBHOOK_PRIVATE_TARGETS", "false".to_owned())]).await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let listing = offered(&ann).await;
    // Whoever connects waits here until it is accepted.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let hook = |url: &str| json!({"url": url, "name": "Shop system", "events": ["order.paid"]});
    let numbers = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
    ];
    let urls = numbers.map(|host| format!("https://{host}:{}/hooks", address.port()));
    let plain = format!("http://{address}/hooks");
    for (url, problem) in urls
        .iter()
        .map(|url| (url, "is not an address that anybody can reach"))
        .chain([(&plain, "must begin with https://")])
    {
        let refused = ann.post("/v1/webhook-endpoints", hook(url)).await;
        refused.refused(422, "invalid_value");
        let error = &refused.body["errors"][0];
        assert_eq!((&error["pointer"], &error["detail"]), (&json!("/url"), &json!(problem)), "{url}");
    }

    // The first attempt of a delivery, and why nothing was sent.
    let forbidden = async |delivery: &str, why: &str| {
        assert_eq!(attempts(&ann, delivery, 1).await[0], "forbidden_address");
        let read = ann.get(&format!("/v1/webhook-deliveries/{delivery}")).await.ok();
        let attempt = &read["attempts_made"][0];
        assert_eq!((&attempt["detail"], attempt.get("status_code")), (&json!(why), None), "{read}");
    };
    let named = hook(&format!("https://localhost:{}/hooks", address.port()));
    let path = format!("/v1/webhook-endpoints/{}", id(&ann.post("/v1/webhook-endpoints", named).await.ok()));
    ann.patch(&path, json!({"url": urls[0]})).await.refused(422, "invalid_value");
    let _ = bob.buys(&listing, 1, eur("100.00")).await;
    let deliveries = ann.get(&format!("{path}/deliveries")).await.ok();
    let paid = id(&deliveries["items"][0]);
    forbidden(&paid, "the name leads to an address that not everybody can reach").await;
    assert_eq!(attempts(&ann, &paid, 2).await[1], "forbidden_address");

    market.set(&[("WEBHOOK_PRIVATE_TARGETS", "true".to_owned())]);
    let lenient = ann.at(&market.another_api().await);
    for url in urls.iter().chain([&plain]) {
        let made = lenient.post("/v1/webhook-endpoints", hook(url)).await.ok();
        let test = ann.post(&format!("/v1/webhook-endpoints/{}/test", id(&made)), json!({})).await.ok();
        forbidden(&id(&test), "the address is not allowed here").await;
    }
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // A connection would have been seen.
    let _connection = TcpStream::connect(address).unwrap();
    listener.set_nonblocking(false).unwrap();
    assert!(listener.accept().is_ok());
    market.close().await;
}
