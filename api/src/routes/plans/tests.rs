use market::plans::store::{self, Dunned, Renewed};
use market::testing::{captured, eur};
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::testing::{Answer, Person, TestApi, with_token};

/// The organisation of Ann in Berlin, in which others have other roles, and that of Bob.
struct TestPlans {
    api: TestApi,
    ann: Person,
    bob: Person,
    admin: Person,
    org: OrgId,
    bobs: OrgId,
}

impl TestPlans {
    async fn new() -> Self {
        let api = TestApi::with(&[("PAYMENTS_KEY", "key"), ("PAYMENTS_WEBHOOK_KEY", "webhooks")]).await;
        let (ann, bob, admin) = (api.person("Ann").await, api.person("Bob").await, api.admin().await);
        let org = api.org(&ann, "Ann Farm", &admin).await;
        let bobs = api.org(&bob, "Bob Farm", &admin).await;
        Self { api, ann, bob, admin, org, bobs }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/orgs/{}/{rest}", self.org)
    }

    async fn choose(&self, who: &Person, body: Value) -> Answer {
        self.api.call(Some(who), Method::PUT, &self.path("subscription"), body).await
    }

    async fn cancel(&self, who: &Person) -> Answer {
        self.api.post(Some(who), &self.path("subscription/cancel"), json!({})).await
    }

    async fn plan(&self) -> Value {
        self.api.get(Some(&self.ann), &self.path("subscription")).await.ok()
    }

    /// What is owed and paid, the newest first.
    async fn charges(&self) -> Vec<Value> {
        self.api.get(Some(&self.ann), &self.path("plan-charges")).await.ok()["items"].as_array().unwrap().clone()
    }

    async fn keyed(&self, who: &Person, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.api.request(Method::POST, path).header("idempotency-key", key).json(body);
        self.api.send(with_token(request, Some(who))).await
    }

    async fn pay(&self, who: &Person, charge: &Value, body: &Value) -> Answer {
        let path = self.path(&format!("plan-charges/{}/pay", charge["id"].as_str().unwrap()));
        self.keyed(who, &path, &uuid::Uuid::now_v7().to_string(), body).await
    }

    /// Pays a charge, and settles it as the worker does when the provider has the money.
    async fn paid(&self, charge: &Value) {
        let begun = self.pay(&self.ann, charge, &json!({"method": "card"})).await.ok();
        let payment = begun["payment"]["id"].as_str().unwrap().parse().unwrap();
        let amount = serde_json::from_value(charge["amount"].clone()).unwrap();
        let mut tx = self.api.db.pool.begin().await.unwrap();
        store::start_charge(&mut tx, payment).await.unwrap().unwrap();
        store::settle(&mut tx, payment, &captured(payment, amount)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(self.charges().await.iter().find(|it| it["id"] == charge["id"]).unwrap()["status"], "paid");
    }

    /// Past the tables, which refuse it: what was promised does not move.
    async fn move_time(&self, statements: &[&'static str]) {
        let mut tx = self.api.db.pool.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        for sql in statements {
            sqlx::query(*sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.api.db.pool).await.unwrap()
    }

    /// Ends the current term, and renews it as the worker does.
    async fn renewed(&self) -> Renewed {
        self.move_time(&[
            "UPDATE plan_terms SET starts_at = starts_at - interval '40 days', ends_at = now() - interval '1 second'",
            "UPDATE plan_subscriptions SET renews_at = now() - interval '1 second'",
        ])
        .await;
        let open = self.plan().await["subscription"].clone();
        let id = open["id"].as_str().unwrap().parse().unwrap();
        let term = i32::try_from(open["term"].as_i64().unwrap()).unwrap();
        let mut tx = self.api.db.pool.begin().await.unwrap();
        let renewed = store::renew(&mut tx, id, term).await.unwrap();
        tx.commit().await.unwrap();
        renewed
    }
}

const ATTEMPTS: &str = "SELECT count(*) FROM plan_payments";
const JOBS: &str = "SELECT count(*) FROM jobs WHERE kind = 'plans.charge'";

#[tokio::test]
async fn owners_choose_cancel_and_pay_and_other_members_read() {
    let test = TestPlans::new().await;
    let (api, ann, bob) = (&test.api, &test.ann, &test.bob);
    let (tom, vic) = (api.person("Tom").await, api.person("Vic").await);
    api.join(ann, test.org, &tom, "trader").await;
    api.join(ann, test.org, &vic, "viewer").await;
    test.choose(ann, json!({"plan": "standard"})).await.ok();
    let charge = test.charges().await.remove(0);
    let (plan, charges) = (test.path("subscription"), test.path("plan-charges"));
    let one = format!("{charges}/{}", charge["id"].as_str().unwrap());
    let card = json!({"method": "card"});
    for member in [&tom, &vic] {
        for path in [&plan, &charges, &one] {
            api.get(Some(member), path).await.ok();
        }
        test.choose(member, json!({"plan": "free"})).await.refused(403, "role_too_low");
        test.cancel(member).await.refused(403, "role_too_low");
        test.pay(member, &charge, &card).await.refused(403, "role_too_low");
    }
    // To the owner of another organisation this one does not exist, and its charges are not among their own.
    for path in [&plan, &charges, &one] {
        api.get(Some(bob), path).await.refused(404, "not_found");
        api.get(None, path).await.refused(401, "unauthenticated");
    }
    test.choose(bob, json!({"plan": "free"})).await.refused(404, "not_found");
    test.cancel(bob).await.refused(404, "not_found");
    test.pay(bob, &charge, &card).await.refused(404, "not_found");
    let as_own = format!("/v1/orgs/{}/plan-charges/{}", test.bobs, charge["id"].as_str().unwrap());
    api.get(Some(bob), &as_own).await.refused(404, "not_found");
    test.keyed(bob, &format!("{as_own}/pay"), "a", &card).await.refused(404, "not_found");

    let now = test.plan().await;
    assert_eq!((&now["plan"], now["subscription"].get("next_plan")), (&json!("standard"), None));
    assert_eq!((test.charges().await, test.count(ATTEMPTS).await, test.count(JOBS).await), (vec![charge], 0, 0));
    test.api.close().await;
}

#[tokio::test]
async fn what_cannot_be_chosen_or_paid_is_refused_and_changes_nothing() {
    let test = TestPlans::new().await;
    let ann = &test.ann;
    for body in [
        json!({}),
        json!({"plan": "gold"}),
        json!({"plan": null}),
        json!({"plan": "pro", "trial_days": 90}),
        json!({"plan": "standard", "currency": "euro"}),
    ] {
        test.choose(ann, body).await.refused(400, "invalid_body");
    }
    for body in [json!({"plan": "partner"}), json!({"plan": "standard", "currency": "JPY"})] {
        let refused = test.choose(ann, body).await.refused(422, "plan_not_offered");
        assert_eq!(refused.body["errors"][0]["pointer"], "/plan");
    }
    for nothing in [test.choose(ann, json!({"plan": "free"})).await.ok(), test.cancel(ann).await.ok()] {
        assert_eq!((&nothing["plan"], nothing.get("subscription")), (&json!("free"), None));
    }
    assert_eq!(test.charges().await.len(), 0);

    let dollars = test.choose(ann, json!({"plan": "standard", "currency": "USD"})).await.ok();
    assert_eq!(dollars["subscription"]["fee"], json!({"amount": "21.00", "currency": "USD"}));
    let euros = json!({"plan": "pro", "currency": "EUR"});
    test.choose(ann, euros).await.refused(409, "subscription_currency");
    let charge = test.charges().await.remove(0);
    for (body, status, code) in [
        (json!({}), 400, "invalid_body"),
        (json!({"method": 1}), 400, "invalid_body"),
        (json!({"method": "card", "amount": "0.01"}), 400, "invalid_body"),
        (json!({"method": " "}), 422, "invalid_value"),
        (json!({"method": "ca\nrd"}), 422, "invalid_value"),
        (json!({"method": "ü".repeat(201)}), 422, "invalid_value"),
    ] {
        let refused = test.pay(ann, &charge, &body).await.refused(status, code);
        assert!(status == 400 || refused.body["errors"][0]["pointer"] == "/method", "{refused:?}");
    }
    let pay = test.path(&format!("plan-charges/{}/pay", charge["id"].as_str().unwrap()));
    let card = json!({"method": "card"});
    test.api.post(Some(ann), &pay, card.clone()).await.refused(400, "idempotency_key_required");
    let nothing = json!({"id": uuid::Uuid::now_v7()});
    test.pay(ann, &nothing, &card).await.refused(404, "not_found");
    test.pay(ann, &json!({"id": "x"}), &card).await.refused(400, "invalid_path");
    for query in ["limit=0", "limit=101", "after=x", "before=x"] {
        let path = test.path(&format!("plan-charges?{query}"));
        test.api.get(Some(ann), &path).await.refused(400, "invalid_query");
    }
    assert_eq!((test.charges().await, test.count(ATTEMPTS).await, test.count(JOBS).await), (vec![charge], 0, 0));
    test.api.close().await;
}

#[tokio::test]
async fn a_payment_that_is_asked_for_twice_is_made_once() {
    let test = TestPlans::new().await;
    let ann = &test.ann;
    test.choose(ann, json!({"plan": "standard"})).await.ok();
    let charge = test.charges().await.remove(0);
    let path = test.path(&format!("plan-charges/{}", charge["id"].as_str().unwrap()));
    let (pay, card) = (format!("{path}/pay"), json!({"method": "card"}));
    let first = test.keyed(ann, &pay, "once", &card).await;
    assert_eq!((first.status.as_u16(), first.headers["location"].to_str().unwrap()), (202, path.as_str()));
    assert!(first.headers["link"].to_str().unwrap().ends_with("rel=\"monitor\""));
    assert_eq!((&first.body["status"], &first.body["payment"]["status"]), (&json!("open"), &json!("created")));
    let again = test.keyed(ann, &pay, "once", &card).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = json!({"method": "another card"});
    test.keyed(ann, &pay, "once", &other).await.refused(422, "idempotency_key_reused");
    test.keyed(ann, &pay, "twice", &card).await.refused(409, "payment_running");
    assert_eq!((test.count(ATTEMPTS).await, test.count(JOBS).await), (1, 1));

    // The bank declines it: there is another attempt, and after it no other.
    let id = first.body["payment"]["id"].as_str().unwrap().parse().unwrap();
    let mut tx = test.api.db.pool.begin().await.unwrap();
    store::start_charge(&mut tx, id).await.unwrap().unwrap();
    store::refused(&mut tx, id, "card_declined").await.unwrap();
    tx.commit().await.unwrap();
    let failed = test.api.get(Some(ann), &path).await.ok();
    assert_eq!((&failed["payment"]["failure"], &failed["status"]), (&json!("card_declined"), &json!("open")));
    test.paid(&charge).await;
    let paid = test.api.get(Some(ann), &path).await.ok();
    assert_eq!((&paid["payment"]["attempt"], &paid["payment"]["status"]), (&json!(2), &json!("held")));
    test.pay(ann, &charge, &card).await.refused(409, "charge_paid");
    test.api.close().await;
}

#[tokio::test]
async fn an_owner_subscribes_pays_goes_to_a_better_plan_for_the_days_left_and_cancels() {
    let test = TestPlans::new().await;
    let ann = &test.ann;
    let chosen = test.choose(ann, json!({"plan": "standard"})).await.ok();
    assert_eq!((&chosen["plan"], &chosen["subscription"]["fee"]), (&json!("standard"), &json!(eur(1_900))));
    let first = test.charges().await.remove(0);
    assert_eq!((&first["kind"], &first["amount"], &first["term"]), (&json!("term"), &json!(eur(1_900)), &json!(1)));
    test.paid(&first).await;

    let back = "UPDATE plan_terms SET starts_on = starts_on - 10, ends_on = ends_on - 10,
                                      starts_at = starts_at - interval '10 days', ends_at = ends_at - interval '10 days'";
    test.move_time(&[back, "UPDATE plan_subscriptions SET renews_at = renews_at - interval '10 days'"]).await;
    let better = test.choose(ann, json!({"plan": "pro", "currency": "EUR"})).await.ok();
    assert_eq!((&better["plan"], &better["subscription"]["fee"]), (&json!("pro"), &json!(eur(7_900))));
    assert_eq!(better["subscription"]["status"], "active", "a trial is for those who have not subscribed");
    let rest = test.charges().await.remove(0);
    let (left, days): (i32, i32) = sqlx::query_as(
        "SELECT t.ends_on - (c.due_at AT TIME ZONE 'Europe/Berlin')::date, t.ends_on - t.starts_on
         FROM plan_charges AS c
         JOIN plan_terms AS t ON t.subscription_id = c.subscription_id AND t.number = c.term
         WHERE c.kind = 'upgrade'",
    )
    .fetch_one(&test.api.db.pool)
    .await
    .unwrap();
    assert!((28..=31).contains(&days) && (days - 11..=days - 10).contains(&left), "{left} of {days}");
    let difference = 6_000 * i64::from(left) / i64::from(days);
    assert_eq!((&rest["kind"], &rest["amount"]), (&json!("upgrade"), &json!(eur(difference))));
    test.choose(ann, json!({"plan": "pro"})).await.ok();
    assert_eq!(test.charges().await.len(), 2, "the same again");
    test.paid(&rest).await;

    for _ in 0..2 {
        let ending = test.cancel(ann).await.ok();
        assert_eq!((&ending["plan"], &ending["subscription"]["next_plan"]), (&json!("pro"), &json!("free")));
    }
    let kept = test.choose(ann, json!({"plan": "pro"})).await.ok();
    assert_eq!(kept["subscription"].get("next_plan"), None, "taken back");
    test.cancel(ann).await.ok();
    assert_eq!(test.renewed().await, Renewed::Ended);
    let ended = test.plan().await;
    assert_eq!((&ended["plan"], ended.get("subscription")), (&json!("free"), None));
    assert_eq!(test.charges().await.len(), 2, "nothing is charged after the end");
    let earned = "SELECT sum(e.amount_minor)::bigint
                  FROM money_entries AS e
                  JOIN money_accounts AS a ON a.id = e.account_id
                  WHERE a.org_id IS NULL AND a.kind = 'plans'";
    assert_eq!(test.count(earned).await, 1_900 + difference);
    let first_page = test.api.get(Some(ann), &test.path("plan-charges?limit=1")).await.ok();
    assert_eq!(first_page["items"][0]["id"], rest["id"]);
    let next = test.path(&format!("plan-charges?limit=1&after={}", first_page["next"].as_str().unwrap()));
    let second_page = test.api.get(Some(ann), &next).await.ok();
    assert_eq!((&second_page["items"][0]["id"], second_page["next"].as_str()), (&first["id"], None));

    let log = format!("/v1/admin/audit?subject_kind=org&subject_id={}", test.org);
    let log = test.api.get(Some(&test.admin), &log).await.ok();
    let written = |entry: &Value| (entry["action"].as_str().unwrap().to_owned(), entry["actor"] == json!(ann.id));
    let log: Vec<_> = log["items"].as_array().unwrap().iter().take(9).map(written).collect();
    let expected = [
        ("org.change_plan", false),
        ("plan.end", false),
        ("plan.change", true),
        ("plan.change", true),
        ("plan.change", true),
        ("org.change_plan", true),
        ("plan.change", true),
        ("org.change_plan", true),
        ("plan.subscribe", true),
    ];
    assert_eq!(log, expected.map(|(action, by_owner)| (action.to_owned(), by_owner)));
    test.api.close().await;
}

#[tokio::test]
async fn whoever_owes_for_an_ended_plan_pays_before_the_next_one() {
    let test = TestPlans::new().await;
    let ann = &test.ann;
    test.choose(ann, json!({"plan": "standard"})).await.ok();
    let charge = test.charges().await.remove(0);
    test.move_time(&["UPDATE plan_charges SET due_at = due_at - interval '14 days', act_at = now()"]).await;
    let mut tx = test.api.db.pool.begin().await.unwrap();
    let done = store::dun(&mut tx, charge["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((done, &test.plan().await["plan"]), (Dunned::Lapsed, &json!("free")));
    test.choose(ann, json!({"plan": "pro"})).await.refused(409, "past_due");
    assert_eq!(test.charges().await[0]["status"], "lapsed");
    test.paid(&charge).await;
    let again = test.choose(ann, json!({"plan": "pro"})).await.ok();
    assert_eq!(again["subscription"]["status"], "active", "not tried: it has subscribed before");
    assert_eq!(test.charges().await[0]["amount"], json!(eur(7_900)));
    test.api.close().await;
}

#[tokio::test]
async fn an_administrator_changes_no_plan_that_is_paid_for_and_owners_none_that_was_agreed() {
    let test = TestPlans::new().await;
    let put = async |who, org: OrgId| {
        let path = format!("/v1/admin/orgs/{org}/plan");
        test.api.call(Some(who), Method::PUT, &path, json!({"plan": "partner"})).await
    };
    test.choose(&test.ann, json!({"plan": "pro"})).await.ok();
    put(&test.ann, test.org).await.refused(403, "role_too_low");
    put(&test.admin, test.org).await.refused(409, "subscribed");
    test.cancel(&test.ann).await.ok();
    put(&test.admin, test.org).await.refused(409, "subscribed");
    assert_eq!(test.renewed().await, Renewed::Ended, "a trial that is cancelled costs nothing");
    assert_eq!(test.charges().await.len(), 0);
    assert_eq!(put(&test.admin, test.org).await.status, 204);

    let agreed = test.plan().await;
    assert_eq!((&agreed["plan"], agreed.get("subscription")), (&json!("partner"), None));
    for plan in ["free", "standard", "pro"] {
        test.choose(&test.ann, json!({"plan": plan})).await.refused(409, "plan_agreed");
    }
    test.cancel(&test.ann).await.refused(409, "plan_agreed");
    assert_eq!(test.choose(&test.ann, json!({"plan": "partner"})).await.ok(), agreed);
    assert_eq!(test.charges().await.len(), 0);
    test.api.close().await;
}
