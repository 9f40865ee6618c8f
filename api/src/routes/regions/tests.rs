use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};
use shared::audit;

use crate::testing::{Person, TestApi, with_token};

const EARTH: &str = "01900000-0000-7000-8001-000000000001";

fn part(parent: &str, kind: &str, slug: &str) -> Value {
    json!({"parent_id": parent, "kind": kind, "slug": slug, "name": "X"})
}

fn id(region: &Value) -> String {
    region["id"].as_str().unwrap().to_owned()
}

async fn listed(api: &TestApi, parent: &str) -> Vec<Value> {
    api.get(None, &format!("/v1/regions?limit=100{parent}")).await.ok()["items"].as_array().unwrap().clone()
}

async fn archive(api: &TestApi, who: &Person, path: &str) -> crate::testing::Answer {
    api.call(Some(who), Method::DELETE, path, json!({})).await
}

#[tokio::test]
async fn an_admin_adds_renames_and_archives_regions() {
    let api = TestApi::new().await;
    let admin = api.staff(PlatformRole::Admin).await;
    let titan = json!({"kind": "body", "slug": "titan", "name": "Titan", "radius_m": 2_574_730.0});
    let made = api.post(Some(&admin), "/v1/regions", titan).await;
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let titan = made.ok();
    assert_eq!((&titan["code"], &titan["body"], &titan["parent_id"]), (&json!("titan"), &json!("titan"), &json!(null)));
    assert_eq!(api.get(None, &path).await.ok(), titan);
    let xanadu = api.post(Some(&admin), "/v1/regions", part(&id(&titan), "country", "xanadu")).await.ok();
    assert_eq!((&xanadu["code"], &xanadu["body"]), (&json!("titan/xanadu"), &json!("titan")));
    assert_eq!(listed(&api, &format!("&parent={}", id(&titan))).await, std::slice::from_ref(&xanadu));
    let old = api.get(None, &path).await.headers["etag"].to_str().unwrap().to_owned();
    let renamed = api.call(Some(&admin), Method::PATCH, &path, json!({"name": "Saturn VI"})).await.ok();
    assert_eq!((&renamed["name"], &renamed["code"]), (&json!("Saturn VI"), &json!("titan")));

    // A site lies in the part, and the part in the body.
    let (ann, moderator) = (api.person("Ann").await, api.staff(PlatformRole::Moderator).await);
    api.org(&ann, "Ann Farm", &moderator).await;
    let station =
        json!({"region_id": id(&xanadu), "name": "Kraken", "kind": "station", "latitude": -10, "longitude": -100});
    let site = api.post(Some(&ann), "/v1/sites", station.clone()).await.ok();
    assert_eq!(site["body"], "titan");
    let part_path = format!("/v1/regions/{}", id(&xanadu));
    archive(&api, &admin, &part_path).await.refused(409, "region_in_use");
    let site = format!("/v1/sites/{}", id(&site));
    assert_eq!(archive(&api, &ann, &site).await.status, 204);
    archive(&api, &admin, &path).await.refused(409, "region_in_use");
    assert_eq!(archive(&api, &admin, &part_path).await.status, 204);
    let refused = api.post(Some(&ann), "/v1/sites", station).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/region_id");
    let refused = api.post(Some(&admin), "/v1/regions", part(&id(&xanadu), "state", "x")).await;
    assert_eq!(refused.refused(422, "invalid_value").body["errors"][0]["pointer"], "/parent_id");
    let request = api.request(Method::DELETE, &path).header("if-match", &old);
    api.send(with_token(request, Some(&admin))).await.refused(412, "changed_meanwhile");
    assert_eq!(archive(&api, &admin, &path).await.status, 204);
    assert!(!listed(&api, "").await.iter().any(|region| region["code"] == "titan"));
    for path in [&path, &part_path] {
        api.get(None, path).await.refused(404, "not_found");
        api.call(Some(&admin), Method::PATCH, path, json!({"name": "Y"})).await.refused(404, "not_found");
        archive(&api, &admin, path).await.refused(404, "not_found");
    }
    // Its code stays taken.
    let again = json!({"kind": "body", "slug": "titan", "name": "Titan", "radius_m": 7});
    api.post(Some(&admin), "/v1/regions", again).await.refused(409, "region_exists");

    let mut conn = api.db.pool.acquire().await.unwrap();
    let entries = audit::page(&mut conn, Some(("region", &id(&titan))), None, 10).await.unwrap();
    let mut acts: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.actor)).collect();
    acts.sort_unstable_by_key(|(action, _)| *action);
    let by = Some(admin.id);
    assert_eq!(acts, [("region.archive", by), ("region.change", by), ("region.create", by)]);
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_region_is_named() {
    let api = TestApi::new().await;
    let admin = api.staff(PlatformRole::Admin).await;
    let good = part(EARTH, "country", "is");
    for (field, value, pointer) in [
        ("slug", json!(""), "/slug"),
        ("slug", json!("IS"), "/slug"),
        ("slug", json!("de/by"), "/slug"),
        ("slug", json!("x".repeat(100)), "/slug"),
        ("name", json!("x".repeat(101)), "/name"),
        ("kind", json!("body"), "/parent_id"),
        ("parent_id", json!(null), "/parent_id"),
        ("parent_id", json!("01890a5d-ac96-774b-bcce-b302099a8057"), "/parent_id"),
        ("radius_m", json!(7), "/radius_m"),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let refused = api.post(Some(&admin), "/v1/regions", bad.clone()).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{bad}");
    }
    for (field, value) in [("kind", json!("planet")), ("name", json!("\u{1}")), ("colour", json!("red"))] {
        let mut bad = good.clone();
        bad[field] = value;
        api.post(Some(&admin), "/v1/regions", bad).await.refused(400, "invalid_body");
    }
    for radius in [json!(null), json!(0), json!(-1), json!(1e300)] {
        let body = json!({"kind": "body", "slug": "io", "name": "Io", "radius_m": radius});
        let refused = api.post(Some(&admin), "/v1/regions", body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], "/radius_m", "{radius}");
    }
    let made = api.post(Some(&admin), "/v1/regions", good.clone()).await.ok();
    let below = part(&id(&made), "country", "x");
    let refused = api.post(Some(&admin), "/v1/regions", below).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/kind");
    api.post(Some(&admin), "/v1/regions", good.clone()).await.refused(409, "region_exists");
    let path = format!("/v1/regions/{}", id(&made));
    let long = json!({"name": "x".repeat(101)});
    let refused = api.call(Some(&admin), Method::PATCH, &path, long).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/name");
    api.call(Some(&admin), Method::PATCH, &path, json!({"slug": "ice"})).await.refused(400, "invalid_body");

    // Nobody below changes the map of all.
    let moderator = api.staff(PlatformRole::Moderator).await;
    api.post(Some(&moderator), "/v1/regions", good).await.refused(403, "role_too_low");
    for method in [Method::PATCH, Method::DELETE] {
        api.call(Some(&moderator), method, &path, json!({})).await.refused(403, "role_too_low");
    }
    assert_eq!(api.get(None, &path).await.ok(), made);
    api.close().await;
}
