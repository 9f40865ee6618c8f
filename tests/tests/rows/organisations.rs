use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};

/// The way that a person fills in the form of an invitation's page.
const FORM: &str = "password=correct+horse+battery";

/// A founder is told what is wrong with a VAT number, digit by digit, until it can be one. The owner invites somebody by mail, whose link
/// lets in whoever has the address and nobody else, once; and what they may do then is what their role says, until they are removed.
#[tokio::test(flavor = "multi_thread")]
async fn row_members_are_invited_by_mail_and_a_wrong_vat_number_says_what_is_wrong() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (mut ann, eve) = (market.person("Ann").await, market.trader(&admin, "Eve").await);
    let application = |number: &str| {
        json!({"legal_name": "Hof Ann", "kinds": ["seller", "buyer"], "time_zone": "Europe/Berlin", "country": "DE",
            "vat_number": number})
    };
    for (number, wrong) in [
        ("DE123456789", "the check digit should be 8"),
        ("DE12345678", "expected DE and 9 digits, the first one not 0"),
        ("GR123456783", "expected EL, not GR, and 9 digits"),
    ] {
        let refused = ann.post("/v1/orgs", application(number)).await;
        refused.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"], json!([{"pointer": "/vat_number", "detail": wrong}]), "{number}");
    }
    assert_eq!(ann.get("/v1/orgs").await.ok()["items"], json!([]));
    let founded = ann.post("/v1/orgs", application("DE 123 456 788")).await.ok();
    assert_eq!(founded["vat_number"], "DE123456788");
    ann.org = id(&founded);
    let _ = admin.post(&format!("/v1/orgs/{}/approve", ann.org), json!({})).await.ok();

    let invitations = format!("/v1/orgs/{}/invitations", ann.org);
    let invitation = json!({"email": "dan@example.com", "role": "viewer"});
    let _ = ann.post(&invitations, invitation.clone()).await.ok();
    ann.post(&invitations, invitation).await.refused(409, "already_invited");
    let mail = market.mail_to("dan@example.com", "An invitation to an organisation").await;
    assert!(mail.contains("“Hof Ann”"), "{mail}");
    let link = mail.split(&market.base).find(|part| part.starts_with("/invitation?token=")).unwrap();
    let link = link.split_whitespace().next().unwrap();
    let page = market.get(link).await.ok();
    assert!(page.as_str().unwrap().contains("Hof Ann invites dan@example.com to join as viewer"), "{page}");
    let accept = link.replacen("/invitation", "/invitation/accept", 1);
    assert_eq!(market.post_form(&accept, FORM).await.status, 401, "nobody has this address yet");
    let token = link.rsplit('=').next().unwrap();
    eve.post("/v1/invitations/accept", json!({"token": token})).await.refused(404, "not_found");

    let mut dan = market.person("Dan").await;
    dan.org.clone_from(&ann.org);
    dan.get("/v1/orders?side=seller").await.refused(403, "not_a_member");
    let welcome = market.post_form(&accept, FORM).await.ok();
    assert!(welcome.as_str().unwrap().contains("You are viewer at Hof Ann now."), "{welcome}");
    assert_eq!(market.post_form(&accept, FORM).await.status, 422, "it was answered");

    // A viewer reads, a trader sells, an owner decides who belongs to it.
    let read = async || dan.get("/v1/orders?side=seller").await;
    let item = json!({"category_id": market::testing::CONSOLES, "sku": "one", "title": "Console"});
    let kim = json!({"email": "kim@example.com", "role": "owner"});
    assert_eq!(read().await.ok()["items"], json!([]));
    dan.post("/v1/items", item.clone()).await.refused(403, "role_too_low");
    let member = format!("/v1/orgs/{}/members/{}", ann.org, id(&dan.get("/v1/me").await.ok()));
    dan.patch(&member, json!({"role": "owner"})).await.refused(403, "role_too_low");
    assert_eq!(ann.patch(&member, json!({"role": "trader"})).await.status, 204);
    let _ = dan.post("/v1/items", item).await.ok();
    let listing = dan.lists(json!({"sale_mode": "fixed", "price": eur("5.00")})).await;
    assert_eq!(market.get(&format!("/v1/listings/{listing}")).await.ok()["status"], "published");
    dan.post(&invitations, kim).await.refused(403, "role_too_low");
    dan.post(&format!("/v1/orgs/{}/approve", eve.org), json!({})).await.refused(403, "role_too_low");
    let members = ann.get(&format!("/v1/orgs/{}/members", ann.org)).await.ok();
    let roles = |members: &Value| -> Vec<(String, String)> {
        let text = |member: &Value, field: &str| member[field].as_str().unwrap().to_owned();
        let mut all: Vec<_> =
            members["items"].as_array().unwrap().iter().map(|one| (text(one, "email"), text(one, "role"))).collect();
        all.sort();
        all
    };
    let expected = [("ann@example.com", "owner"), ("dan@example.com", "trader")];
    assert_eq!(roles(&members), expected.map(|(email, role)| (email.to_owned(), role.to_owned())));

    let own = format!("/v1/orgs/{}/members/{}", ann.org, id(&ann.get("/v1/me").await.ok()));
    ann.delete(&own).await.refused(409, "last_owner");
    assert_eq!(ann.delete(&member).await.status, 204);
    read().await.refused(403, "not_a_member");
    market.until_quiet().await;
    market.close().await;
}
