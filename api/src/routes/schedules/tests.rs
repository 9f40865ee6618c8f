use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::{Value, json};

use crate::testing::TestApi;

#[tokio::test]
async fn operators_add_change_pause_run_and_remove_schedules() {
    let api = TestApi::new().await;
    let (operator, observer) = (api.staff(PlatformRole::Operator).await, api.staff(PlatformRole::Observer).await);
    let who = Some(&operator);
    let new = |field: &str, value: Value| {
        let mut body = json!({"name": "night.prune", "kind": "jobs.prune", "expression": "0 2 * * *",
            "zone": "Europe/Berlin", "payload": {"finished_after_hours": 1, "dead_after_hours": 1}});
        body[field] = value;
        body
    };
    for (field, value, code, pointer) in [
        ("expression", json!("99 * * * *"), "schedule_times", "/expression"),
        ("zone", json!("Berlin"), "schedule_times", "/zone"),
        ("misfire", json!("sometimes"), "schedule_times", "/misfire"),
        ("name", json!("Not A Name"), "schedule_name", "/name"),
        ("kind", json!("none.such"), "unknown_kind", "/kind"),
        ("payload", json!({"x": 1}), "payload_unfit", "/payload"),
        ("payload", json!([1, 1]), "payload_unfit", "/payload"),
        ("payload", json!(null), "payload_unfit", "/payload"),
    ] {
        let answer = api.post(who, "/v1/schedules", new(field, value)).await.refused(422, code);
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    let body = new("misfire", json!("skip"));
    api.post(Some(&observer), "/v1/schedules", body.clone()).await.refused(403, "role_too_low");
    let answer = api.post(who, "/v1/schedules", body.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (201, &"/v1/schedules/night.prune".parse().unwrap())
    );
    assert_eq!(answer.body["next"].as_array().unwrap().len(), 5, "{answer:?}");
    api.post(who, "/v1/schedules", body).await.refused(409, "schedule_exists");
    let path = "/v1/schedules/night.prune";
    let changed = api.call(who, Method::PATCH, path, json!({"zone": "Asia/Kolkata"})).await.ok();
    assert_eq!((changed["zone"].as_str(), changed["expression"].as_str()), (Some("Asia/Kolkata"), Some("0 2 * * *")));
    api.call(who, Method::PATCH, path, json!({})).await.refused(422, "nothing_to_change");
    let act = async |verb: &str| api.post(who, &format!("{path}/{verb}"), json!({})).await;
    assert_eq!(act("pause").await.ok()["next"], json!([]));
    let started = act("run-now").await;
    assert_eq!(started.status, 202);
    let job = api.get(who, started.body["url"].as_str().unwrap()).await.ok();
    assert_eq!(job["kind"], "jobs.prune");
    assert_eq!(act("run-now").await.ok()["job"], job["id"], "the open job stands for the second one");
    assert_eq!(act("resume").await.ok()["paused"], false);
    act("reset").await.ok();
    assert_eq!(api.get(Some(&observer), "/v1/schedules").await.ok()["items"][0]["name"], "night.prune");
    assert_eq!(api.call(who, Method::DELETE, path, json!({})).await.status, 204);
    api.get(who, path).await.refused(404, "not_found");
    api.close().await;
}
