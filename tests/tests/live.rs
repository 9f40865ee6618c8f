//! What a client on a WebSocket sees of an auction that the workers open and close.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its stack does not work")]

use std::time::Duration;

use chrono::TimeDelta;
use futures::{SinkExt, StreamExt};
use jobs::auctions::{CloseAuction, OpenAuction};
use market::auctions::store;
use market::testing;
use queue::Enqueue;
use queue::transport::Transport;
use serde_json::{Value, json};
use shared::program::Signals;
use tests::stack::TestStack;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Far longer than it should take, so that only a hang fails.
const PATIENCE: Duration = Duration::from_mins(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open_socket(base: &str) -> Socket {
    let http = reqwest::Client::new();
    let person = json!({"email": "ada@example.com", "name": "Ada", "password": "correct horse battery"});
    let post = |path: &str, token: &str, body: &Value| {
        let request = http.post(format!("{base}{path}")).bearer_auth(token).json(body);
        async { request.send().await.unwrap().error_for_status().unwrap() }
    };
    post("/v1/auth/register", "", &person).await;
    let login = json!({"email": person["email"], "password": person["password"]});
    let tokens: Value = post("/v1/auth/login", "", &login).await.json().await.unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    let ticket: Value = post("/v1/ws/ticket", access, &json!({})).await.json().await.unwrap();
    let url = format!("{}/v1/ws?ticket={}", base.replace("http", "ws"), ticket["ticket"].as_str().unwrap());
    tokio_tungstenite::connect_async(url).await.unwrap().0
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message in time");
        if let Message::Text(text) = message.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_and_award_by_workers_are_seen_at_a_socket() {
    let stack = TestStack::with(Transport::Redis, &[("JWT_SECRET", "a secret for tests, not for anything else")]).await;
    let stop = CancellationToken::new();
    let state = api::start(stack.config.clone(), stop.clone()).unwrap();
    let ledger = state.ledger.clone();
    let server = api::serve::Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let base = format!("http://{}", server.addr);
    tokio::spawn(server.run(api::app::router(&state), stop.clone()));
    tokio::spawn(scheduler::connect(&stack.config).unwrap().run(stop.clone()));
    let (config, signals) = (stack.config.clone(), Signals { stop: stop.clone(), ..Signals::default() });
    let worker =
        tokio::spawn(
            async move { workers::runtime::run("auctions", &config, 4, Duration::from_secs(10), signals).await },
        );

    let mut tx = ledger.begin().await.unwrap();
    let (seller, buyer) = (testing::trader(&mut tx).await, testing::trader(&mut tx).await);
    let mut terms = testing::terms(&mut tx).await;
    let opening = testing::database_time(&mut tx).await + TimeDelta::seconds(3);
    (terms.starts_at, terms.ends_at) = (Some(opening), opening + TimeDelta::seconds(3));
    let auction = testing::auction(&mut tx, seller, &terms).await;
    let _ = tx.enqueue_with(Enqueue::new(&OpenAuction { auction }).run_at(opening)).await.unwrap();
    let _ = tx.enqueue_with(Enqueue::new(&CloseAuction { auction }).run_at(terms.ends_at)).await.unwrap();
    tx.commit().await.unwrap();

    let mut socket = open_socket(&base).await;
    socket.send(Message::text(json!({"subscribe": format!("auction:{auction}")}).to_string())).await.unwrap();
    let (mut seen, mut bid) = (0, false);
    loop {
        let message = hear(&mut socket).await;
        let seq = message["seq"].as_i64().unwrap();
        assert!(seq > seen, "{message}");
        seen = seq;
        match message["data"]["status"].as_str().unwrap() {
            // Nobody announces this bid, as if its API had died.
            "live" if !bid => {
                let mut conn = stack.pool().acquire().await.unwrap();
                let (org, user, maximum) = (buyer.org, buyer.user, testing::secret(5_000));
                let new = store::PlaceBid { auction, org, user, maximum, quantity: None };
                store::place_bid(&mut conn, &new).await.unwrap();
                bid = true;
            }
            "awarded" => {
                assert_eq!((message["type"].as_str(), &message["data"]["bid_count"]), (Some("awarded"), &json!(1)));
                break;
            }
            _ => {}
        }
    }
    assert!(bid, "the opening was seen");
    stop.cancel();
    worker.await.unwrap().unwrap();
    stack.leave().await;
}
