use market::identity::PlatformRole;
use serde_json::json;

use crate::routes::checkouts::tests::{eur, keyed, offered};
use crate::testing::TestApi;
use crate::testing::socket::Client;

#[tokio::test]
async fn an_order_is_followed_by_its_two_parties_alone() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    for (person, name) in [(&ann, "Ann Farm"), (&bob, "Bob Farm"), (&eve, "Eve Farm")] {
        api.org(person, name, &moderator).await;
    }
    let buy = format!("/v1/listings/{}/buy", offered(&api, &ann, 5).await);
    let checkout = keyed(&api, &bob, &buy, &json!({"quantity": 2, "price": eur("12.50")})).await.ok();
    let topic = format!("order:{}", checkout["orders"][0]["id"].as_str().unwrap());
    let (mut anns, mut bobs) = (Client::open(&api, &ann).await, Client::open(&api, &bob).await);
    for stranger in [&eve, &moderator] {
        assert_eq!(Client::open(&api, stranger).await.subscribe(&topic).await["code"], "not_found");
    }
    let read = api.get(Some(&bob), &format!("/v1/orders/{}", topic.split_once(':').unwrap().1)).await.ok();
    let mut before = Vec::new();
    for client in [&mut anns, &mut bobs] {
        let snapshot = client.subscribe(&topic).await;
        assert_eq!((&snapshot["type"], &snapshot["data"]), (&json!("snapshot"), &read));
        before.push(snapshot["seq"].as_i64().unwrap());
    }
    let cancel = format!("/v1/checkouts/{}/cancel", checkout["id"].as_str().unwrap());
    api.post(Some(&bob), &cancel, json!({})).await.ok();
    for (client, before) in [&mut anns, &mut bobs].into_iter().zip(before) {
        let heard = client.hear().await;
        assert_eq!((&heard["type"], &heard["data"]["status"]), (&json!("changed"), &json!("cancelled")), "{heard}");
        assert!(heard["seq"].as_i64().unwrap() > before, "{heard}");
    }
    api.close().await;
}
