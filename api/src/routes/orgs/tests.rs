use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::json;
use shared::audit;

use crate::testing::TestApi;

#[tokio::test]
async fn an_organisation_is_approved_suspended_and_reinstated_with_a_trail() {
    let api = TestApi::new().await;
    let (ann, moderator, admin) =
        (api.person("Ann").await, api.staff(PlatformRole::Moderator).await, api.admin().await);
    let body = json!({"legal_name": "Ann Farm GmbH", "vat_number": "DE 123 456 789", "kinds": ["seller", "buyer", "seller"],
        "time_zone": "Europe/Berlin"});
    let answer = api.post(Some(&ann), "/v1/orgs", body.clone()).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let org = answer.ok();
    assert_eq!(location, format!("/v1/orgs/{}", org["id"].as_str().unwrap()));
    assert_eq!((org["status"].as_str(), org["vat_number"].as_str()), (Some("pending"), Some("DE123456789")));
    assert_eq!(org["kinds"], json!(["buyer", "seller"]));
    api.post(Some(&ann), "/v1/orgs", body).await.refused(409, "vat_number_taken");

    let act = async |verb: &str, body| api.post(Some(&moderator), &format!("{location}/{verb}"), body).await;
    act("suspend", json!({"reason": "x"})).await.refused(409, "org_status");
    act("reject", json!({"reason": " "})).await.refused(422, "reason_length");
    assert_eq!(act("approve", json!({})).await.ok()["status"], "approved");
    act("approve", json!({})).await.refused(409, "org_status");
    assert_eq!(act("suspend", json!({"reason": "unpaid"})).await.ok()["status_reason"], "unpaid");
    assert_eq!(act("reinstate", json!({})).await.ok()["status"], "approved");

    let id = org["id"].as_str().unwrap();
    let sql = "SELECT template FROM emails WHERE reference = $1 AND user_id = $2";
    let mails: Vec<String> = sqlx::query_scalar(sql).bind(id).bind(ann.id.0).fetch_all(&api.db.pool).await.unwrap();
    assert_eq!(mails, ["org_approved"]);
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=org&subject_id={id}")).await.ok();
    let entries = log["items"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["org.reinstate", "org.suspend", "org.approve"]);
    assert!(
        entries.iter().all(|entry| entry["actor"] == json!(moderator.id) && entry["trace_id"].is_string()),
        "{log}"
    );
    let mut conn = api.db.pool.acquire().await.unwrap();
    assert_eq!(audit::first_fault(&mut conn).await.unwrap(), None);
    drop(conn);
    api.db.close().await;
}

#[tokio::test]
async fn outsiders_see_nothing_and_members_only_what_their_role_allows() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let (path, members) = (format!("/v1/orgs/{org}"), format!("/v1/orgs/{org}/members"));
    for answer in [
        api.get(Some(&eve), &path).await,
        api.get(Some(&eve), &members).await,
        api.call(Some(&eve), Method::PATCH, &path, json!({"time_zone": "UTC"})).await,
        api.post(Some(&eve), &members, json!({"email": eve.email, "role": "owner"})).await,
        api.call(Some(&eve), Method::DELETE, &format!("{members}/{}", ann.id), json!({})).await,
    ] {
        answer.refused(404, "not_found");
    }
    for verb in ["approve", "reinstate"] {
        api.post(Some(&eve), &format!("{path}/{verb}"), json!({})).await.refused(403, "role_too_low");
    }
    assert_eq!(api.post(Some(&ann), &members, json!({"email": bob.email, "role": "viewer"})).await.status, 204);
    api.post(Some(&ann), &members, json!({"email": bob.email, "role": "viewer"})).await.refused(409, "already_member");
    // Neither somebody who is not there, nor a moderator, whom membership would keep from deciding.
    for email in ["x@example.com", &moderator.email] {
        let body = json!({"email": email, "role": "viewer"});
        api.post(Some(&ann), &members, body).await.refused(422, "user_unknown");
    }
    assert_eq!(api.get(Some(&bob), &members).await.ok()["items"].as_array().unwrap().len(), 2);
    api.post(Some(&bob), &members, json!({"email": eve.email, "role": "viewer"})).await.refused(403, "role_too_low");
    api.call(Some(&bob), Method::PATCH, &path, json!({"time_zone": "UTC"})).await.refused(403, "role_too_low");
    let changed =
        api.call(Some(&ann), Method::PATCH, &path, json!({"time_zone": "UTC", "kinds": ["seller"]})).await.ok();
    assert_eq!((changed["time_zone"].as_str(), &changed["kinds"]), (Some("UTC"), &json!(["seller"])));
    // Lists show the own ones, moderators see all.
    assert_eq!(api.get(Some(&eve), "/v1/orgs").await.ok()["items"], json!([]));
    assert_eq!(api.get(Some(&bob), "/v1/orgs?status=approved").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(Some(&moderator), "/v1/orgs").await.ok()["items"].as_array().unwrap().len(), 1);
    api.db.close().await;
}

#[tokio::test]
async fn what_was_approved_changes_with_a_moderator_and_a_trail() {
    let api = TestApi::new().await;
    let (moderator, admin, ann) =
        (api.staff(PlatformRole::Moderator).await, api.admin().await, api.person("Ann").await);
    let body = json!({"legal_name": "Ann Brokers", "kinds": ["buyer"], "time_zone": "UTC"});
    let org = api.post(Some(&ann), "/v1/orgs", body).await.ok();
    let path = format!("/v1/orgs/{}", org["id"].as_str().unwrap());
    let change = async |person, kinds| api.call(Some(person), Method::PATCH, &path, json!({"kinds": kinds})).await;
    // While nobody has looked at it, the owner may say what it is.
    change(&ann, json!(["broker", "buyer", "carrier"])).await.ok();
    api.post(Some(&moderator), &format!("{path}/approve"), json!({})).await.ok();
    for kinds in [json!(["buyer"]), json!(["broker", "buyer", "seller"]), json!(["seller"])] {
        let answer = change(&ann, kinds).await.refused(403, "kinds_approved");
        assert_eq!(answer.body["errors"][0]["pointer"], "/kinds");
    }
    change(&ann, json!(["broker", "buyer"])).await.ok();
    api.post(Some(&moderator), &format!("{path}/suspend"), json!({"reason": "unpaid"})).await.ok();
    change(&ann, json!(["buyer"])).await.refused(403, "kinds_approved");
    assert_eq!(change(&moderator, json!(["buyer", "seller"])).await.ok()["kinds"], json!(["buyer", "seller"]));

    let trail = format!("/v1/admin/audit?subject_kind=org&subject_id={}", org["id"].as_str().unwrap());
    let log = api.get(Some(&admin), &trail).await.ok();
    let changes = log["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "org.change");
    let changes: Vec<_> = changes.map(|entry| (entry["actor"].clone(), entry["data"]["to"]["kinds"].clone())).collect();
    assert_eq!(
        changes,
        [
            (json!(moderator.id), json!(["buyer", "seller"])),
            (json!(ann.id), json!(["broker", "buyer"])),
            (json!(ann.id), json!(["broker", "buyer", "carrier"])),
        ]
    );
    api.db.close().await;
}

#[tokio::test]
async fn two_owners_cannot_remove_each_other() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let members = format!("/v1/orgs/{org}/members");
    api.call(Some(&ann), Method::DELETE, &format!("{members}/{}", ann.id), json!({})).await.refused(409, "last_owner");
    assert_eq!(api.post(Some(&ann), &members, json!({"email": bob.email, "role": "owner"})).await.status, 204);
    let (bobs, anns) = (format!("{members}/{}", bob.id), format!("{members}/{}", ann.id));
    let (one, other) = futures::join!(
        api.call(Some(&ann), Method::DELETE, &bobs, json!({})),
        api.call(Some(&bob), Method::PATCH, &anns, json!({"role": "viewer"})),
    );
    assert!(one.status.is_success() != other.status.is_success(), "{one:?} {other:?}");
    api.db.close().await;
}

#[tokio::test]
async fn moderators_do_not_decide_about_their_own() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let org = api.pending_org(&moderator, "Own Farm").await;
    api.post(Some(&moderator), &format!("/v1/orgs/{org}/approve"), json!({})).await.refused(403, "own_org");
    api.db.close().await;
}

#[tokio::test]
async fn lists_are_paged() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(api.pending_org(&ann, &format!("Farm {number}")).await.to_string());
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(Some(&ann), &format!("/v1/orgs?limit=2{after}")).await.ok();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|org| org["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, made);
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("after=x", "after"),
        ("status=odd", "status"),
    ] {
        let answer = api.get(Some(&ann), &format!("/v1/orgs?{query}")).await.refused(400, "invalid_query");
        assert_eq!(answer.body["errors"][0]["parameter"], name, "{answer:?}");
    }
    api.get(Some(&ann), "/v1/orgs?odd=1").await.refused(400, "invalid_query");
    api.db.close().await;
}

#[tokio::test]
async fn bad_organisations_say_what_is_wrong() {
    let api = TestApi::new().await;
    let ann = api.person("Ann").await;
    let good = json!({"legal_name": "Ann Farm", "kinds": ["seller"], "time_zone": "Europe/Berlin"});
    for (field, value, status, pointer) in [
        ("time_zone", json!("Berlin"), 400, "/time_zone"),
        ("legal_name", json!(""), 400, "/legal_name"),
        ("kinds", json!([]), 422, "/kinds"),
        ("kinds", json!(["shop"]), 400, "/kinds/0"),
        ("vat_number", json!("12"), 400, "/vat_number"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = api.post(Some(&ann), "/v1/orgs", body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    api.get(Some(&ann), "/v1/orgs/not-a-uuid").await.refused(400, "invalid_path");
    api.db.close().await;
}
