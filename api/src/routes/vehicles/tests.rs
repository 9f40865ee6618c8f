use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::json;

use crate::testing::{Person, TestApi, with_token};

async fn shipper(api: &TestApi, name: &str, moderator: &Person) -> Person {
    let person = api.person(name).await;
    api.org(&person, &format!("{name} Farm"), moderator).await;
    person
}

#[tokio::test]
async fn a_vehicle_is_kept_with_its_maintenance_until_it_is_archived() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (shipper(&api, "Ann", &moderator).await, shipper(&api, "Eve", &moderator).await);
    let truck = json!({"name": "Truck", "registration": "HH-TY 1", "max_weight_g": 1_000, "max_volume_ml": 2_000});
    let made = api.post(Some(&ann), "/v1/vehicles", truck.clone()).await;
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let made = made.ok();
    assert_eq!(api.get(Some(&ann), &path).await.ok(), made);
    assert_eq!(api.get(Some(&ann), "/v1/vehicles").await.ok()["items"], json!([made]));
    assert_eq!(api.get(Some(&eve), "/v1/vehicles").await.ok()["items"], json!([]));
    api.get(Some(&eve), &path).await.refused(404, "not_found");
    let taken = api.post(Some(&ann), "/v1/vehicles", truck.clone()).await.refused(422, "invalid_value");
    assert_eq!(taken.body["errors"][0]["pointer"], "/registration", "{taken:?}");
    api.post(Some(&eve), "/v1/vehicles", truck).await.ok();

    let tag = api.get(Some(&ann), &path).await.headers["etag"].clone();
    let patch = async |tag: &str| {
        let request = api.request(Method::PATCH, &path).header("if-match", tag).json(&json!({"name": "Van"}));
        api.send(with_token(request, Some(&ann))).await
    };
    assert_eq!(patch(tag.to_str().unwrap()).await.ok()["version"], 2);
    patch(tag.to_str().unwrap()).await.refused(412, "changed_meanwhile");

    let windows = format!("{path}/maintenance");
    let window = json!({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-02T00:00:00Z", "reason": "Brakes"});
    let planned = api.post(Some(&ann), &windows, window.clone()).await.ok();
    assert_eq!(api.get(Some(&ann), &windows).await.ok()["items"], json!([planned]));
    let again = api.post(Some(&ann), &windows, window).await.refused(422, "invalid_value");
    assert_eq!(again.body["errors"][0]["pointer"], "/starts_at");
    let planned = format!("{windows}/{}", planned["id"].as_str().unwrap());
    api.call(Some(&eve), Method::DELETE, &planned, json!({})).await.refused(404, "not_found");
    assert_eq!(api.call(Some(&ann), Method::DELETE, &planned, json!({})).await.status, 204);
    api.call(Some(&ann), Method::DELETE, &planned, json!({})).await.refused(404, "not_found");

    assert_eq!(api.call(Some(&ann), Method::DELETE, &path, json!({})).await.status, 204);
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn operators_of_the_platform_read_every_fleet_and_change_none() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let truck = json!({"name": "Truck", "registration": "HH-TY 1", "max_weight_g": 1_000, "max_volume_ml": 2_000});
    let made = api.post(Some(&ann), "/v1/vehicles", truck.clone()).await.ok();
    let path = format!("/v1/vehicles/{}", made["id"].as_str().unwrap());
    let windows = format!("{path}/maintenance");
    let window = json!({"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-02T00:00:00Z", "reason": "Brakes"});
    let planned = api.post(Some(&ann), &windows, window.clone()).await.ok();

    for role in [PlatformRole::Operator, PlatformRole::Admin] {
        let staff = api.staff(role).await;
        api.get(Some(&staff), "/v1/vehicles").await.refused(403, "no_org");
        let staff = staff.acting(org);
        assert_eq!(api.get(Some(&staff), "/v1/vehicles").await.ok()["items"], json!([made]));
        assert_eq!(api.get(Some(&staff), &path).await.ok(), made);
        assert_eq!(api.get(Some(&staff), &windows).await.ok()["items"], json!([planned]));
        api.post(Some(&staff), "/v1/vehicles", truck.clone()).await.refused(403, "not_a_member");
        api.post(Some(&staff), &windows, window.clone()).await.refused(403, "not_a_member");
        for (method, path) in [(Method::PATCH, &path), (Method::DELETE, &path)] {
            api.call(Some(&staff), method, path, json!({})).await.refused(403, "not_a_member");
        }
        let one = format!("{windows}/{}", planned["id"].as_str().unwrap());
        api.call(Some(&staff), Method::DELETE, &one, json!({})).await.refused(403, "not_a_member");
    }
    for staff in [moderator, api.staff(PlatformRole::Observer).await, api.staff(PlatformRole::Finance).await] {
        let staff = staff.acting(org);
        for path in ["/v1/vehicles", path.as_str(), windows.as_str()] {
            api.get(Some(&staff), path).await.refused(403, "not_a_member");
        }
    }
    api.close().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_vehicle_is_named() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = shipper(&api, "Ann", &moderator).await;
    let good = json!({"name": "Truck", "registration": "HH-TY 1", "max_weight_g": 1, "max_volume_ml": 1});
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("registration", json!("")),
        ("registration", json!("x".repeat(51))),
        ("max_weight_g", json!(0)),
        ("max_weight_g", json!(1_000_000_000_000_001_i64)),
        ("max_volume_ml", json!(0)),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = api.post(Some(&ann), "/v1/vehicles", body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/{field}"), "{refused:?}");
    }
    api.close().await;
}
