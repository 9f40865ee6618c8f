use std::time::Duration;

use jobs::queues;
use market::identity::PlatformRole;
use queue::ledger::queue_settings;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::{JobId, OrgId};

use crate::testing::socket::Client;
use crate::testing::{Person, TestApi};

async fn enqueue(api: &TestApi, payload: Value, tenant: Option<OrgId>, delay: u64) -> JobId {
    let info = api.state.registry.get("jobs.prune").unwrap();
    let job = info.enqueue(payload).unwrap().unique(queue::Unique::NO).after(Duration::from_secs(delay));
    let job = if let Some(org) = tenant { job.tenant(org) } else { job };
    let mut tx = api.state.ledger.begin().await.unwrap();
    let id = tx.enqueue_with(job).await.unwrap().id();
    tx.commit().await.unwrap();
    id
}

fn prune() -> Value {
    json!({"finished_after_hours": 1, "dead_after_hours": 1})
}

async fn kill(api: &TestApi, job: JobId, error: &str) {
    for sql in [
        "UPDATE jobs SET state = 'queued', epoch = 1 WHERE id = $1",
        "UPDATE jobs SET state = 'running', worker = 1, started_at = now(), attempt = 1 WHERE id = $1",
        "UPDATE jobs SET state = 'dead', finished_at = now() WHERE id = $1",
    ] {
        sqlx::query(sql).bind(job.0).execute(&api.db.pool).await.unwrap();
    }
    let sql = "UPDATE jobs SET error = $2, fingerprint = 'f1' WHERE id = $1";
    sqlx::query(sql).bind(job.0).bind(error).execute(&api.db.pool).await.unwrap();
}

async fn actions(api: &TestApi, admin: &Person) -> Vec<String> {
    let log = api.get(Some(admin), "/v1/admin/audit").await.ok();
    log["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn operators_find_explain_cancel_and_retry_jobs() {
    let api = TestApi::new().await;
    let (operator, admin) = (api.staff(PlatformRole::Operator).await, api.admin().await);
    let (waiting, dead) = (enqueue(&api, prune(), None, 3600).await, enqueue(&api, prune(), None, 0).await);
    kill(&api, dead, "the disk is full").await;
    let who = Some(&operator);

    let page = api.get(who, "/v1/jobs?limit=1").await.ok();
    assert_eq!((&page["items"][0]["id"], &page["next"]), (&json!(dead), &json!(dead.to_string())));
    let page = api.get(who, &format!("/v1/jobs?after={dead}")).await.ok();
    assert_eq!((&page["items"][0]["id"], page.get("next")), (&json!(waiting), None));
    let page = api.get(who, "/v1/jobs?state=dead,cancelled&error=DISK&kind=jobs.prune").await.ok();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let answer = api.get(who, "/v1/jobs?state=odd").await.refused(400, "invalid_query");
    assert_eq!(answer.body["errors"][0]["parameter"], "state");
    assert_eq!(api.get(who, "/v1/jobs/dead").await.ok()["items"][0]["jobs"], 1);
    let counts = api.get(who, "/v1/jobs/counts").await.ok();
    let of_queue = counts["items"].as_array().unwrap().iter().filter(|count| count["queue"] == "maintenance");
    assert_eq!(of_queue.count(), 2);
    assert_eq!(api.get(who, &format!("/v1/jobs/{dead}/detail")).await.ok()["payload"], prune());
    assert_eq!(api.get(who, &format!("/v1/jobs/{waiting}/why")).await.ok()["cause"], "not_due");
    api.get(who, "/v1/jobs/999/why").await.refused(404, "not_found");

    let post = async |path: String, body: Value| api.post(who, &path, body).await;
    post(format!("/v1/jobs/{waiting}/run-now"), json!({})).await.ok();
    assert_eq!(post(format!("/v1/jobs/{waiting}/cancel"), json!({})).await.ok(), json!({"cancelled": "at_once"}));
    post(format!("/v1/jobs/{waiting}/cancel"), json!({})).await.refused(409, "wrong_state");
    for bad in [json!({"finished_after_hours": "x"}), json!([1, 1])] {
        let body = json!({"payload": bad});
        post(format!("/v1/jobs/{dead}/retry"), body).await.refused(422, "payload_unfit");
    }
    let good = json!({"payload": {"finished_after_hours": 2, "dead_after_hours": 2}, "delay_seconds": 60});
    assert_eq!(post(format!("/v1/jobs/{dead}/retry"), good).await.status, 204);
    let job = api.get(who, &format!("/v1/jobs/{dead}/detail")).await.ok();
    assert_eq!((job["state"].as_str(), &job["payload"]["dead_after_hours"]), (Some("scheduled"), &json!(2)));
    assert!(job["logs"].to_string().contains(&operator.id.to_string()), "{job}");
    let low = json!({"priority": "low"});
    assert_eq!(api.call(who, Method::PATCH, &format!("/v1/jobs/{dead}"), low).await.status, 204);
    assert_eq!(
        actions(&api, &admin).await[..4],
        ["job.reprioritise", "job.retry", "job.cancel", "job.run_now"].map(str::to_owned)
    );
    api.close().await;
}

#[tokio::test]
async fn operators_act_on_many_jobs_that_they_can_name() {
    let api = TestApi::new().await;
    let (operator, admin) = (api.staff(PlatformRole::Operator).await, api.admin().await);
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(enqueue(&api, prune(), None, 3600).await);
    }
    kill(&api, jobs[0], "x").await;
    let cancel = |body| api.post(Some(&operator), "/v1/jobs/cancel", body);
    cancel(json!({"matching": {}})).await.refused(422, "filter_empty");
    cancel(json!({"matching": {"states": ["scheduled"]}})).await.refused(422, "filter_empty");
    cancel(json!({"matching": {"queues": "maintenance"}})).await.refused(400, "invalid_body");
    let asked = cancel(json!({"matching": {"queue": "maintenance"}})).await;
    assert_eq!((asked.status.as_u16(), &asked.body["counted"]), (202, &json!(4)));
    let job = api.get(Some(&operator), asked.body["url"].as_str().unwrap()).await.ok();
    assert_eq!((&job["kind"], &job["id"]), (&json!("jobs.cancel"), &asked.body["job"]));
    let retry = |body| api.post(Some(&operator), "/v1/jobs/retry", body);
    for bad in [json!({"per_second": -1.0}), json!({"limit": 0}), json!({"per_second": 1e-9})] {
        let mut body = bad;
        body["matching"] = json!({"kind": "jobs.prune"});
        retry(body).await.refused(422, "setting_out_of_bounds");
    }
    let asked = retry(json!({"matching": {"fingerprint": "f1"}, "per_second": 10.0})).await;
    assert_eq!((asked.status.as_u16(), &asked.body["counted"]), (202, &json!(1)));
    let acts = actions(&api, &admin).await;
    assert_eq!(acts[..2], ["job.retry_many", "job.cancel_many"].map(str::to_owned));
    api.close().await;
}

#[tokio::test]
async fn a_jobs_owner_sees_its_progress_and_nothing_else() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let job = enqueue(&api, prune(), Some(org), 3600).await;
    let path = format!("/v1/jobs/{job}");
    let seen = api.get(Some(&ann), &path).await.ok();
    assert_eq!((seen["state"].as_str(), seen.get("payload")), (Some("scheduled"), None), "{seen}");
    api.get(Some(&eve), &path).await.refused(404, "not_found");
    for (method, path) in [
        (Method::GET, "/v1/jobs".to_owned()),
        (Method::GET, format!("{path}/detail")),
        (Method::GET, format!("{path}/why")),
        (Method::POST, format!("{path}/cancel")),
        (Method::GET, "/v1/queues".to_owned()),
        (Method::GET, "/v1/workers".to_owned()),
    ] {
        api.call(Some(&ann), method, &path, json!({})).await.refused(403, "role_too_low");
    }
    api.close().await;
}

#[tokio::test]
async fn observers_look_and_operators_change_queues() {
    let api = TestApi::new().await;
    let (observer, operator) = (api.staff(PlatformRole::Observer).await, api.staff(PlatformRole::Operator).await);
    let admin = api.admin().await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    queue_settings::set_up(&mut conn, queues::ALL, &api.state.brokers.transports()).await.unwrap();
    drop(conn);
    let all = api.get(Some(&observer), "/v1/queues").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), queues::ALL.len());
    assert_eq!(api.get(Some(&observer), "/v1/workers?gone=true").await.ok(), json!({"items": []}));
    let path = "/v1/queues/emails";
    api.post(Some(&observer), "/v1/queues/emails/pause", json!({})).await.refused(403, "role_too_low");
    api.call(Some(&observer), Method::PATCH, path, json!({"window": 5})).await.refused(403, "role_too_low");

    let change = async |body: Value| api.call(Some(&operator), Method::PATCH, path, body).await;
    let queue =
        change(json!({"window": 50, "concurrency_limit": 3, "rate_per_second": 2.5, "rate_burst": 4.0})).await.ok();
    assert_eq!((&queue["window"], &queue["concurrency_limit"]), (&json!(50), &json!(3)));
    let queue = change(json!({"concurrency_limit": null})).await.ok();
    assert_eq!((&queue["concurrency_limit"], &queue["rate_per_second"]), (&Value::Null, &json!(2.5)));
    change(json!({"window": 0})).await.refused(422, "setting_out_of_bounds");
    change(json!({"window": 9_999_999_999_i64})).await.refused(400, "invalid_body");
    change(json!({"transport": "rabbit"})).await.refused(422, "transport_missing");
    change(json!({"transport": "pigeon"})).await.refused(400, "invalid_body");
    api.call(Some(&operator), Method::PATCH, "/v1/queues/none", json!({})).await.refused(404, "not_found");
    assert_eq!(api.post(Some(&operator), "/v1/queues/emails/pause", json!({})).await.ok(), json!({"returned": 0}));
    assert_eq!(api.get(Some(&observer), path).await.ok()["paused"], true);
    assert_eq!(api.post(Some(&operator), "/v1/queues/emails/resume", json!({})).await.status, 204);
    assert_eq!(
        actions(&api, &admin).await[..4],
        ["queue.resume", "queue.pause", "queue.change", "queue.change"].map(str::to_owned)
    );
    api.close().await;
}

#[tokio::test]
async fn a_job_is_shown_to_whoever_acts_for_its_organisation() {
    let api = TestApi::new().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (first, second) = (api.org(&ann, "Ann Farm", &moderator).await, api.org(&ann, "Ann Shop", &moderator).await);
    api.join(&ann.acting(first), first, &bob, "viewer").await;
    let job = enqueue(&api, prune(), Some(first), 3600).await;
    let (path, topic) = (format!("/v1/jobs/{job}"), format!("job:{job}"));
    // Bob has one organisation, and need not name it.
    for (person, seen) in [(ann.acting(first), true), (ann.acting(second), false), (ann.clone(), false), (bob, true)] {
        let answer = api.get(Some(&person), &path).await;
        assert!(if seen { answer.status.is_success() } else { answer.code() == "not_found" }, "{person:?} {answer:?}");
        let told = Client::open(&api, &person).await.subscribe(&topic).await;
        assert_eq!(told["type"] == "snapshot", seen, "{person:?} {told}");
    }
    let elsewhere = ann.acting(uuid::Uuid::now_v7());
    for answer in [api.get(Some(&elsewhere), &path).await, api.post(Some(&elsewhere), "/v1/ws/ticket", json!({})).await]
    {
        answer.refused(403, "not_a_member");
    }
    api.close().await;
}
