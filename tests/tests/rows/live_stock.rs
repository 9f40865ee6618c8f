use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;

use crate::escrow::offered;

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";
const EARTH: &str = "01900000-0000-7000-8001-000000000001";
/// What the rule allows between a suspension and the end of a socket.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

fn seq(message: &Value) -> i64 {
    message["seq"].as_i64().unwrap_or_else(|| panic!("no seq: {message}"))
}

/// A socket, and what was last heard of each topic.
struct Screen {
    socket: Socket,
    shown: HashMap<String, Value>,
}

impl Screen {
    async fn open(base: &str, person: &Person) -> Self {
        Self { socket: Socket::open(base, person).await, shown: HashMap::new() }
    }

    fn show(&mut self, message: Value) {
        let topic = message["topic"].as_str().unwrap_or_default().to_owned();
        if let Some(before) = self.shown.get(&topic) {
            assert!(seq(&message) > seq(before), "{message} after {before}");
        }
        self.shown.insert(topic, message);
    }

    async fn follow(&mut self, topic: &str) {
        let mut message = self.socket.follow(topic).await;
        // There may still be news of another one.
        while message["topic"] != topic {
            self.show(message);
            message = self.socket.hear().await;
        }
        assert_eq!(message["type"], "snapshot", "{message}");
        self.show(message);
    }

    /// Waits until a field of a topic has this value; versions only grow meanwhile.
    async fn until(&mut self, topic: &str, field: &str, value: &Value) {
        while self.shown[topic]["data"][field] != *value {
            let message = self.socket.hear().await;
            self.show(message);
        }
    }
}

/// Two people look at an offer, each at another API. What one buys, the other sees go; a new price is on both screens; the order is on
/// those of its parties and of nobody else. Whoever was away comes back to what is so now.
#[tokio::test(flavor = "multi_thread")]
async fn row_stock_and_prices_are_live() {
    let mut market = TestInstallation::new().await;
    let other = market.another_api().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let listing = offered(&ann).await;
    let [whole, price, stock] = ["listing", "price", "stock"].map(|kind| format!("{kind}:{listing}"));
    let mut bobs = Screen::open(&market.base, &bob).await;
    let mut cids = Screen::open(&other, &cid).await;
    for screen in [&mut bobs, &mut cids] {
        for topic in [&whole, &price, &stock] {
            screen.follow(topic).await;
        }
        screen.until(&stock, "available", &json!(5)).await;
    }

    let two = json!({"quantity": 2, "price": eur("100.00")});
    let bought = bob.post(&format!("/v1/listings/{listing}/buy"), two).await.ok();
    let _ = ann.put(&format!("/v1/listings/{listing}/price"), json!({"price": eur("90.00")})).await.ok();
    for screen in [&mut bobs, &mut cids] {
        screen.until(&stock, "available", &json!(3)).await;
        screen.until(&price, "price", &eur("90.00")).await;
        screen.until(&whole, "price", &eur("90.00")).await;
    }

    let order = format!("order:{}", id(&bought["orders"][0]));
    let mut anns = Screen::open(&other, &ann).await;
    anns.follow(&order).await;
    bobs.follow(&order).await;
    let refused = Socket::open(&other, &cid).await.follow(&order).await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("not_found")));

    // Cid is away while the order is cancelled and all the rest is bought.
    let last = seq(&cids.shown[&stock]);
    drop(cids);
    let _ = bob.post(&format!("/v1/checkouts/{}/cancel", id(&bought)), json!({})).await.ok();
    for screen in [&mut anns, &mut bobs] {
        screen.until(&order, "status", &json!("cancelled")).await;
    }
    let all = json!({"quantity": 5, "price": eur("90.00")});
    let _ = bob.post(&format!("/v1/listings/{listing}/buy"), all).await.ok();
    bobs.until(&stock, "available", &json!(0)).await;
    let mut cids = Socket::open(&market.base, &cid).await;
    cids.say(&json!({"subscribe": stock, "since": last})).await;
    let now = cids.hear().await;
    assert_eq!((&now["type"], &now["data"]["available"]), (&json!("snapshot"), &json!(0)), "{now}");
    cids.say(&json!({"subscribe": stock, "since": seq(&now)})).await;
    assert_eq!(cids.hear().await["type"], "subscribed");
    market.close().await;
}

/// Whoever is suspended, and whoever logs out, loses every socket at every API within five seconds, with a code that says not to come back.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_suspended_or_logged_out_persons_sockets_close_on_every_instance() {
    let mut market = TestInstallation::new().await;
    let bases = [market.base.clone(), market.another_api().await];
    let admin = market.admin().await;
    let (ann, bob, cid) = (market.person("Ann").await, market.person("Bob").await, market.person("Cid").await);
    let open = async |person: &Person| {
        let mut sockets = Vec::new();
        for base in bases.iter().chain(&bases) {
            sockets.push(Socket::open(base, person).await);
        }
        sockets
    };
    let (anns, bobs, mut cids) = (open(&ann).await, open(&bob).await, open(&cid).await);
    let ann_id = id(&ann.get("/v1/me").await.ok());
    let suspend = format!("/v1/admin/users/{ann_id}/suspend");
    assert_eq!(admin.post(&suspend, json!({"reason": "fraud"})).await.status, 204);
    assert_eq!(bob.post("/v1/auth/logout", json!({})).await.status, 204);
    let all_close = async {
        for mut socket in anns.into_iter().chain(bobs) {
            assert_eq!(socket.closing().await, 4401);
        }
    };
    tokio::time::timeout(CLOSED_WITHIN, all_close).await.expect("a suspended person's socket is closed by then");
    for person in [&ann, &bob] {
        person.post("/v1/ws/ticket", json!({})).await.refused(401, "session_ended");
    }
    // Nobody else's are closed.
    let topic = format!("user:{}", id(&cid.get("/v1/me").await.ok()));
    for socket in &mut cids {
        assert_eq!(socket.follow(&topic).await["type"], "snapshot");
    }
    market.close().await;
}

/// Whoever leaves an organisation hears of each of its topics that it has ended, and nothing more of them; whoever stays goes on.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_an_organisation_stops_seeing_its_topics() {
    let mut market = TestInstallation::new().await;
    let other = market.another_api().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let dan = market.person("Dan").await;
    let invitation = json!({"email": dan.email, "role": "viewer"});
    let invitation = id(&ann.post(&format!("/v1/orgs/{}/invitations", ann.org), invitation).await.ok());
    let _ = dan.post(&format!("/v1/me/invitations/{invitation}/accept"), json!({})).await.ok();

    let item = json!({"category_id": CONSOLES, "sku": "controller", "title": "Controller"});
    let item = id(&ann.post("/v1/items", item).await.ok());
    let site = json!({"region_id": EARTH, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let site = id(&ann.post("/v1/sites", site).await.ok());
    let adjust = format!("/v1/items/{item}/stock/{site}/adjust");
    let _ = ann.post(&adjust, json!({"to": 7})).await.ok();
    let one = json!({"quantity": 1, "price": eur("100.00")});
    let bought = bob.post(&format!("/v1/listings/{}/buy", offered(&ann).await), one).await.ok();
    let topics = [format!("levels:{item}"), format!("order:{}", id(&bought["orders"][0]))];
    let (mut anns, mut dans) = (Socket::open(&market.base, &ann).await, Socket::open(&other, &dan).await);
    for socket in [&mut anns, &mut dans] {
        for topic in &topics {
            assert_eq!(socket.follow(topic).await["type"], "snapshot");
        }
    }

    let dan_id = id(&dan.get("/v1/me").await.ok());
    assert_eq!(ann.delete(&format!("/v1/orgs/{}/members/{dan_id}", ann.org)).await.status, 204);
    for topic in &topics {
        let ended = dans.until(|message| message["topic"] == json!(topic)).await;
        assert_eq!((&ended["type"], &ended["code"]), (&json!("error"), &json!("not_found")), "{ended}");
    }
    let _ = ann.post(&adjust, json!({"to": 4})).await.ok();
    let _ = bob.post(&format!("/v1/checkouts/{}/cancel", id(&bought)), json!({})).await.ok();
    anns.until(|message| message["data"]["levels"][0]["on_hand"] == 4).await;
    for topic in &topics {
        // The answer is the next that Dan hears.
        let refused = dans.follow(topic).await;
        assert_eq!((&refused["code"], &refused["topic"]), (&json!("not_found"), &json!(topic)), "{refused}");
    }
    market.close().await;
}
