use market::identity::PlatformRole;
use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::json;

use crate::testing::{TestApi, with_token};

#[tokio::test]
async fn people_subscribe_to_reports_of_their_organisations() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    for person in [&ann, &eve] {
        api.org(person, "Farm", &moderator).await;
    }
    let ask = json!({"kind": "sales", "format": "pdf", "cadence": "weekly", "parameters": {"group_by": "day", "currency": "EUR"},
        "falls_by": 20});
    let made = api.post(Some(&ann), "/v1/report-subscriptions", ask.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let subscription = made.ok();
    for (field, wanted) in ask.as_object().unwrap() {
        assert_eq!(&subscription[field], wanted, "{field}");
    }
    let read = api.get(Some(&ann), &path).await;
    let tag = read.headers["etag"].clone();
    assert_eq!(read.ok(), subscription);
    assert_eq!(api.get(Some(&ann), "/v1/report-subscriptions").await.ok()["items"], json!([subscription]));
    assert_eq!(api.get(Some(&eve), "/v1/report-subscriptions").await.ok()["items"], json!([]));
    for method in [Method::GET, Method::DELETE] {
        api.call(Some(&eve), method, &path, json!({})).await.refused(404, "not_found");
    }
    let delete = with_token(api.request(Method::DELETE, &path), Some(&ann)).header(IF_MATCH, tag);
    assert_eq!(api.send(delete).await.status, 204);
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn what_no_report_could_be_is_refused_where_it_is_wrong() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Farm", &moderator).await;
    let nowhere = uuid::Uuid::nil();
    for (ask, pointer) in [
        (json!({"kind": "job_activity"}), "/kind"),
        (json!({"kind": "monthly_analytics"}), "/cadence"),
        (json!({"kind": "payouts", "parameters": {"group_by": "day"}}), "/parameters/group_by"),
        (json!({"kind": "payouts", "parameters": {"currency": "EUR"}}), "/parameters/currency"),
        (json!({"kind": "sales", "parameters": {"category": nowhere}}), "/parameters/category"),
        (json!({"kind": "sales", "parameters": {"region": nowhere}}), "/parameters/region"),
        (json!({"kind": "sales", "falls_by": 0}), "/falls_by"),
        (json!({"kind": "sales", "falls_by": 101}), "/falls_by"),
        (json!({"kind": "inventory_check", "falls_by": 20}), "/falls_by"),
    ] {
        let mut body = ask;
        body["format"] = json!("csv");
        body["cadence"] = json!("daily");
        let answer = api.post(Some(&ann), "/v1/report-subscriptions", body).await.refused(422, "parameters_invalid");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer);
    }
    let monthly = json!({"kind": "monthly_analytics", "format": "pdf", "cadence": "monthly"});
    for _ in 0..50 {
        assert_eq!(api.post(Some(&ann), "/v1/report-subscriptions", monthly.clone()).await.status, 201);
    }
    api.post(Some(&ann), "/v1/report-subscriptions", monthly).await.refused(409, "too_many_subscriptions");
    api.close().await;
}
