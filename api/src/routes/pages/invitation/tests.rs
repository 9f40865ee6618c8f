use market::identity::PlatformRole;
use market::ids::InvitationId;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use super::*;
use crate::testing::{Answer, PASSWORD, Person, TestApi};

struct TestInvitations {
    api: TestApi,
    ann: Person,
    org: OrgId,
}

impl TestInvitations {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let ann = api.person("Ann").await;
        let org = api.org(&ann, "Ann <Farm>", &moderator).await;
        Self { api, ann, org }
    }

    /// What stands behind the link of an invitation's mail to this address.
    async fn link(&self, email: &str) -> String {
        let body = json!({"email": email, "role": "trader"});
        let path = format!("/v1/orgs/{}/invitations", self.org);
        let made = self.api.post(Some(&self.ann), &path, body).await.ok();
        let id = InvitationId(made["id"].as_str().unwrap().parse().unwrap());
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        store::mint_invitation(&mut conn, id).await.unwrap().unwrap().0
    }

    async fn send(&self, act: &str, token: &str, form: &[(&str, &str)]) -> Answer {
        let form = form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+")));
        let request = self.api.request(Method::POST, &format!("/invitation/{act}?token={token}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.api.send(request.body(form.collect::<Vec<_>>().join("&"))).await
    }

    async fn members(&self) -> usize {
        let list = self.api.get(Some(&self.ann), &format!("/v1/orgs/{}/members", self.org)).await.ok();
        list["items"].as_array().unwrap().len()
    }

    async fn close(self) {
        self.api.close().await;
    }
}

/// Asserts the status of a page and what it says.
#[track_caller]
fn says(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(matches!(&answer.body, Value::String(html) if html.contains(words)), "{words}: {answer:?}");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
}

#[tokio::test]
async fn an_invitation_is_accepted_on_its_page_with_the_accounts_password() {
    let invitations = TestInvitations::new().await;
    let bob = invitations.api.person("Bob").await;
    let token = invitations.link(&bob.email).await;
    let page = invitations.api.get(None, &format!("/invitation?token={token}")).await;
    says(&page, 200, "Ann &lt;Farm&gt; invites bob@example.com to join as trader");
    says(
        &invitations.send("accept", &token, &[("password", "another one")]).await,
        401,
        "the address or the password is wrong",
    );
    assert_eq!(invitations.members().await, 1);
    says(
        &invitations.send("accept", &token, &[("password", PASSWORD)]).await,
        200,
        "You are trader at Ann &lt;Farm&gt; now.",
    );
    assert_eq!(invitations.members().await, 2);
    says(&invitations.send("accept", &token, &[("password", PASSWORD)]).await, 422, "This link does not work");
    // Who belongs to it already, and who looks after the platform, is told so.
    let staff = invitations.api.staff(PlatformRole::Finance).await;
    let token = invitations.link(&staff.email).await;
    says(
        &invitations.send("accept", &token, &[("password", PASSWORD)]).await,
        403,
        "people who look after the platform",
    );
    invitations.close().await;
}

#[tokio::test]
async fn somebody_new_registers_on_the_page_confirms_the_address_and_accepts() {
    let invitations = TestInvitations::new().await;
    let token = invitations.link("nora@example.com").await;
    says(
        &invitations.send("register", &token, &[("name", "www.evil.example"), ("password", PASSWORD)]).await,
        422,
        "the name:",
    );
    says(
        &invitations.send("register", &token, &[("name", "Nora"), ("password", "short")]).await,
        422,
        "You are invited",
    );
    says(
        &invitations.send("register", &token, &[("name", "Nora Lee"), ("password", PASSWORD)]).await,
        200,
        "Confirm your address",
    );
    // The link alone proves nothing: it may have been passed on.
    says(&invitations.send("accept", &token, &[("password", PASSWORD)]).await, 403, "Confirm your address first");
    assert_eq!(invitations.members().await, 1);
    let nora = invitations.api.login("nora@example.com").await;
    let mut conn = invitations.api.db.pool.acquire().await.unwrap();
    let (_, proof) = store::mint_email_verification(&mut conn, nora.id).await.unwrap().unwrap();
    store::verify_email(&mut conn, &proof).await.unwrap().unwrap();
    drop(conn);
    says(&invitations.send("accept", &token, &[("password", PASSWORD)]).await, 200, "Welcome");
    assert_eq!(invitations.members().await, 2);
    invitations.close().await;
}

#[tokio::test]
async fn the_page_of_an_invitation_does_not_show_who_is_registered() {
    let invitations = TestInvitations::new().await;
    let bob = invitations.api.person("Bob").await;
    let mut shown = Vec::new();
    for email in [bob.email.as_str(), "new@example.com"] {
        let token = invitations.link(email).await;
        let page = invitations.api.get(None, &format!("/invitation?token={token}")).await;
        let wrong = invitations.send("accept", &token, &[("password", "guessed it")]).await;
        let registered = invitations.send("register", &token, &[("name", "Eve"), ("password", PASSWORD)]).await;
        let pages = [page, wrong, registered].map(|answer| {
            let text = answer.body.as_str().unwrap().replace(email, "").replace(&token, "");
            (answer.status, text)
        });
        shown.push(pages);
    }
    assert_eq!(shown[0], shown[1]);
    // Bob's password is the one that Bob has set.
    let login = json!({"email": bob.email, "password": PASSWORD});
    invitations.api.post(None, "/v1/auth/login", login).await.ok();
    invitations.close().await;
}

#[tokio::test]
async fn a_password_alone_does_not_accept_for_whoever_has_a_second_factor() {
    let invitations = TestInvitations::new().await;
    let bob = invitations.api.person("Bob").await;
    let on = "INSERT INTO two_factors (id, user_id, sealed, enrolled_at, confirmed_at, last_step)
              VALUES (gen_random_uuid(), $1, decode(repeat('ab', 53), 'hex'), now(), now(), 1)";
    sqlx::query(on).bind(bob.id).execute(&invitations.api.db.pool).await.unwrap();
    let token = invitations.link(&bob.email).await;
    says(&invitations.send("accept", &token, &[("password", PASSWORD)]).await, 403, "Log in first");
    assert_eq!(invitations.members().await, 1);
    invitations.close().await;
}

#[tokio::test]
async fn guesses_on_the_page_of_an_invitation_are_counted_as_logins() {
    let invitations = TestInvitations::new().await;
    let bob = invitations.api.person("Bob").await;
    let token = invitations.link(&bob.email).await;
    for _ in 0..5 {
        says(&invitations.send("accept", &token, &[("password", "guessed it")]).await, 401, "is wrong");
    }
    says(&invitations.send("accept", &token, &[("password", PASSWORD)]).await, 429, "too many failed logins");
    let login = json!({"email": bob.email, "password": PASSWORD});
    invitations.api.post(None, "/v1/auth/login", login).await.refused(429, "too_many_attempts");
    invitations.close().await;
}
