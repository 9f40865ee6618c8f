use serde_json::{Value, json};

use super::{Page, same};
use crate::http::server::Server;

fn page(next: Option<&str>, count: i64) -> Page {
    page_with(next, count, &json!({}))
}

fn page_with(next: Option<&str>, count: i64, attributes: &Value) -> Page {
    let id = "0198a5f1-0000-7000-8000-000000000001";
    let item =
        json!({"id": id, "title": "Tractor", "attributes": attributes, "price": null, "available": 3, "pictures": []});
    let facets = json!([{"name": "make", "exact": true, "values": [{"value": "fendt", "count": count}]}]);
    let mut page = json!({"items": [item], "facets": facets});
    if let Some(next) = next {
        page["next"] = next.into();
    }
    serde_json::from_value(page).unwrap()
}

#[test]
fn a_peer_that_counts_otherwise_is_not_measured() {
    let ours = [page(Some("ours"), 2), page(None, 3)];
    same(Server::Express, &ours, &[page(Some("theirs"), 2), page(None, 3)]).unwrap();
    assert!(same(Server::Express, &ours, &[page(Some("theirs"), 2), page(None, 4)]).is_err());
    assert!(same(Server::Express, &ours, &[page(None, 2), page(None, 3)]).is_err());
}

#[test]
fn a_whole_number_is_the_same_with_and_without_its_point() {
    let ours = [page_with(None, 2, &json!({"weight_kg": 7.0, "sizes": [1.0]}))];
    same(Server::Express, &ours, &[page_with(None, 2, &json!({"weight_kg": 7, "sizes": [1]}))]).unwrap();
    assert!(same(Server::Express, &ours, &[page_with(None, 2, &json!({"weight_kg": 7.5, "sizes": [1]}))]).is_err());
}
