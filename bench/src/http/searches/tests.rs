use serde_json::json;

use super::{Page, same};
use crate::http::server::Server;

fn page(next: Option<&str>, count: i64) -> Page {
    let id = "0198a5f1-0000-7000-8000-000000000001";
    let item = json!({"id": id, "title": "Tractor", "attributes": {}, "price": null, "available": 3, "pictures": []});
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
