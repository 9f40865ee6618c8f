use std::collections::HashMap;

use market::identity::PlatformRole;
use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::checkouts::tests::{eur, keyed, offered};
use crate::testing::socket::Client;
use crate::testing::{Person, TestApi};

fn seq(message: &Value) -> i64 {
    message["seq"].as_i64().unwrap()
}

/// Whoever follows several topics, and what was last heard of each.
struct Follower {
    client: Client,
    latest: HashMap<String, Value>,
}

impl Follower {
    async fn open(api: &TestApi, person: &Person) -> Self {
        Self { client: Client::open(api, person).await, latest: HashMap::new() }
    }

    fn hears(&mut self, heard: Value) {
        let topic = heard["topic"].as_str().unwrap().to_owned();
        if let Some(before) = self.latest.get(&topic) {
            assert!(seq(&heard) > seq(before), "{heard} after {before}");
        }
        self.latest.insert(topic, heard);
    }

    async fn follow(&mut self, topic: &str) -> Value {
        let snapshot = self.client.subscribe(topic).await;
        assert_eq!(snapshot["type"], "snapshot", "{snapshot}");
        self.hears(snapshot.clone());
        snapshot
    }

    /// Waits until a field of what is followed has this value; versions only grow meanwhile.
    async fn until(&mut self, topic: &str, field: &str, value: &Value) -> Value {
        while self.latest[topic]["data"][field] != *value {
            let heard = self.client.hear().await;
            self.hears(heard);
        }
        self.latest[topic].clone()
    }
}

#[tokio::test]
async fn what_is_on_offer_is_followed_and_told_when_it_changes() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    for (person, name) in [(&ann, "Ann Farm"), (&bob, "Bob Farm")] {
        api.org(person, name, &moderator).await;
    }
    let listing = offered(&api, &ann, 5).await;
    let [whole, price, stock] = ["listing", "price", "stock"].map(|kind| format!("{kind}:{listing}"));
    // Whoever is logged in may follow it, as everybody may read it.
    let mut cid = Follower::open(&api, &api.person("Cid").await).await;
    assert_eq!(cid.follow(&whole).await["data"]["status"], "published");
    assert_eq!(cid.follow(&format!("price:{}", listing.to_uppercase())).await["data"]["price"], eur("12.50"));
    assert_eq!(cid.follow(&stock).await["data"]["available"], 5);

    let dearer = json!({"price": eur("13.00")});
    api.call(Some(&ann), Method::PUT, &format!("/v1/listings/{listing}/price"), dearer).await.ok();
    for topic in [&whole, &price] {
        assert_eq!(cid.until(topic, "price", &eur("13.00")).await["type"], "changed");
    }
    // A purchase is news of the stock alone.
    let price_was = cid.latest[&price].clone();
    let two = json!({"quantity": 2, "price": eur("13.00")});
    let bought = keyed(&api, &bob, &format!("/v1/listings/{listing}/buy"), &two).await.ok();
    let fewer = cid.until(&stock, "available", &json!(3)).await;
    let cancel = format!("/v1/checkouts/{}/cancel", bought["id"].as_str().unwrap());
    api.post(Some(&bob), &cancel, json!({})).await.ok();
    let full = cid.until(&stock, "available", &json!(5)).await;
    assert_eq!(cid.latest[&price], price_was);

    // Whoever comes back with the last version is up to date, with an older one they get it whole.
    let mut again = Client::open(&api, &bob).await;
    for (since, kind) in [(seq(&full), "subscribed"), (seq(&fewer), "snapshot")] {
        again.say(json!({"subscribe": stock, "since": since})).await;
        let heard = again.hear().await;
        assert_eq!((heard["type"].as_str(), seq(&heard)), (Some(kind), seq(&full)), "{heard}");
    }
    for nothing in [format!("price:{}", uuid::Uuid::now_v7()), "stock:1".to_owned(), "listing:".to_owned()] {
        assert_eq!(again.subscribe(&nothing).await["code"], "not_found", "{nothing}");
    }
    api.close().await;
}

/// A draft of a console; its id.
async fn draft(api: &TestApi, seller: &Person) -> String {
    let item = json!({"category_id": CONSOLES, "sku": uuid::Uuid::now_v7(), "title": "Console"});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let new = json!({"item_id": item["id"], "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("12.50")});
    api.post(Some(seller), "/v1/listings", new).await.ok()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_public_any_more_goes_on_for_its_seller_alone() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let listing = draft(&api, &ann).await;
    let act = async |act: &str| api.post(Some(&ann), &format!("/v1/listings/{listing}/{act}"), json!({})).await.ok();
    let [whole, stock] = ["listing", "stock"].map(|kind| format!("{kind}:{listing}"));
    let (mut anns, mut bobs) = (Client::open(&api, &ann).await, Client::open(&api, &bob).await);
    assert_eq!(anns.subscribe(&whole).await["data"]["status"], "draft");
    assert_eq!(anns.subscribe(&stock).await["code"], "not_found", "a draft sells nothing yet");
    assert_eq!(bobs.subscribe(&whole).await["code"], "not_found");

    act("publish").await;
    let published = anns.hear().await;
    assert_eq!(published["data"]["status"], "published", "{published}");
    for topic in [&whole, &stock] {
        assert_eq!(bobs.subscribe(topic).await["type"], "snapshot");
    }
    act("withdraw").await;
    let withdrawn = anns.hear().await;
    assert_eq!(withdrawn["data"]["status"], "withdrawn", "{withdrawn}");
    assert!(seq(&withdrawn) > seq(&published), "{withdrawn}");
    for topic in [&whole, &stock] {
        let ended = bobs.hear().await;
        assert_eq!((&ended["code"], &ended["topic"]), (&json!("not_found"), &json!(topic)), "{ended}");
        assert!(ended.get("data").is_none(), "{ended}");
    }

    // What a suspended organisation offers is not shown either, while the listing itself stays as it is.
    let second = offered(&api, &ann, 5).await;
    let whole = format!("listing:{second}");
    for client in [&mut anns, &mut bobs] {
        assert_eq!(client.subscribe(&whole).await["data"]["status"], "published");
    }
    let suspend = format!("/v1/orgs/{org}/suspend");
    api.post(Some(&moderator), &suspend, json!({"reason": "fraud"})).await.ok();
    assert_eq!(bobs.hear().await["code"], "not_found");
    assert_eq!(bobs.subscribe(&whole).await["code"], "not_found");
    assert_eq!(anns.subscribe(&whole).await["type"], "snapshot");
    assert_eq!(Client::open(&api, &moderator).await.subscribe(&whole).await["type"], "snapshot");
    api.post(Some(&moderator), &format!("/v1/orgs/{org}/reinstate"), json!({})).await.ok();
    assert_eq!(bobs.subscribe(&whole).await["data"]["status"], "published");
    api.close().await;
}
