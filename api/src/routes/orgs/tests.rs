use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::json;
use shared::audit;

use crate::testing::TestApi;

mod suspended;

#[tokio::test]
async fn an_organisation_is_approved_suspended_and_reinstated_with_a_trail() {
    let api = TestApi::new().await;
    let (ann, moderator, admin) =
        (api.person("Ann").await, api.staff(PlatformRole::Moderator).await, api.admin().await);
    let body = json!({"legal_name": "Ann Farm GmbH", "vat_number": "DE 123 456 788", "kinds": ["seller", "buyer", "seller"],
        "time_zone": "Europe/Berlin"});
    let answer = api.post(Some(&ann), "/v1/orgs", body).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let org = answer.ok();
    assert_eq!(location, format!("/v1/orgs/{}", org["id"].as_str().unwrap()));
    assert_eq!((org["status"].as_str(), org["vat_number"].as_str()), (Some("pending"), Some("DE123456788")));
    assert_eq!(org["kinds"], json!(["buyer", "seller"]));

    let act = async |verb: &str, body| api.post(Some(&moderator), &format!("{location}/{verb}"), body).await;
    act("suspend", json!({"reason": "x"})).await.refused(409, "org_status");
    act("reject", json!({"reason": " "})).await.refused(422, "reason_length");
    assert_eq!(act("approve", json!({})).await.ok()["status"], "approved");
    act("approve", json!({})).await.refused(409, "org_status");
    assert_eq!(act("suspend", json!({"reason": "unpaid"})).await.ok()["status_reason"], "unpaid");
    assert_eq!(act("reinstate", json!({})).await.ok()["status"], "approved");

    let id = org["id"].as_str().unwrap();
    let sql = "SELECT template FROM emails WHERE starts_with(reference, $1) AND user_id = $2 ORDER BY id";
    let mails: Vec<String> = sqlx::query_scalar(sql).bind(id).bind(ann.id.0).fetch_all(&api.db.pool).await.unwrap();
    assert_eq!(mails, ["org_approved", "org_suspended"]);
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=org&subject_id={id}")).await.ok();
    let entries = log["items"].as_array().unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["org.reinstate", "org.suspend", "org.approve", "org.found"]);
    let actors: Vec<_> = entries.iter().map(|entry| &entry["actor"]).collect();
    assert_eq!(actors, [&json!(moderator.id), &json!(moderator.id), &json!(moderator.id), &json!(ann.id)]);
    assert!(entries.iter().all(|entry| entry["trace_id"].is_string()), "{log}");
    let mut conn = api.db.pool.acquire().await.unwrap();
    assert_eq!(audit::first_fault(&mut conn).await.unwrap(), None);
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn outsiders_see_nothing_and_members_only_what_their_role_allows() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let (path, members) = (format!("/v1/orgs/{org}"), format!("/v1/orgs/{org}/members"));
    let invitations = format!("/v1/orgs/{org}/invitations");
    for answer in [
        api.get(Some(&eve), &path).await,
        api.get(Some(&eve), &members).await,
        api.call(Some(&eve), Method::PATCH, &path, json!({"time_zone": "UTC"})).await,
        api.post(Some(&eve), &invitations, json!({"email": eve.email, "role": "owner"})).await,
        api.call(Some(&eve), Method::DELETE, &format!("{members}/{}", ann.id), json!({})).await,
    ] {
        answer.refused(404, "not_found");
    }
    for verb in ["approve", "reinstate"] {
        api.post(Some(&eve), &format!("{path}/{verb}"), json!({})).await.refused(403, "role_too_low");
    }
    api.join(&ann, org, &bob, "viewer").await;
    assert_eq!(api.get(Some(&bob), &members).await.ok()["items"].as_array().unwrap().len(), 2);
    api.post(Some(&bob), &invitations, json!({"email": eve.email, "role": "viewer"}))
        .await
        .refused(403, "role_too_low");
    api.get(Some(&bob), &invitations).await.refused(403, "role_too_low");
    api.call(Some(&bob), Method::PATCH, &path, json!({"time_zone": "UTC"})).await.refused(403, "role_too_low");
    let changed =
        api.call(Some(&ann), Method::PATCH, &path, json!({"time_zone": "UTC", "kinds": ["seller"]})).await.ok();
    assert_eq!((changed["time_zone"].as_str(), &changed["kinds"]), (Some("UTC"), &json!(["seller"])));
    // Lists show the own ones, moderators see all.
    assert_eq!(api.get(Some(&eve), "/v1/orgs").await.ok()["items"], json!([]));
    assert_eq!(api.get(Some(&bob), "/v1/orgs?status=approved").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(Some(&moderator), "/v1/orgs").await.ok()["items"].as_array().unwrap().len(), 1);
    api.close().await;
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
    api.close().await;
}

#[tokio::test]
async fn a_country_is_stated_once_and_changes_with_a_moderator() {
    let api = TestApi::new().await;
    let (moderator, ann) = (api.staff(PlatformRole::Moderator).await, api.person("Ann").await);
    let body =
        |country: &str| json!({"legal_name": "Ann Farm", "kinds": ["buyer"], "time_zone": "UTC", "country": country});
    for unknown in ["XX", "de", "DEU", ""] {
        let refused = api.post(Some(&ann), "/v1/orgs", body(unknown)).await.refused(400, "invalid_body");
        assert_eq!(refused.body["errors"][0]["pointer"], "/country", "{unknown}");
    }
    let org = api.post(Some(&ann), "/v1/orgs", body("DK")).await.ok();
    assert_eq!(org["country"], "DK");
    let path = format!("/v1/orgs/{}", org["id"].as_str().unwrap());
    let change =
        async |person, country| api.call(Some(person), Method::PATCH, &path, json!({ "country": country })).await;
    assert_eq!(change(&ann, "DE").await.ok()["country"], "DE", "nobody has looked at it");
    api.post(Some(&moderator), &format!("{path}/approve"), json!({})).await.ok();
    change(&ann, "DE").await.ok();
    let refused = change(&ann, "FR").await.refused(403, "country_approved");
    assert_eq!(refused.body["errors"][0]["pointer"], "/country");
    assert_eq!(change(&moderator, "FR").await.ok()["country"], "FR");

    // Whoever was approved without one states it later.
    let early = api.org(&ann, "Ann Market", &moderator).await;
    let path = format!("/v1/orgs/{early}");
    let stated = api.call(Some(&ann), Method::PATCH, &path, json!({"country": "SE"})).await.ok();
    assert_eq!(stated["country"], "SE");
    api.call(Some(&ann), Method::PATCH, &path, json!({"country": "NO"})).await.refused(403, "country_approved");
    api.close().await;
}

#[tokio::test]
async fn two_owners_cannot_remove_each_other() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let members = format!("/v1/orgs/{org}/members");
    api.call(Some(&ann), Method::DELETE, &format!("{members}/{}", ann.id), json!({})).await.refused(409, "last_owner");
    api.join(&ann, org, &bob, "owner").await;
    let (bobs, anns) = (format!("{members}/{}", bob.id), format!("{members}/{}", ann.id));
    let (one, other) = futures::join!(
        api.call(Some(&ann), Method::DELETE, &bobs, json!({})),
        api.call(Some(&bob), Method::PATCH, &anns, json!({"role": "viewer"})),
    );
    assert!(one.status.is_success() != other.status.is_success(), "{one:?} {other:?}");
    api.close().await;
}

#[tokio::test]
async fn moderators_do_not_decide_about_their_own() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let org = api.pending_org(&moderator, "Own Farm").await;
    api.post(Some(&moderator), &format!("/v1/orgs/{org}/approve"), json!({})).await.refused(403, "own_org");
    api.close().await;
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
    api.close().await;
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
        ("vat_number", json!("DE123456789"), 422, "/vat_number"),
        ("vat_number", json!("DE12345678"), 422, "/vat_number"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = api.post(Some(&ann), "/v1/orgs", body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    api.get(Some(&ann), "/v1/orgs/not-a-uuid").await.refused(400, "invalid_path");
    api.close().await;
}

#[tokio::test]
async fn a_vat_number_is_one_number_however_it_is_written() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let found = async |person, number: &str| {
        let body = json!({"legal_name": "A farm", "vat_number": number, "kinds": ["seller"], "time_zone": "UTC"});
        let org = api.post(Some(person), "/v1/orgs", body).await.ok();
        format!("/v1/orgs/{}", org["id"].as_str().unwrap())
    };
    let approve = async |org: &str| api.post(Some(&moderator), &format!("{org}/approve"), json!({})).await;
    for (one, same) in
        [("NO 995 525 828", "NO995525828MVA"), ("CHE107787577TVA", "CHE107787577"), ("GB980780684", "XI980780684")]
    {
        let (anns, eves) = (found(&ann, one).await, found(&eve, same).await);
        approve(&anns).await.ok();
        approve(&eves).await.refused(409, "vat_number_taken");
    }
    api.close().await;
}

#[tokio::test]
async fn a_vat_number_is_of_one_approved_organisation_and_a_rejected_one_applies_again() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, eve) = (api.person("Ann").await, api.person("Eve").await);
    let body = json!({"legal_name": "Ann Farm", "vat_number": "DE123456788", "kinds": ["seller"], "time_zone": "UTC"});
    let found = async |person| {
        let org = api.post(Some(person), "/v1/orgs", body.clone()).await.ok();
        format!("/v1/orgs/{}", org["id"].as_str().unwrap())
    };
    // Whoever is first with somebody's number blocks nobody.
    let (eves, anns) = (found(&eve).await, found(&ann).await);
    let act = async |org: &str, verb: &str, body| api.post(Some(&moderator), &format!("{org}/{verb}"), body).await;
    act(&eves, "reject", json!({"reason": "not yours"})).await.ok();
    act(&anns, "approve", json!({})).await.ok();
    // An approved organisation does not apply; strangers do not see that there is one.
    api.post(Some(&ann), &format!("{anns}/apply-again"), json!({})).await.refused(409, "org_status");
    api.post(Some(&ann), &format!("{eves}/apply-again"), json!({})).await.refused(404, "not_found");
    let again = api.post(Some(&eve), &format!("{eves}/apply-again"), json!({})).await.ok();
    assert_eq!((&again["status"], &again["status_reason"]), (&json!("pending"), &json!(null)));
    act(&eves, "approve", json!({})).await.refused(409, "vat_number_taken");
    act(&eves, "reject", json!({"reason": "still not yours"})).await.ok();
    let corrected = json!({"legal_name": "Eve Farm", "vat_number": "FR11123456782"});
    let again = api.post(Some(&eve), &format!("{eves}/apply-again"), corrected).await.ok();
    assert_eq!((&again["legal_name"], &again["vat_number"]), (&json!("Eve Farm"), &json!("FR11123456782")));
    act(&eves, "approve", json!({})).await.ok();
    // Each rejection was told.
    let sql = "SELECT count(*) FROM emails WHERE template = 'org_rejected' AND user_id = $1";
    let told: i64 = sqlx::query_scalar(sql).bind(eve.id.0).fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(told, 2);
    api.close().await;
}

#[tokio::test]
async fn a_person_has_so_many_organisations_and_an_organisation_so_many_members() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let found = |number: usize| {
        let body = json!({"legal_name": format!("Farm {number}"), "kinds": ["seller"], "time_zone": "UTC"});
        api.post(Some(&ann), "/v1/orgs", body)
    };
    // At once, so that two might both find room.
    let answers = futures::future::join_all((0..24).map(found)).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 20, "{refused:?}");
    for answer in refused {
        answer.refused(409, "too_many_orgs");
    }
    let org = api.org(&bob, "Bob Farm", &moderator).await;
    let invite = async |email: &str| {
        let body = json!({"email": email, "role": "viewer"});
        api.post(Some(&bob), &format!("/v1/orgs/{org}/invitations"), body).await.ok()["id"].as_str().unwrap().to_owned()
    };
    let accept =
        async |person, id: String| api.post(Some(person), &format!("/v1/me/invitations/{id}/accept"), json!({})).await;
    accept(&ann, invite(&ann.email).await).await.refused(409, "too_many_orgs");
    sqlx::query(
        "WITH people AS (
             INSERT INTO users (id, email, name, password_hash)
             SELECT gen_random_uuid(), n || '@members.example', 'Kim', '-' FROM generate_series(1, 499) AS n
             RETURNING id
         )
         INSERT INTO memberships (org_id, user_id, role) SELECT $1, id, 'viewer' FROM people",
    )
    .bind(org.0)
    .execute(&api.db.pool)
    .await
    .unwrap();
    let eve = api.person("Eve").await;
    accept(&eve, invite(&eve.email).await).await.refused(409, "org_full");
    api.close().await;
}

#[tokio::test]
async fn an_administrator_puts_an_organisation_on_another_plan() {
    let api = TestApi::new().await;
    let (ann, moderator, admin) =
        (api.person("Ann").await, api.staff(PlatformRole::Moderator).await, api.admin().await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    let path = format!("/v1/admin/orgs/{org}/plan");
    let put = async |who, plan: &str| api.call(Some(who), Method::PUT, &path, json!({"plan": plan})).await;
    put(&ann, "partner").await.refused(403, "role_too_low");
    put(&moderator, "partner").await.refused(403, "role_too_low");
    assert_eq!(put(&admin, "gold").await.status, 400);
    assert_eq!(put(&admin, "partner").await.status, 204);
    put(&admin, "partner").await.refused(409, "unchanged");
    assert_eq!(api.get(Some(&ann), &format!("/v1/orgs/{org}")).await.ok()["plan"], "partner");
    for plan in ["free", "standard", "pro"] {
        assert_eq!(put(&admin, plan).await.status, 204, "{plan}");
        assert_eq!(api.get(Some(&ann), &format!("/v1/orgs/{org}")).await.ok()["plan"], plan);
    }
    let nobody = format!("/v1/admin/orgs/{}/plan", uuid::Uuid::now_v7());
    api.call(Some(&admin), Method::PUT, &nobody, json!({"plan": "partner"})).await.refused(404, "not_found");
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=org&subject_id={org}")).await.ok();
    let entry = &log["items"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("org.change_plan"), &json!(admin.id)));
    assert_eq!((&entry["actor_kind"], &entry["data"]), (&json!("user"), &json!({"from": "standard", "to": "pro"})));
    // What the command line did is told from what the system did.
    let made = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=user&subject_id={}", admin.id)).await.ok();
    assert_eq!(made["items"][0]["actor_kind"], "command_line");
    api.close().await;
}
