use jobs::reports::GenerateReport;
use market::identity::PlatformRole;
use market::ids::ReportId;
use market::reports::store::{self, Finished};
use market::reports::table::Sum;
use market::testing::CONSOLES;
use queue::testing::assert_enqueued;
use serde_json::{Value, json};
use shared::money::{Currency, Money};

use crate::testing::{Person, TestApi};

struct TestMarket {
    api: TestApi,
    ann: Person,
    eve: Person,
}

impl TestMarket {
    async fn new() -> Self {
        let api = TestApi::with(&[("S3_ACCESS_KEY_ID", "key"), ("S3_SECRET_ACCESS_KEY", "secret")]).await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
        api.org(&ann, "Ann Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        Self { api, ann, eve }
    }
}

fn sales(first_day: &str, last_day: &str) -> Value {
    json!({"kind": "sales", "format": "csv", "first_day": first_day, "last_day": last_day})
}

#[tokio::test]
async fn a_report_is_asked_for_made_and_downloaded() {
    let TestMarket { api, ann, eve } = &TestMarket::new().await;
    let answer = api.post(Some(ann), "/v1/reports", sales("2026-03-29", "2026-03-29")).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let report = answer.ok();
    let id: ReportId = report["id"].as_str().unwrap().parse().unwrap();
    assert_eq!((location.clone(), report["status"].as_str()), (format!("/v1/reports/{id}"), Some("queued")));
    assert_eq!(report["time_zone"], "Europe/Berlin");
    assert_eq!(
        (&report["starts_at"], &report["ends_at"]),
        (&json!("2026-03-28T23:00:00Z"), &json!("2026-03-29T22:00:00Z"))
    );
    assert!(report["job"].is_i64() && report["download"].is_null());
    assert_enqueued::<GenerateReport>(&api.db.pool, |job| job.report == id).await;

    // As the worker does it.
    let mut conn = api.db.pool.acquire().await.unwrap();
    store::begin(&mut conn, id).await.unwrap();
    sqlx::query("UPDATE jobs SET progress = 40 WHERE id = $1")
        .bind(report["job"].as_i64())
        .execute(&mut *conn)
        .await
        .unwrap();
    let running = api.get(Some(ann), &location).await.ok();
    assert_eq!((running["status"].as_str(), running["progress"].as_i64()), (Some("running"), Some(40)));
    let money = |minor| Money::from_minor(minor, Currency::EUR);
    let sum = |column: &str, minor| Sum {
        section: "orders".to_owned(),
        column: column.to_owned(),
        rows: 2,
        amount: money(minor),
    };
    let sums = [sum("total", 2_000), sum("fee", 100), sum("net", 1_900)];
    let finished = Finished { object_key: "reports/x.csv", rows: 2, sums: &sums, keep_days: 30 };
    store::finish(&mut conn, id, finished).await.unwrap();
    drop(conn);

    let ready = api.get(Some(ann), &location).await.ok();
    assert_eq!((ready["status"].as_str(), ready["row_count"].as_i64()), (Some("ready"), Some(2)));
    let total = |column: &str, amount: &str| {
        let amount = json!({"amount": amount, "currency": "EUR"});
        json!({"section": "orders", "column": column, "row_count": 2, "amount": amount})
    };
    assert_eq!(ready["totals"], json!([total("total", "20.00"), total("fee", "1.00"), total("net", "19.00")]));
    let download = &ready["download"];
    assert_eq!(download["file_name"], "sales_2026-03-29_Europe-Berlin.csv");
    assert!(download["url"].as_str().unwrap().contains("X-Amz-Expires=900"), "{download}");

    api.get(Some(eve), &location).await.refused(404, "not_found");
    let admin = api.admin().await;
    assert_eq!(api.get(Some(&admin), &location).await.ok()["id"], ready["id"]);
    let list = api.get(Some(ann), "/v1/reports?limit=1").await.ok();
    assert_eq!(list["items"][0]["id"], ready["id"]);
    assert_eq!(api.get(Some(eve), "/v1/reports").await.ok()["items"], json!([]));
}

#[tokio::test]
async fn nonsense_is_refused() {
    let TestMarket { api, ann, eve } = &TestMarket::new().await;
    for (first, last) in [("2026-03-02", "2026-03-01"), ("2014-01-01", "2026-01-01"), ("9998-01-01", "9998-01-02")] {
        api.post(Some(ann), "/v1/reports", sales(first, last)).await.refused(422, "period_invalid");
    }
    for body in [
        sales("2026-02-30", "2026-03-01"),
        json!({"kind": "gossip", "format": "csv", "first_day": "2026-01-01", "last_day": "2026-01-01"}),
    ] {
        api.post(Some(ann), "/v1/reports", body).await.refused(400, "invalid_body");
    }
    let org = api.get(Some(eve), "/v1/orgs").await.ok()["items"][0]["id"].clone();
    let org = org.as_str().unwrap();
    let foreign = sales("2026-01-01", "2026-01-01");
    api.post(Some(&ann.acting(org)), "/v1/reports", foreign.clone()).await.refused(403, "not_a_member");
    let admin = api.admin().await.acting(org);
    assert_eq!(api.post(Some(&admin), "/v1/reports", foreign).await.status, 202);
}

#[tokio::test]
async fn too_many_at_once_must_wait() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    for _ in 0..store::MAX_OPEN {
        assert_eq!(api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.status, 202);
    }
    let answer = api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await;
    assert!(answer.refused(429, "too_many_reports").headers.contains_key("retry-after"));
    // Listed newest first, page by page.
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(Some(ann), &format!("/v1/reports?limit=7{after}")).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!((seen.len(), &seen), (20, &sorted));
}

#[tokio::test]
async fn requests_at_once_do_not_pass_the_bound_of_open_reports() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let requests = (0..30).map(|_| api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")));
    let answers = futures::future::join_all(requests).await;
    let made = answers.iter().filter(|answer| answer.status == 202).count();
    let refused = answers.iter().filter(|answer| answer.code() == "too_many_reports").count();
    assert_eq!((made, refused), (20, 10), "{answers:?}");
}

#[tokio::test]
async fn a_report_whose_job_was_cancelled_says_so_and_makes_room() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let operator = api.staff(PlatformRole::Operator).await;
    let mut asked = Vec::new();
    for _ in 0..store::MAX_OPEN {
        asked.push(api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.ok());
    }
    api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.refused(429, "too_many_reports");
    let path = |report: &Value| format!("/v1/reports/{}", report["id"].as_str().unwrap());
    api.post(Some(&operator), &format!("/v1/jobs/{}/cancel", asked[0]["job"]), json!({})).await.ok();
    assert_eq!(api.get(Some(ann), &path(&asked[0])).await.ok()["status"], "cancelled");
    // Timed out for the last time, or quarantined: nobody was there to say so.
    for step in [
        "UPDATE jobs SET state = 'queued', queued_at = now(), epoch = 1 WHERE id = $1",
        "UPDATE jobs SET state = 'running', worker = 1, started_at = now() WHERE id = $1",
        "UPDATE jobs SET state = 'dead', finished_at = now(), unique_key = NULL WHERE id = $1",
    ] {
        sqlx::query(step).bind(asked[1]["job"].as_i64()).execute(&api.db.pool).await.unwrap();
    }
    let failed = api.get(Some(ann), &path(&asked[1])).await.ok();
    assert_eq!((&failed["status"], failed["failure"].is_string()), (&json!("failed"), true), "{failed}");
    for _ in 0..2 {
        assert_eq!(api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.status, 202);
    }
    api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.refused(429, "too_many_reports");
    // A job that is retried goes on with its report.
    api.post(Some(&operator), &format!("/v1/jobs/{}/retry", asked[0]["job"]), json!({})).await;
    assert_eq!(api.get(Some(ann), &path(&asked[0])).await.ok()["status"], "queued");
}

#[tokio::test]
async fn a_report_is_cancelled_by_whoever_may_ask_for_one() {
    let TestMarket { api, ann, eve } = &TestMarket::new().await;
    let ask = async || api.post(Some(ann), "/v1/reports", sales("2026-01-01", "2026-01-01")).await.ok();
    let path = |report: &Value| format!("/v1/reports/{}", report["id"].as_str().unwrap());
    let waiting = ask().await;
    let cancel = format!("{}/cancel", path(&waiting));
    api.post(Some(eve), &cancel, json!({})).await.refused(404, "not_found");
    assert_eq!(api.post(Some(ann), &cancel, json!({})).await.ok()["cancelled"], "at_once");
    assert_eq!(api.get(Some(ann), &path(&waiting)).await.ok()["status"], "cancelled");
    api.post(Some(ann), &cancel, json!({})).await.refused(409, "wrong_state");

    let running = ask().await;
    for step in [
        "UPDATE jobs SET state = 'queued', queued_at = now(), epoch = 1 WHERE id = $1",
        "UPDATE jobs SET state = 'running', worker = 1, started_at = now() WHERE id = $1",
    ] {
        sqlx::query(step).bind(running["job"].as_i64()).execute(&api.db.pool).await.unwrap();
    }
    let admin = api.admin().await;
    let cancelled = api.post(Some(&admin), &format!("{}/cancel", path(&running)), json!({})).await.ok();
    assert_eq!(cancelled["cancelled"], "asked", "its worker sees it");
    // What the operators' reports say, nobody else hears of.
    let org = api.get(Some(ann), "/v1/orgs").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let theirs = api.post(Some(&admin.acting(&org)), "/v1/reports", asked("user_activity", json!({}))).await.ok();
    api.post(Some(ann), &format!("{}/cancel", path(&theirs)), json!({})).await.refused(404, "not_found");
    assert_eq!(api.get(Some(&admin), &path(&theirs)).await.ok()["status"], "queued");
}

#[tokio::test]
async fn a_day_that_never_was_is_no_period() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let org = api.get(Some(ann), "/v1/orgs").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let zone = json!({"time_zone": "Pacific/Apia"});
    api.call(Some(ann), reqwest::Method::PATCH, &format!("/v1/orgs/{org}"), zone).await.ok();
    api.post(Some(ann), "/v1/reports", sales("2011-12-30", "2011-12-30")).await.refused(422, "period_invalid");
    let around = api.post(Some(ann), "/v1/reports", sales("2011-12-29", "2011-12-31")).await.ok();
    assert_eq!(
        (&around["starts_at"], &around["ends_at"]),
        (&json!("2011-12-29T10:00:00Z"), &json!("2011-12-31T10:00:00Z"))
    );
}

fn asked(kind: &str, parameters: Value) -> Value {
    let mut body = json!({"kind": kind, "format": "json", "first_day": "2026-01-01", "last_day": "2026-01-31"});
    body["parameters"] = parameters;
    body
}

#[tokio::test]
async fn each_kind_takes_the_parameters_of_its_definition() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let region: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'").fetch_one(&api.db.pool).await.unwrap();
    let filters = json!({"group_by": "month", "currency": "EUR", "category": CONSOLES, "region": region});
    let report = api.post(Some(ann), "/v1/reports", asked("sales", filters.clone())).await.ok();
    assert_eq!(report["parameters"], filters);
    let read = api.get(Some(ann), &format!("/v1/reports/{}", report["id"].as_str().unwrap())).await.ok();
    assert_eq!(read["parameters"], filters);
    for (kind, parameters, pointer) in [
        ("payouts", json!({"group_by": "month"}), "/parameters/group_by"),
        ("cargo_volume", json!({"group_by": "buyer"}), "/parameters/group_by"),
        ("sales", json!({"group_by": "seller"}), "/parameters/group_by"),
        ("inventory_check", json!({"currency": "EUR"}), "/parameters/currency"),
        ("commissions", json!({"category": CONSOLES}), "/parameters/category"),
        ("sales", json!({"category": uuid::Uuid::nil()}), "/parameters/category"),
        ("sales", json!({"region": uuid::Uuid::nil()}), "/parameters/region"),
    ] {
        let answer = api.post(Some(ann), "/v1/reports", asked(kind, parameters)).await;
        assert_eq!(answer.refused(422, "parameters_invalid").body["errors"][0]["pointer"], pointer);
    }
    for parameters in [json!({"group_by": "colour"}), json!({"currency": "XXX"}), json!({"sort": "up"})] {
        api.post(Some(ann), "/v1/reports", asked("sales", parameters)).await.refused(400, "invalid_body");
    }
    let mut days = asked("monthly_analytics", json!({}));
    assert_eq!(api.post(Some(ann), "/v1/reports", days.clone()).await.status, 202);
    days["last_day"] = json!("2026-01-30");
    api.post(Some(ann), "/v1/reports", days).await.refused(422, "period_invalid");
}

/// What is of the whole platform, members of the organisation that it was asked for neither read nor see in their list.
#[tokio::test]
async fn reports_of_the_platform_are_for_its_roles() {
    let TestMarket { api, ann, .. } = &TestMarket::new().await;
    let org = api.get(Some(ann), "/v1/orgs").await.ok()["items"][0]["id"].as_str().unwrap().to_owned();
    let operator = api.staff(PlatformRole::Operator).await.acting(&org);
    let finance = api.staff(PlatformRole::Finance).await.acting(&org);
    let admin = api.admin().await.acting(&org);
    for kind in ["platform_sales", "user_activity", "job_activity"] {
        api.post(Some(ann), "/v1/reports", asked(kind, json!({}))).await.refused(403, "role_too_low");
        let report = api.post(Some(&admin), "/v1/reports", asked(kind, json!({}))).await.ok();
        let path = format!("/v1/reports/{}", report["id"].as_str().unwrap());
        api.get(Some(ann), &path).await.refused(404, "not_found");
        assert_eq!(api.get(Some(&admin), &path).await.ok()["kind"], kind);
        let operators = api.get(Some(&operator), &path).await;
        assert_eq!(operators.status, if kind == "job_activity" { 200 } else { 404 });
        let finances = api.get(Some(&finance), &path).await;
        assert_eq!(finances.status, if kind == "platform_sales" { 200 } else { 404 });
    }
    assert_eq!(api.post(Some(&operator), "/v1/reports", asked("job_activity", json!({}))).await.status, 202);
    let by_seller = asked("platform_sales", json!({"group_by": "seller", "currency": "EUR"}));
    assert_eq!(api.post(Some(&finance), "/v1/reports", by_seller).await.status, 202);
    for kind in ["platform_sales", "user_activity"] {
        let refused = api.post(Some(&operator), "/v1/reports", asked(kind, json!({}))).await;
        assert_eq!(refused.status, 403, "{refused:?}");
    }
    assert_eq!(api.get(Some(ann), "/v1/reports").await.ok()["items"], json!([]));
    assert_eq!(api.get(Some(&admin), "/v1/reports").await.ok()["items"].as_array().unwrap().len(), 5);
}
