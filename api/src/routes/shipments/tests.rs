use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};
use shared::clock::Clock;

use crate::testing::{Person, TestApi, with_token};

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

/// A shipper with ten units at a site.
struct Yard {
    api: TestApi,
    ann: Person,
    eve: Person,
    item: String,
    site: String,
    away: String,
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

impl Yard {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        for (person, name) in [(&ann, "Ann Farm"), (&eve, "Eve Farm")] {
            api.org(person, name, &moderator).await;
        }
        let item = json!({"category_id": market::testing::CONSOLES, "sku": "ice", "title": "Ice"});
        let item = id(&api.post(Some(&ann), "/v1/items", item).await.ok());
        let mut sites = Vec::new();
        for name in ["Depot", "Store"] {
            let site = json!({"region_id": EARTH, "name": name, "kind": "depot", "latitude": 53.5, "longitude": 10});
            sites.push(id(&api.post(Some(&ann), "/v1/sites", site).await.ok()));
        }
        let (away, site) = (sites.pop().unwrap(), sites.pop().unwrap());
        api.post(Some(&ann), &format!("/v1/items/{item}/stock/{site}/adjust"), json!({"to": 10})).await.ok();
        Self { api, ann, eve, item, site, away }
    }

    fn transfer(&self, quantity: i64) -> Value {
        json!({"from_site": self.site, "to_site": self.away,
            "lines": [{"item_id": self.item, "quantity": quantity, "weight_g": 5, "volume_ml": 7}]})
    }

    async fn level(&self) -> (Value, Value) {
        let path = format!("/v1/items/{}/stock/{}", self.item, self.site);
        let level = self.api.get(Some(&self.ann), &path).await.ok();
        (level["on_hand"].clone(), level["reserved"].clone())
    }
}

#[tokio::test]
async fn a_shipment_is_created_changed_picked_up_and_delivered_in_parts() {
    let yard = Yard::new().await;
    let (api, ann, eve) = (&yard.api, &yard.ann, &yard.eve);
    let made = api.post(Some(ann), "/v1/shipments", yard.transfer(4)).await;
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let made = made.ok();
    assert_eq!(path, format!("/v1/shipments/{}", made["tracking"].as_str().unwrap()));
    assert_eq!((&made["status"], yard.level().await), (&json!("pending"), (json!(10), json!(4))));
    assert_eq!(api.get(Some(ann), &path).await.ok(), made);
    for other in [path.as_str(), "/v1/shipments/S-1", "/v1/shipments/TY00000000000000000"] {
        api.get(Some(eve), other).await.refused(404, "not_found");
    }
    let tag = api.get(Some(ann), &path).await.headers["etag"].to_str().unwrap().to_owned();
    let patch = async |body: Value| {
        let request = api.request(Method::PATCH, &path).header("if-match", &tag).json(&body);
        api.send(with_token(request, Some(ann))).await
    };
    let changed = patch(json!({"carrier": "Post", "lines": [{"line": 1, "quantity": 3, "weight_g": 9}]})).await.ok();
    assert_eq!((&changed["carrier"], &changed["lines"][0]["quantity"]), (&json!("Post"), &json!(3)));
    assert_eq!(yard.level().await, (json!(10), json!(3)));
    patch(json!({"carrier": "Hand"})).await.refused(412, "changed_meanwhile");
    let act = async |act: &str, body: Value| api.post(Some(ann), &format!("{path}/{act}"), body).await;
    act("deliver", json!({})).await.refused(409, "shipment_status");
    assert_eq!(act("pick-up", json!({})).await.ok()["status"], "picked_up");
    assert_eq!(yard.level().await, (json!(7), json!(0)));
    act("cancel", json!({})).await.refused(409, "shipment_status");
    act("deliver", json!({"lines": [{"line": 1, "quantity": 4}]})).await.refused(422, "invalid_value");
    act("deliver", json!({"lines": []})).await.refused(422, "invalid_value");
    act("fail", json!({"reason": ""})).await.refused(422, "reason_length");
    assert_eq!(act("fail", json!({"reason": "Nobody was there."})).await.ok()["status"], "attempt_failed");
    // The same key delivers once.
    for replayed in [false, true] {
        let body = json!({"lines": [{"line": 1, "quantity": 2}]});
        let request =
            api.request(Method::POST, &format!("{path}/deliver")).header("idempotency-key", "one").json(&body);
        let answer = api.send(with_token(request, Some(ann))).await;
        assert_eq!(answer.headers.contains_key("idempotent-replayed"), replayed);
        assert_eq!(answer.ok()["lines"][0]["delivered_quantity"], 2);
    }
    let back = act("return", json!({})).await.ok();
    assert_eq!((&back["status"], &back["lines"][0]["returned_quantity"]), (&json!("returned"), &json!(1)));
    assert_eq!(yard.level().await, (json!(8), json!(0)));
    let figures = api.get(Some(ann), "/v1/shipments/figures").await.ok();
    assert_eq!((&figures["picked_up"], &figures["moved_ml"], &figures["moved_g"]), (&json!(1), &json!(21), &json!(27)));
    let backwards = "/v1/shipments/figures?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z";
    api.get(Some(ann), backwards).await.refused(422, "invalid_value");
    // Each act is reported to the log by a job of its own.
    let reported = "SELECT payload ->> 'act' FROM jobs WHERE kind = 'shipments.report' ORDER BY id";
    let acts: Vec<String> = sqlx::query_scalar(reported).fetch_all(&api.db.pool).await.unwrap();
    assert_eq!(acts, ["create", "change", "pick_up", "fail", "deliver", "return"]);
    yard.api.close().await;
}

#[tokio::test]
async fn figures_are_of_the_last_30_days_unless_others_are_asked_for() {
    let yard = Yard::new().await;
    let (api, ann) = (&yard.api, &yard.ann);
    let made = api.post(Some(ann), "/v1/shipments", yard.transfer(4)).await.ok();
    let path = format!("/v1/shipments/{}", made["tracking"].as_str().unwrap());
    api.post(Some(ann), &format!("{path}/pick-up"), json!({})).await.ok();
    let begun = Clock::SYSTEM.now();
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let figures = async |query: String| api.get(Some(ann), &format!("/v1/shipments/figures{query}")).await.ok();
    let from = |figures: &Value| figures["from"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();

    let usual = figures(String::new()).await;
    assert!(from(&usual) >= begun - TimeDelta::days(30) && from(&usual) <= Clock::SYSTEM.now() - TimeDelta::days(30));
    assert_eq!((&usual["picked_up"], &usual["to"]), (&json!(1), &json!(null)));
    // What was picked up today is within the 30 days before a time in 29 days, and not before one in 31.
    for (days, picked_up) in [(29, 1), (31, 0)] {
        let to = text(begun + TimeDelta::days(days));
        let before = figures(format!("?to={to}")).await;
        assert_eq!(before["picked_up"], picked_up, "{days} days");
        assert_eq!(from(&before), to.parse::<DateTime<Utc>>().unwrap() - TimeDelta::days(30));
        let ever = figures(format!("?from=1970-01-01T00:00:00Z&to={to}")).await;
        assert_eq!(ever["picked_up"], 1);
    }
    for key in ["regions", "sites"] {
        assert_eq!(usual[key][0]["region_id"], EARTH);
        assert_eq!((&usual[key][0]["picked_up"], &usual[key][0]["moved_ml"]), (&json!(1), &json!(28)), "{key}");
    }
    yard.api.close().await;
}

#[tokio::test]
async fn who_gets_it_reads_it_and_takes_it() {
    let yard = Yard::new().await;
    let (api, ann, eve) = (&yard.api, &yard.ann, &yard.eve);
    let org = api.get(Some(eve), "/v1/orgs").await.ok()["items"][0]["id"].clone();
    let mut trade = yard.transfer(2);
    trade["consignee_org_id"] = org;
    api.post(Some(ann), "/v1/shipments", trade.clone()).await.refused(422, "invalid_value");
    trade["to_site"] = Value::Null;
    trade["to_address"] = json!("Eve Farm, The Moon");
    let made = api.post(Some(ann), "/v1/shipments", trade).await.ok();
    let path = format!("/v1/shipments/{}", made["tracking"].as_str().unwrap());
    assert_eq!(api.get(Some(eve), &path).await.ok(), made);
    assert_eq!(api.get(Some(eve), "/v1/shipments?status=pending").await.ok()["items"], json!([made]));
    assert_eq!(api.get(Some(eve), "/v1/shipments?status=delivered").await.ok()["items"], json!([]));
    for act in ["cancel", "pick-up", "return"] {
        api.post(Some(eve), &format!("{path}/{act}"), json!({})).await.refused(404, "not_found");
    }
    api.post(Some(ann), &format!("{path}/pick-up"), json!({})).await.ok();
    let taken = api.post(Some(eve), &format!("{path}/deliver"), json!({})).await.ok();
    assert_eq!(taken["status"], "delivered");
    yard.api.close().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_shipment_is_named() {
    let yard = Yard::new().await;
    let line = |changes: &[(&str, Value)]| {
        let mut line = json!({"item_id": yard.item, "quantity": 1});
        for (field, value) in changes {
            line[*field] = value.clone();
        }
        json!([line])
    };
    for (field, value, pointer) in [
        ("lines", json!([]), "/lines"),
        ("lines", line(&[("quantity", json!(0))]), "/lines/0"),
        ("lines", line(&[("weight_g", json!(-1))]), "/lines/0"),
        ("lines", line(&[("item_id", json!(uuid::Uuid::nil()))]), "/lines/0"),
        ("lines", line(&[("item_id", Value::Null)]), "/lines/0/item_id"),
        ("lines", line(&[("order_line", json!(1))]), "/lines/0/item_id"),
        ("to_site", json!(yard.site), "/to_site"),
        ("to_address", json!("too"), "/to_site"),
        ("from_site", Value::Null, "/from_site"),
        ("from_site", json!(uuid::Uuid::nil()), "/from_site"),
        ("carrier", json!(""), "/carrier"),
        ("vehicle", json!(uuid::Uuid::nil()), "/vehicle"),
        ("consignee_org_id", json!(uuid::Uuid::nil()), "/consignee_org_id"),
    ] {
        let mut body = yard.transfer(1);
        body[field] = value.clone();
        let refused = yard.api.post(Some(&yard.ann), "/v1/shipments", body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{field} {value}: {refused:?}");
    }
    yard.api.close().await;
}

#[tokio::test]
async fn operators_of_the_platform_read_what_an_organisation_has_and_ships_and_change_none() {
    let yard = Yard::new().await;
    let (api, ann) = (&yard.api, &yard.ann);
    let shipment = api.post(Some(ann), "/v1/shipments", yard.transfer(4)).await.ok();
    let org = api.get(Some(ann), "/v1/sites").await.ok()["items"][0]["org_id"].as_str().unwrap().to_owned();
    let shipment = format!("/v1/shipments/{}", shipment["tracking"].as_str().unwrap());
    let (item, site) = (format!("/v1/items/{}", yard.item), format!("/v1/sites/{}", yard.site));
    let level = format!("{item}/stock/{}", yard.site);
    let movements = format!("{level}/movements");
    let figures = "/v1/shipments/figures?from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z";
    let lists = ["/v1/items", "/v1/sites", "/v1/stock", "/v1/shipments", figures];
    let single = [&item, &site, &level, &movements, &shipment].map(String::as_str);
    let paths = [lists, single].concat();

    for role in [PlatformRole::Operator, PlatformRole::Admin] {
        let staff = api.staff(role).await;
        for path in &paths {
            api.get(Some(&staff), path).await.refused(403, "no_org");
            let seen = api.get(Some(&staff.acting(&org)), path).await.ok();
            assert_eq!(seen, api.get(Some(ann), path).await.ok(), "{path}");
        }
        let staff = staff.acting(&org);
        api.post(Some(&staff), "/v1/shipments", yard.transfer(1)).await.refused(403, "not_a_member");
        let cancel = format!("{shipment}/cancel");
        api.post(Some(&staff), &cancel, json!({})).await.refused(403, "not_a_member");
        let adjust = format!("{level}/adjust");
        api.post(Some(&staff), &adjust, json!({"to": 1})).await.refused(403, "not_a_member");
        for path in [&item, &site, &level, &shipment] {
            api.call(Some(&staff), Method::PATCH, path, json!({})).await.refused(403, "not_a_member");
        }
    }
    for role in [PlatformRole::Observer, PlatformRole::Finance] {
        let staff = api.staff(role).await.acting(&org);
        for path in &paths {
            api.get(Some(&staff), path).await.refused(403, "not_a_member");
        }
    }
    assert_eq!(yard.level().await, (json!(10), json!(4)));
    yard.api.close().await;
}
