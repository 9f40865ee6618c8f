use market::identity::{PlatformRole, store};
use market::ids::InvitationId;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::testing::{Answer, Person, TestApi};

async fn invite(api: &TestApi, owner: &Person, org: OrgId, email: &str) -> Answer {
    let body = json!({"email": email, "role": "trader"});
    api.post(Some(owner), &format!("/v1/orgs/{org}/invitations"), body).await
}

/// The token that the invitation's mail gets.
async fn token(api: &TestApi, invitation: &Value) -> String {
    let id = InvitationId(invitation["id"].as_str().unwrap().parse().unwrap());
    let mut conn = api.db.pool.acquire().await.unwrap();
    store::mint_invitation(&mut conn, id).await.unwrap().unwrap().0
}

async fn scene() -> (TestApi, Person, OrgId) {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    (api, ann, org)
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_whoever_has_the_address() {
    let (api, ann, org) = scene().await;
    let (bob, eve) = (api.person("Bob").await, api.person("Eve").await);
    let invitation = invite(&api, &ann, org, &bob.email).await.ok();
    invite(&api, &ann, org, &bob.email).await.refused(409, "already_invited");
    let link = json!({"token": token(&api, &invitation).await});
    // Passed on, it lets nobody in.
    api.post(Some(&eve), "/v1/invitations/accept", link.clone()).await.refused(404, "not_found");
    let path = format!("/v1/me/invitations/{}/accept", invitation["id"].as_str().unwrap());
    api.post(Some(&eve), &path, json!({})).await.refused(404, "not_found");
    assert_eq!(api.get(Some(&eve), "/v1/me/invitations").await.ok()["items"], json!([]));
    assert_eq!(api.get(Some(&bob), "/v1/me/invitations").await.ok()["items"][0]["org_name"], "Ann Farm");
    let joined = api.post(Some(&bob), "/v1/invitations/accept", link.clone()).await.ok();
    assert_eq!(joined, json!({"org": org, "role": "trader"}));
    api.get(Some(&bob), &format!("/v1/orgs/{org}/members")).await.ok();
    // Once: neither again, nor after Bob was removed.
    api.post(Some(&bob), "/v1/invitations/accept", link.clone()).await.refused(422, "token_invalid");
    invite(&api, &ann, org, &bob.email).await.refused(409, "already_member");
    let member = format!("/v1/orgs/{org}/members/{}", bob.id);
    assert_eq!(api.call(Some(&ann), Method::DELETE, &member, json!({})).await.status, 204);
    api.post(Some(&bob), "/v1/invitations/accept", link).await.refused(422, "token_invalid");
    let mut conn = api.db.pool.acquire().await.unwrap();
    let log = shared::audit::page(&mut conn, Some(("org", &org.to_string())), None, 10).await.unwrap();
    let acts: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.actor)).collect();
    assert_eq!(
        acts[..3],
        [("org.remove_member", Some(ann.id)), ("org.join", Some(bob.id)), ("org.invite", Some(ann.id))]
    );
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn an_invitation_shows_nothing_of_who_is_registered() {
    let (api, ann, org) = scene().await;
    let moderator = api.login("moderator.staff@example.com").await;
    let stranger = api.unverified("Stranger").await;
    let mut answers = Vec::new();
    for email in [&stranger.email, &moderator.email, "nobody@example.com"] {
        let mut answer = invite(&api, &ann, org, email).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        for own in ["id", "email", "created_at", "expires_at"] {
            answer.body[own] = json!(null);
        }
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
    let sql = "SELECT count(*) FROM emails WHERE template = 'invitation' AND user_id IS NULL";
    let mails: i64 = sqlx::query_scalar(sql).fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(mails, 3, "the mail goes to the address, whoever has it");
    // Whoever has registered the address without reading its mail does not even see it.
    assert_eq!(api.get(Some(&stranger), "/v1/me/invitations").await.ok()["items"], json!([]));
    // Somebody without an account registers, and finds it.
    let nobody = api.person("Nobody").await;
    let mine = api.get(Some(&nobody), "/v1/me/invitations").await.ok();
    let path = format!("/v1/me/invitations/{}/accept", mine["items"][0]["id"].as_str().unwrap());
    api.post(Some(&nobody), &path, json!({})).await.ok();
    // A moderator cannot be kept from deciding by a membership.
    let mine = api.get(Some(&moderator), "/v1/me/invitations").await.ok();
    let path = format!("/v1/me/invitations/{}/accept", mine["items"][0]["id"].as_str().unwrap());
    api.post(Some(&moderator), &path, json!({})).await.refused(403, "staff");
    api.close().await;
}

#[tokio::test]
async fn an_invitation_is_read_at_its_address_by_owners_of_its_organisation() {
    let (api, ann, org) = scene().await;
    let moderator = api.login("moderator.staff@example.com").await;
    let eve = api.person("Eve").await;
    let other = api.org(&eve, "Eve Farm", &moderator).await;
    let vic = api.person("Vic").await;
    api.join(&ann, org, &vic, "viewer").await;
    let made = invite(&api, &ann, org, "bob@example.com").await;
    let address = made.headers["location"].to_str().unwrap().to_owned();
    let invitation = made.ok();
    assert_eq!(address, format!("/v1/orgs/{org}/invitations/{}", invitation["id"].as_str().unwrap()));
    assert_eq!(api.get(Some(&ann), &address).await.ok(), invitation);
    api.get(Some(&vic), &address).await.refused(403, "role_too_low");
    api.get(Some(&eve), &address).await.refused(404, "not_found");
    api.get(Some(&eve), &address.replace(&org.to_string(), &other.to_string())).await.refused(404, "not_found");
    api.close().await;
}

#[tokio::test]
async fn an_invitation_is_declined_taken_back_or_expires() {
    let (api, ann, org) = scene().await;
    let bob = api.person("Bob").await;
    let open = async || {
        let list = api.get(Some(&ann), &format!("/v1/orgs/{org}/invitations")).await.ok();
        list["items"].as_array().unwrap().len()
    };
    // By the link, without an account.
    let invitation = invite(&api, &ann, org, &bob.email).await.ok();
    assert_eq!(open().await, 1);
    let link = json!({"token": token(&api, &invitation).await});
    assert_eq!(api.post(None, "/v1/invitations/decline", link.clone()).await.status, 204);
    api.post(Some(&bob), "/v1/invitations/accept", link).await.refused(422, "token_invalid");
    assert_eq!(open().await, 0);
    // By the page of the link, whose look changes nothing.
    let carl = invite(&api, &ann, org, "carl@example.com").await.ok();
    let path = format!("/invitation?token={}", token(&api, &carl).await);
    for _ in 0..2 {
        let page = api.get(None, &path).await.ok();
        assert!(page.as_str().unwrap().contains("Ann Farm invites carl@example.com to join as trader"), "{page}");
    }
    assert_eq!(api.send(api.request(Method::POST, &path)).await.status, 200);
    assert_eq!(api.send(api.request(Method::POST, &path)).await.status, 422);
    assert_eq!(api.get(None, &path).await.status, 422);
    // Taken back.
    let invitation = invite(&api, &ann, org, &bob.email).await.ok();
    let link = json!({"token": token(&api, &invitation).await});
    let path = format!("/v1/orgs/{org}/invitations/{}", invitation["id"].as_str().unwrap());
    assert_eq!(api.get(Some(&ann), &path).await.ok(), invitation);
    assert_eq!(api.call(Some(&ann), Method::DELETE, &path, json!({})).await.status, 204);
    api.get(Some(&ann), &path).await.refused(404, "not_found");
    api.call(Some(&ann), Method::DELETE, &path, json!({})).await.refused(404, "not_found");
    api.post(Some(&bob), "/v1/invitations/accept", link).await.refused(422, "token_invalid");
    // Expired; a new one takes its place, and then there were enough of them for an hour.
    let old = invite(&api, &ann, org, &bob.email).await.ok();
    let link = json!({"token": token(&api, &old).await});
    sqlx::query("UPDATE invitations SET expires_at = now() - interval '1 second'").execute(&api.db.pool).await.unwrap();
    api.post(Some(&bob), "/v1/invitations/accept", link).await.refused(422, "token_invalid");
    assert_eq!(open().await, 0);
    // However slow the test is.
    let hold = "UPDATE login_throttle SET blocked_until = now() + interval '1 hour' WHERE blocked_until IS NOT NULL";
    sqlx::query(hold).execute(&api.db.pool).await.unwrap();
    invite(&api, &ann, org, &bob.email).await.refused(429, "too_many_invitations_sent");
    api.close().await;
}
