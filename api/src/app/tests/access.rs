//! Who may call what: every operation of the document, against people without, with too little, and with enough.

mod documents;
mod owned;
mod owners;
mod verified;

use market::identity::PlatformRole;
use market::testing::CONSOLES;
use reqwest::Method;
use serde_json::{Value, json};

use super::{filled, operations};
use crate::testing::{Person, TestApi, with_token};

/// Who an operation is for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Anyone,
    /// Whoever is logged in, for themselves.
    Session,
    /// Members of the organisation; to others the thing does not exist.
    Member,
    /// Whoever acts for the organisation it belongs to: [`owners`] tells what others are answered.
    Owner,
    /// This role on the platform, and the ones that include it.
    Platform(PlatformRole),
}

use PlatformRole::{Admin, Finance, Moderator, Observer, Operator};
use Who::{Anyone, Member, Owner, Platform, Session};

/// Every operation. Add yours here; the test tells when one is missing.
fn access() -> Vec<(&'static str, Who, Value)> {
    let none = || json!({});
    let reason = || json!({"reason": "because"});
    let decided = |outcome: &str| json!({"outcome": outcome, "reason": "because"});
    let matching = || json!({"matching": {"kind": "none"}});
    let mut access = vec![
        ("GET /healthz", Anyone, none()),
        ("GET /readyz", Anyone, none()),
        ("GET /verify-email", Anyone, none()),
        ("POST /verify-email", Anyone, none()),
        ("POST /verify-email/new-password", Anyone, none()),
        ("GET /reset-password", Anyone, none()),
        ("POST /reset-password", Anyone, none()),
        ("GET /invitation", Anyone, none()),
        ("POST /invitation", Anyone, none()),
        ("POST /invitation/accept", Anyone, none()),
        ("POST /invitation/register", Anyone, none()),
        ("GET /unsubscribe", Anyone, none()),
        ("POST /unsubscribe", Anyone, none()),
        ("POST /v1/auth/register", Anyone, none()),
        ("POST /v1/auth/password-reset", Anyone, none()),
        ("POST /v1/auth/password-reset/confirm", Anyone, none()),
        ("POST /v1/auth/verify-email", Anyone, none()),
        ("POST /v1/auth/verify-email/resend", Session, none()),
        ("POST /v1/auth/login", Anyone, none()),
        ("POST /v1/auth/login/second-factor", Anyone, none()),
        ("POST /v1/auth/refresh", Anyone, none()),
        ("POST /v1/auth/logout", Session, none()),
        ("GET /v1/me", Session, none()),
        ("PATCH /v1/me", Session, none()),
        ("GET /v1/me/notifications", Session, none()),
        ("PATCH /v1/me/notifications", Session, none()),
        ("GET /v1/me/quiet-hours", Session, none()),
        ("POST /v1/me/notices/{notice}/read", Session, none()),
        ("POST /v1/me/notices/read", Session, none()),
        ("PUT /v1/me/quiet-hours", Session, json!({"from": "22:00", "to": "07:00"})),
        ("DELETE /v1/me/quiet-hours", Session, none()),
        ("GET /v1/me/invitations", Session, none()),
        ("POST /v1/me/invitations/{invitation}/accept", Session, none()),
        ("POST /v1/me/invitations/{invitation}/decline", Session, none()),
        ("POST /v1/invitations/accept", Session, json!({"token": "x"})),
        ("POST /v1/invitations/decline", Anyone, none()),
        ("POST /v1/ws/ticket", Session, none()),
        ("GET /v1/ws", Anyone, none()),
        ("GET /v1/orgs", Session, none()),
        ("POST /v1/orgs", Session, json!({"legal_name": "New", "kinds": ["buyer"], "time_zone": "UTC"})),
        ("GET /v1/orgs/{org}", Member, none()),
        ("PATCH /v1/orgs/{org}", Member, none()),
        ("GET /v1/orgs/{org}/members", Member, none()),
        ("POST /v1/orgs/{org}/apply-again", Member, none()),
        ("GET /v1/orgs/{org}/invitations", Member, none()),
        ("POST /v1/orgs/{org}/invitations", Member, json!({"email": "a@example.com", "role": "viewer"})),
        ("GET /v1/orgs/{org}/invitations/{invitation}", Member, none()),
        ("DELETE /v1/orgs/{org}/invitations/{invitation}", Member, none()),
        ("PATCH /v1/orgs/{org}/members/{user}", Member, json!({"role": "viewer"})),
        ("DELETE /v1/orgs/{org}/members/{user}", Member, none()),
        ("POST /v1/orgs/{org}/approve", Platform(Moderator), none()),
        ("POST /v1/orgs/{org}/reject", Platform(Moderator), reason()),
        ("POST /v1/orgs/{org}/suspend", Platform(Moderator), reason()),
        ("POST /v1/orgs/{org}/reinstate", Platform(Moderator), none()),
        ("GET /v1/admin/users", Platform(Admin), none()),
        ("POST /v1/admin/users/{user}/suspend", Platform(Admin), reason()),
        ("POST /v1/admin/users/{user}/reinstate", Platform(Admin), reason()),
        ("POST /v1/admin/users/{user}/remove-second-factor", Platform(Admin), reason()),
        ("PUT /v1/admin/users/{user}/platform-role", Platform(Admin), json!({"platform_role": "user"})),
        ("GET /v1/admin/audit", Platform(Admin), none()),
        ("GET /v1/admin/account-flags", Platform(Moderator), none()),
        ("GET /v1/admin/chat-reports", Platform(Moderator), none()),
        ("GET /v1/admin/chat-reports/{chat_report}", Platform(Moderator), none()),
        ("POST /v1/admin/chat-reports/{chat_report}/decide", Platform(Moderator), decided("dismissed")),
        ("GET /v1/admin/review-reports", Platform(Moderator), none()),
        ("POST /v1/admin/review-reports/{review_report}/decide", Platform(Moderator), decided("dismissed")),
        ("PUT /v1/admin/orgs/{org}/plan", Platform(Admin), json!({"plan": "partner"})),
        ("GET /v1/categories", Anyone, none()),
        ("GET /v1/categories/{category}", Anyone, none()),
        ("POST /v1/categories", Platform(Admin), json!({"slug": "x", "name": "X"})),
        ("PATCH /v1/categories/{category}", Platform(Admin), none()),
        ("GET /v1/fx/rates", Anyone, none()),
        ("GET /v1/models", Anyone, none()),
        ("GET /v1/models/{model}", Anyone, none()),
        ("GET /v1/models/{model}/parts", Anyone, none()),
        ("POST /v1/models", Platform(Admin), json!({"category_id": CONSOLES, "make": "A", "name": "B"})),
        ("GET /v1/listings", Anyone, none()),
        ("GET /v1/listings/{listing}", Anyone, none()),
        ("GET /v1/listings/{listing}/fits", Anyone, none()),
        ("GET /v1/listings/{listing}/calendar/{year}", Anyone, none()),
        ("GET /v1/listings/{listing}/auctions", Anyone, none()),
        ("GET /v1/auctions", Anyone, none()),
        ("GET /v1/auctions/{auction}", Anyone, none()),
        ("GET /v1/auctions/{auction}/bids", Anyone, none()),
        ("POST /v1/items", Owner, none()),
        ("GET /v1/items", Owner, none()),
        ("GET /v1/items/{item}", Owner, none()),
        ("PATCH /v1/items/{item}", Owner, none()),
        ("DELETE /v1/items/{item}", Owner, none()),
        ("GET /v1/items/{item}/fits", Owner, none()),
        ("PUT /v1/items/{item}/fits", Owner, none()),
        ("GET /v1/items/{item}/calendar/{year}", Owner, none()),
        ("PUT /v1/items/{item}/calendar/{year}", Owner, none()),
        ("GET /v1/regions", Anyone, none()),
        ("POST /v1/sites", Owner, none()),
        ("GET /v1/sites", Owner, none()),
        ("GET /v1/sites/{site}", Owner, none()),
        ("PATCH /v1/sites/{site}", Owner, none()),
        ("DELETE /v1/sites/{site}", Owner, none()),
        ("GET /v1/stock", Owner, none()),
        ("POST /v1/stock/transfer", Owner, none()),
        ("GET /v1/items/{item}/stock/{site}", Owner, none()),
        ("PATCH /v1/items/{item}/stock/{site}", Owner, none()),
        ("POST /v1/items/{item}/stock/{site}/adjust", Owner, none()),
        ("GET /v1/items/{item}/stock/{site}/movements", Owner, none()),
        ("PUT /v1/listings/{listing}/watch", Session, none()),
        ("DELETE /v1/listings/{listing}/watch", Session, none()),
        ("GET /v1/me/watches", Session, none()),
        ("GET /v1/saved-searches", Session, none()),
        ("POST /v1/saved-searches", Session, json!({"name": "Mine", "query": {"q": "console"}})),
        ("GET /v1/saved-searches/{search}", Session, none()),
        ("PATCH /v1/saved-searches/{search}", Session, none()),
        ("DELETE /v1/saved-searches/{search}", Session, none()),
        ("PUT /v1/listings/{listing}/price", Owner, none()),
        ("POST /v1/listings/{listing}/inquiries", Owner, none()),
        ("GET /v1/dashboard", Owner, none()),
        ("POST /v1/listings", Owner, none()),
        ("PATCH /v1/listings/{listing}", Owner, none()),
        ("GET /v1/listings/{listing}/missing", Owner, none()),
        ("POST /v1/listings/{listing}/relist", Owner, none()),
        ("GET /v1/listings/review", Platform(Moderator), none()),
        ("POST /v1/listings/{listing}/approve", Platform(Moderator), none()),
        ("POST /v1/listings/{listing}/refuse", Platform(Moderator), reason()),
        ("GET /v1/listings/mine", Owner, none()),
        ("POST /v1/listings/{listing}/auctions", Owner, none()),
        ("POST /v1/listings/{listing}/publish", Owner, none()),
        ("POST /v1/listings/{listing}/withdraw", Owner, none()),
        ("POST /v1/listings/{listing}/suspend", Platform(Moderator), reason()),
        ("POST /v1/listings/{listing}/reinstate", Platform(Moderator), none()),
        ("POST /v1/auctions/{auction}/bids", Owner, none()),
        ("POST /v1/auctions/{auction}/bids/{bid}/retract", Owner, none()),
        ("POST /v1/auctions/{auction}/buy-now", Owner, none()),
        ("POST /v1/auctions/{auction}/cancel", Owner, none()),
        ("GET /v1/auctions/{auction}/second-chances", Owner, none()),
        ("POST /v1/auctions/{auction}/second-chances", Owner, none()),
        ("POST /v1/second-chances/{chance}/accept", Owner, none()),
        ("POST /v1/second-chances/{chance}/decline", Owner, none()),
        ("GET /v1/auctions/{auction}/approval", Owner, none()),
        ("POST /v1/auctions/{auction}/approval/accept", Owner, none()),
        ("POST /v1/auctions/{auction}/approval/decline", Owner, none()),
        (
            "POST /v1/auctions/{auction}/approval/counter",
            Owner,
            json!({"amount": {"amount": "60.00", "currency": "EUR"}}),
        ),
        ("POST /v1/orders/{order}/renounce", Owner, none()),
        ("GET /v1/standing", Owner, none()),
        ("POST /v1/strikes/{strike}/appeal", Owner, none()),
        ("GET /v1/admin/strikes", Platform(Moderator), none()),
        ("POST /v1/admin/strikes/{strike}/decide", Platform(Moderator), decided("kept")),
        ("GET /v1/basket", Owner, none()),
        ("DELETE /v1/basket", Owner, none()),
        ("PUT /v1/basket/{listing}", Owner, none()),
        ("DELETE /v1/basket/{listing}", Owner, none()),
        ("GET /v1/checkouts", Owner, none()),
        ("POST /v1/checkouts", Owner, none()),
        ("GET /v1/checkouts/{checkout}", Owner, none()),
        ("POST /v1/checkouts/{checkout}/cancel", Owner, none()),
        ("POST /v1/listings/{listing}/buy", Owner, none()),
        ("POST /v1/checkouts/{checkout}/pay", Owner, none()),
        ("GET /v1/payments/{payment}", Owner, none()),
        ("POST /v1/webhooks/{provider}", Anyone, none()),
        ("POST /v1/webhooks/postmark", Anyone, none()),
        ("GET /v1/orders/{order}/escrow", Owner, none()),
        ("POST /v1/orders/{order}/ship", Owner, none()),
        ("POST /v1/orders/{order}/receive", Owner, none()),
        ("POST /v1/orders/{order}/accept", Owner, none()),
        ("GET /v1/orders/{order}/refunds", Owner, none()),
        ("POST /v1/orders/{order}/refunds", Owner, none()),
        ("GET /v1/orgs/{org}/profile", Anyone, none()),
        ("GET /v1/orgs/{org}/reviews", Anyone, none()),
        ("POST /v1/disputes/{dispute}/withdraw", Owner, none()),
        ("GET /v1/admin/disputes", Platform(Finance), none()),
        (
            "POST /v1/admin/disputes/{dispute}/resolve",
            Platform(Finance),
            json!({"amount": {"amount": "0.00", "currency": "EUR"}, "reason": "because"}),
        ),
        (
            "POST /v1/admin/orders/{order}/refunds",
            Platform(Finance),
            json!({"amount": {"amount": "1.00", "currency": "EUR"}, "reason": "because"}),
        ),
        ("POST /v1/admin/payments/reconcile", Platform(Finance), none()),
        ("POST /v1/admin/images/reprocess", Platform(Admin), none()),
        ("GET /v1/admin/reconciliation-differences", Platform(Finance), none()),
        ("POST /v1/admin/reconciliation-differences/{difference}/close", Platform(Finance), reason()),
        ("GET /v1/balances", Owner, none()),
        ("GET /v1/statement", Owner, none()),
        ("GET /v1/payout-accounts", Owner, none()),
        ("POST /v1/payout-accounts", Owner, none()),
        ("GET /v1/payout-accounts/{payout_account}", Owner, none()),
        ("GET /v1/payouts", Owner, none()),
        ("GET /v1/invoices", Owner, none()),
        ("GET /v1/invoices/{invoice}", Owner, none()),
        ("GET /v1/orders/{order}/invoices", Owner, none()),
        ("GET /v1/admin/commission-rates", Platform(Finance), none()),
        ("POST /v1/admin/commission-rates", Platform(Finance), json!({"plan": "free", "fee_bps": 1})),
        ("GET /v1/admin/premium-tariffs", Platform(Finance), none()),
        ("POST /v1/admin/premium-tariffs", Platform(Finance), json!({"currency": "EUR", "tiers": [{"bps": 1}]})),
        ("GET /v1/orders", Owner, none()),
        ("GET /v1/orders/{order}", Owner, none()),
        ("POST /v1/uploads", Owner, none()),
        ("GET /v1/uploads/{upload}", Owner, none()),
        ("POST /v1/uploads/{upload}/complete", Owner, none()),
        ("GET /v1/images", Anyone, none()),
        ("GET /v1/images/{image}", Anyone, none()),
        ("GET /v1/images/{image}/{file}", Anyone, none()),
        ("DELETE /v1/images/{image}", Owner, none()),
        ("POST /v1/stock/imports", Owner, none()),
        ("POST /v1/stock/imports/preview", Owner, none()),
        ("POST /v1/listings/imports", Owner, none()),
        ("POST /v1/listings/imports/preview", Owner, none()),
        ("GET /v1/imports/{import}", Owner, none()),
        ("GET /v1/imports/{import}/rows", Owner, none()),
        ("POST /v1/me/export", Session, none()),
        ("GET /v1/me/export", Session, none()),
        ("POST /v1/reports", Owner, none()),
        ("GET /v1/reports", Owner, none()),
        ("GET /v1/reports/{report}", Owner, none()),
        ("POST /v1/report-subscriptions", Owner, none()),
        ("GET /v1/report-subscriptions", Owner, none()),
        ("GET /v1/report-subscriptions/{subscription}", Session, none()),
        ("DELETE /v1/report-subscriptions/{subscription}", Session, none()),
        ("POST /v1/cargo-events", Owner, none()),
        ("POST /v1/carriers", Owner, json!({"slug": "hansa", "name": "Hansa"})),
        ("GET /v1/carriers", Owner, none()),
        ("GET /v1/carriers/{carrier}", Owner, none()),
        ("DELETE /v1/carriers/{carrier}", Owner, none()),
        ("POST /v1/carriers/{carrier}/secret", Owner, none()),
        ("POST /v1/webhooks/carriers/{carrier}", Anyone, none()),
        ("POST /v1/vehicles", Owner, none()),
        ("GET /v1/vehicles", Owner, none()),
        ("GET /v1/vehicles/{vehicle}", Owner, none()),
        ("PATCH /v1/vehicles/{vehicle}", Owner, none()),
        ("DELETE /v1/vehicles/{vehicle}", Owner, none()),
        ("GET /v1/vehicles/{vehicle}/maintenance", Owner, none()),
        ("POST /v1/vehicles/{vehicle}/maintenance", Owner, none()),
        ("DELETE /v1/vehicles/{vehicle}/maintenance/{maintenance}", Owner, none()),
        ("POST /v1/shipments", Owner, none()),
        ("GET /v1/shipments", Owner, none()),
        ("GET /v1/shipments/figures", Owner, none()),
        ("GET /v1/shipments/{shipment}", Owner, none()),
        ("PATCH /v1/shipments/{shipment}", Owner, none()),
        ("POST /v1/shipments/{shipment}/cancel", Owner, none()),
        ("POST /v1/shipments/{shipment}/pick-up", Owner, none()),
        ("POST /v1/shipments/{shipment}/deliver", Owner, none()),
        ("POST /v1/shipments/{shipment}/fail", Owner, none()),
        ("POST /v1/shipments/{shipment}/return", Owner, none()),
        ("GET /v1/shipments/{shipment}/events", Owner, none()),
        ("GET /v1/track/{number}", Anyone, none()),
        ("GET /v1/admin/cargo-rejects", Platform(Operator), none()),
        ("GET /v1/admin/cargo-rejects/{reject}", Platform(Operator), none()),
        ("DELETE /v1/admin/cargo-rejects/{reject}", Platform(Operator), none()),
        ("POST /v1/admin/cargo-rejects/{reject}/replay", Platform(Operator), none()),
        ("GET /v1/jobs", Platform(Observer), none()),
        ("GET /v1/jobs/counts", Platform(Observer), none()),
        ("GET /v1/jobs/dead", Platform(Observer), none()),
        ("GET /v1/jobs/{job}", Member, none()),
        ("GET /v1/jobs/{job}/detail", Platform(Observer), none()),
        ("GET /v1/jobs/{job}/why", Platform(Observer), none()),
        ("PATCH /v1/jobs/{job}", Platform(Operator), json!({"priority": "low"})),
        ("POST /v1/jobs/{job}/cancel", Platform(Operator), none()),
        ("POST /v1/jobs/{job}/retry", Platform(Operator), none()),
        ("POST /v1/jobs/{job}/run-now", Platform(Operator), none()),
        ("POST /v1/jobs/cancel", Platform(Operator), matching()),
        ("POST /v1/jobs/retry", Platform(Operator), matching()),
        ("GET /v1/queues", Platform(Observer), none()),
        ("GET /v1/queues/{queue}", Platform(Observer), none()),
        ("PATCH /v1/queues/{queue}", Platform(Operator), none()),
        ("POST /v1/queues/{queue}/pause", Platform(Operator), none()),
        ("POST /v1/queues/{queue}/resume", Platform(Operator), none()),
        ("GET /v1/workers", Platform(Observer), none()),
        ("GET /v1/schedules", Platform(Observer), none()),
        ("POST /v1/schedules", Platform(Operator), json!({"name": "a", "kind": "jobs.prune", "expression": "x"})),
        ("GET /v1/schedules/{schedule}", Platform(Observer), none()),
        ("PATCH /v1/schedules/{schedule}", Platform(Operator), none()),
        ("DELETE /v1/schedules/{schedule}", Platform(Operator), none()),
        ("POST /v1/schedules/{schedule}/pause", Platform(Operator), none()),
        ("POST /v1/schedules/{schedule}/resume", Platform(Operator), none()),
        ("POST /v1/schedules/{schedule}/reset", Platform(Operator), none()),
        ("POST /v1/schedules/{schedule}/run-now", Platform(Operator), none()),
    ];
    access.extend(owned::OPERATIONS.map(|operation| (operation, Owner, none())));
    access.extend(documents::operations().into_iter().chain(owned::plans()));
    access.extend(owned::OF_SALE_EVENTS.map(|operation| (operation, Anyone, none())));
    access.extend(owned::OF_THE_PERSON.map(|operation| (operation, Session, none())));
    access
}

#[test]
fn every_operation_says_who_may_call_it() {
    let mut documented: Vec<_> =
        operations().into_iter().map(|(path, method, open)| (format!("{method} {path}"), open)).collect();
    let mut listed: Vec<_> =
        access().into_iter().map(|(operation, who, _)| (operation.to_owned(), who == Anyone)).collect();
    documented.sort();
    listed.sort();
    assert_eq!(documented, listed);
}

#[tokio::test]
async fn operations_refuse_who_may_not_call_them() {
    let api = TestApi::new().await;
    let mut staff = Vec::new();
    for role in PlatformRole::ALL {
        staff.push((*role, if *role == Admin { api.admin().await } else { api.staff(*role).await }));
    }
    let (_, admin) = staff.iter().find(|(role, _)| *role == Admin).unwrap();
    let (ann, suspended) = (api.person("Ann").await, api.person("Suspended").await);
    let path = format!("/v1/admin/users/{}/suspend", suspended.id);
    assert_eq!(api.post(Some(admin), &path, json!({"reason": "fraud"})).await.status, 204);
    let org = api.org(&ann, "Ann Farm", admin).await;
    let info = api.state.registry.get("jobs.prune").unwrap();
    let job = info.enqueue(json!({"finished_after_hours": 1, "dead_after_hours": 1})).unwrap().tenant(org);
    let mut tx = api.state.ledger.begin().await.unwrap();
    let job = tx.enqueue_with(job).await.unwrap().id();
    tx.commit().await.unwrap();

    for (operation, who, body) in access() {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path
            .replace("{org}", &org.to_string())
            .replace("{user}", &ann.id.to_string())
            .replace("{job}", &job.to_string())
            .replace("{queue}", "emails")
            .replace("{reject}", "7")
            .replace("{schedule}", "none");
        let path = filled(&path);
        let method: Method = method.parse().unwrap();
        let call = async |person: Option<&Person>| {
            let request =
                api.request(method.clone(), &path).header("idempotency-key", uuid::Uuid::now_v7().to_string());
            api.send(with_token(request.json(&body), person)).await
        };
        if who == Anyone {
            continue;
        }
        call(None).await.refused(401, "unauthenticated");
        call(Some(&suspended)).await.refused(401, "session_ended");
        for (role, person) in &staff {
            match who {
                Platform(needed) if !role.includes(needed) => {
                    call(Some(person)).await.refused(403, "role_too_low");
                }
                // What may also be seen by those who look after the platform is asserted with the routes themselves.
                Member if *role == PlatformRole::User => {
                    call(Some(person)).await.refused(404, "not_found");
                }
                _ => {}
            }
        }
        if let Platform(needed) = who {
            for (role, person) in staff.iter().filter(|(role, _)| role.includes(needed)) {
                let answer = call(Some(person)).await;
                assert!(!matches!(answer.status.as_u16(), 401 | 403 | 500..), "{operation} as {role:?}: {answer:?}");
            }
        }
    }
    api.close().await;
}
