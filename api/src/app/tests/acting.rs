//! The acting organisation: one header, everywhere the same.

use std::collections::BTreeSet;

use serde_json::json;

use super::test_market::TestMarket;
use super::{document, operations};
use crate::testing::Person;

#[tokio::test]
async fn the_header_is_documented_where_it_is_read_and_read_where_it_is_documented() {
    let document = document();
    let market = TestMarket::new().await;
    let nonsense = market.ann.acting("nonsense");
    let (mut documented, mut read) = (BTreeSet::new(), BTreeSet::new());
    for (path, method, _) in operations() {
        // Who logs out has no session for the rest.
        if path == "/v1/auth/logout" {
            continue;
        }
        let name = format!("{method} {path}");
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters {
            let query = parameter["in"] == "query" && parameter["name"] == "org";
            assert!(!query, "{name}: the acting organisation is a header");
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        if parameters.clone().any(|it| it["name"] == "Tradeyard-Org" && it["in"] == "header") {
            documented.insert(name.clone());
        }
        let answer = market.call(Some(&nonsense), &method, &market.path(&path), json!({})).await;
        if answer.code() == "org_malformed" {
            assert_eq!(answer.body["errors"][0]["header"], "Tradeyard-Org");
            answer.refused(400, "org_malformed");
            read.insert(name);
        }
    }
    assert_eq!(documented, read);
    assert!(read.len() > 20, "{read:?}");
    market.api.close().await;
}

#[tokio::test]
async fn who_has_several_organisations_names_one_of_them() {
    let market = TestMarket::new().await;
    let (api, ann) = (&market.api, &market.ann);
    let first = market.path("{org}");
    let get = async |person: &Person| api.get(Some(person), "/v1/items").await;
    let held = get(ann).await.ok();
    let second = api.pending_org(ann, "Ann Shop").await;
    let answer = get(ann).await.refused(400, "org_required");
    assert_eq!(answer.body["errors"], json!([{"header": "Tradeyard-Org", "detail": "missing"}]));
    assert_eq!(get(&ann.acting(&first)).await.ok(), held);
    assert_eq!(get(&ann.acting(second)).await.ok()["items"], json!([]));
    // Whether or not it exists.
    let eves = api.get(Some(&market.eve), "/v1/orgs").await.ok()["items"][0]["id"].clone();
    for other in [eves.as_str().unwrap(), "01890a5d-ac96-774b-bcce-b302099a8057"] {
        get(&ann.acting(other)).await.refused(403, "not_a_member");
    }
    let twice = api.request(reqwest::Method::GET, "/v1/items").bearer_auth(&ann.access);
    let twice = twice.header("tradeyard-org", &first).header("tradeyard-org", second.to_string());
    api.send(twice).await.refused(400, "org_malformed");
    // What it is about says nothing: an item of the first is not there for the second.
    let item = market.path("/v1/items/{item}");
    api.get(Some(&ann.acting(second)), &item).await.refused(404, "not_found");
    api.get(Some(&ann.acting(&first)), &item).await.ok();
    market.api.close().await;
}
