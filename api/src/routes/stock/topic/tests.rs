use market::identity::PlatformRole;
use market::testing::CONSOLES;
use serde_json::{Value, json};

use crate::testing::TestApi;
use crate::testing::socket::Client;

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn levels_are_followed_by_their_organisation_and_what_is_left_by_everybody() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    for (person, name) in [(&ann, "Ann Farm"), (&bob, "Bob Farm")] {
        api.org(person, name, &moderator).await;
    }
    let item = json!({"category_id": CONSOLES, "sku": "console", "title": "Console"});
    let item = id(&api.post(Some(&ann), "/v1/items", item).await.ok());
    let topic = format!("levels:{item}");
    let (mut anns, mut bobs) = (Client::open(&api, &ann).await, Client::open(&api, &bob).await);
    let nothing = anns.subscribe(&topic).await;
    assert_eq!((&nothing["seq"], &nothing["data"]["levels"]), (&json!(0), &json!([])), "{nothing}");
    assert_eq!(bobs.subscribe(&topic).await["code"], "not_found");

    let site = json!({"region_id": EARTH, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
    let site = id(&api.post(Some(&ann), "/v1/sites", site).await.ok());
    let adjust = format!("/v1/items/{item}/stock/{site}/adjust");
    let units = async |on_hand: i64| api.post(Some(&ann), &adjust, json!({"to": on_hand})).await.ok();
    units(7).await;
    let seven = anns.hear().await;
    let level = &seven["data"]["levels"][0];
    assert_eq!((&level["site_id"], &level["on_hand"]), (&json!(site), &json!(7)), "{seven}");
    assert_eq!(bobs.subscribe(&topic).await["code"], "not_found");

    let listing = json!({"item_id": item, "site_id": site, "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": {"amount": "12.50", "currency": "EUR"}});
    let listing = id(&api.post(Some(&ann), "/v1/listings", listing).await.ok());
    api.post(Some(&ann), &format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    let left = bobs.subscribe(&format!("stock:{listing}")).await;
    assert_eq!(left["data"]["available"], 7, "{left}");
    units(4).await;
    let (four, less) = (anns.hear().await, bobs.hear().await);
    assert_eq!((&four["data"]["levels"][0]["on_hand"], &less["data"]["available"]), (&json!(4), &json!(4)));
    for (now, before) in [(&four, &seven), (&less, &left)] {
        assert!(now["seq"].as_i64().unwrap() > before["seq"].as_i64().unwrap(), "{now}");
    }
    assert!(less["data"].get("on_hand").is_none(), "{less}");
    api.close().await;
}
