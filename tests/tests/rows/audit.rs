use chrono::TimeDelta;
use serde_json::{Value, json};
use shared::audit;
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};

/// An administrator approves, suspends and reinstates, moderates, changes roles, plans, rates, queues and schedules, and gives money back.
/// Every one of these acts stands in the log once, in order, with who has done it and about what; what was refused does not. No program
/// can change an entry, and whoever does it past the programs is found out. (`tradeyard audit verify` says so as well:
/// `the_shell_finds_what_was_done_to_the_log_and_says_where`.)
#[tokio::test(flavor = "multi_thread")]
async fn row_every_act_of_an_administrator_is_in_the_audit_log() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.person("Eve").await;
    let application = json!({"legal_name": "Eve Ltd", "kinds": ["seller"], "time_zone": "UTC"});
    let eves = id(&eve.post("/v1/orgs", application).await.ok());
    let (root, eve_id) = (id(&admin.get("/v1/me").await.ok()), id(&eve.get("/v1/me").await.ok()));
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("100.00"), "quantity": 5})).await;
    let order = bob.buys(&listing, 1, eur("100.00")).await;
    let damaged = json!({"reason": "damaged", "text": "A dent."});
    let dispute = id(&bob.post(&format!("/v1/orders/{order}/disputes"), damaged).await.ok());
    let auction = market.auction(&ann, TimeDelta::days(1), json!({}), json!({})).await;

    let why = json!({"reason": "As agreed."});
    let org = |act: &str| format!("/v1/orgs/{eves}/{act}");
    let user = |act: &str| format!("/v1/admin/users/{eve_id}/{act}");
    let goods = |act: &str| format!("/v1/listings/{listing}/{act}");
    let split = json!({"amount": eur("10.00"), "reason": "As agreed."});
    let (queue, schedule) = ("/v1/queues/reports/", "/v1/schedules/payouts.run/");
    let (reports, payouts) = ("reports".to_owned(), "payouts.run".to_owned());
    let acts = [
        (org("reject"), why.clone(), "org.reject", "org", &eves),
        (format!("/v1/orgs/{}/suspend", bob.org), why.clone(), "org.suspend", "org", &bob.org),
        (format!("/v1/orgs/{}/reinstate", bob.org), json!({}), "org.reinstate", "org", &bob.org),
        (format!("/v1/admin/orgs/{}/plan", ann.org), json!({"plan": "partner"}), "org.change_plan", "org", &ann.org),
        (user("suspend"), why.clone(), "user.suspend", "user", &eve_id),
        (user("reinstate"), why.clone(), "user.reinstate", "user", &eve_id),
        (user("platform-role"), json!({"platform_role": "moderator"}), "user.change_role", "user", &eve_id),
        (goods("suspend"), why.clone(), "listing.suspend", "listing", &listing),
        (goods("reinstate"), json!({}), "listing.reinstate", "listing", &listing),
        (format!("/v1/auctions/{auction}/cancel"), json!({}), "auction.cancel", "auction", &auction),
        (format!("/v1/admin/disputes/{dispute}/resolve"), split.clone(), "dispute.resolve", "order", &order),
        (format!("/v1/admin/orders/{order}/refunds"), split, "order.refund", "order", &order),
        (format!("{queue}pause"), json!({}), "queue.pause", "queue", &reports),
        (format!("{queue}resume"), json!({}), "queue.resume", "queue", &reports),
        (format!("{schedule}pause"), json!({}), "schedule.pause", "schedule", &payouts),
        (format!("{schedule}run-now"), json!({}), "schedule.run_now", "schedule", &payouts),
    ];
    for (path, body, action, ..) in &acts {
        let is_put = ["org.change_plan", "user.change_role"].contains(action);
        let answer = if is_put { admin.put(path, body.clone()).await } else { admin.post(path, body.clone()).await };
        assert!(answer.status.is_success(), "{action}: {answer:?}");
    }
    // Asked again, this is refused and is no act; others do not read the log.
    admin.post(&org("reject"), why).await.refused(409, "org_status");
    admin.post(&goods("reinstate"), json!({})).await.refused(409, "listing_status");
    ann.get("/v1/admin/audit").await.refused(403, "role_too_low");
    market.until_quiet().await;

    let log = admin.get("/v1/admin/audit?limit=100").await.ok();
    let mut entries: Vec<&Value> = log["items"].as_array().unwrap().iter().filter(|one| one["actor"] == root).collect();
    entries.reverse();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<_> = entries
        .iter()
        .map(|one| [text(&one["action"]), text(&one["subject_kind"]), text(&one["subject_id"])])
        .collect();
    let traders = [&ann.org, &bob.org].map(|org| ["org.approve".to_owned(), "org".to_owned(), org.clone()]);
    let done = acts.iter().map(|(_, _, action, kind, id)| [*action, *kind, id.as_str()].map(str::to_owned));
    assert_eq!(found, traders.into_iter().chain(done).collect::<Vec<_>>());
    assert!(entries.iter().all(|one| one["actor_kind"] == "user"), "{log}");
    let of_eves = admin.get(&format!("/v1/admin/audit?subject_kind=org&subject_id={eves}")).await.ok();
    let actions: Vec<_> = of_eves["items"].as_array().unwrap().iter().map(|one| text(&one["action"])).collect();
    assert_eq!(actions, ["org.reject", "org.found"]);

    for statement in
        ["UPDATE audit_entries SET data = '{}'", "DELETE FROM audit_entries WHERE seq = 1", "TRUNCATE audit_entries"]
    {
        sqlx::query(statement).execute(&market.db.app).await.expect_err(statement);
        sqlx::query(statement).execute(&market.db.pool).await.expect_err(statement);
    }
    let mut conn = market.db.pool.acquire().await.unwrap();
    let whole = audit::verify(&mut conn, &[]).await.unwrap();
    assert!(whole.entries > acts.len() as u64, "{whole:?}");
    let changed = entries[3]["seq"].as_i64().unwrap();
    sqlx::query("ALTER TABLE audit_entries DISABLE TRIGGER USER").execute(&mut *conn).await.unwrap();
    let change = sqlx::query("UPDATE audit_entries SET subject_id = 'nobody' WHERE seq = $1").bind(changed);
    assert_eq!(change.execute(&mut *conn).await.unwrap().rows_affected(), 1);
    let found = audit::verify(&mut conn, &[]).await.unwrap_err().to_string();
    assert_eq!(
        found,
        format!(
            "entry {changed} of the audit log was changed: its hash is not that of its contents and of the entry before"
        )
    );
    drop(conn);
    market.close().await;
}
