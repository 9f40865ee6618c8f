use serde_json::json;
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";

/// A dealer that nobody has looked at describes a tractor and cannot offer it. A moderator, whom the administrator has made one, approves
/// the dealer, whose owner gets one mail; then the tractor is published and found. Nobody else can approve, least of all the dealer.
#[tokio::test(flavor = "multi_thread")]
async fn row_an_unapproved_dealer_publishes_nothing_until_a_moderator_approves() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (mut ann, mia) = (market.person("Ann").await, market.person("Mia").await);
    let eve = market.trader(&admin, "Eve").await;
    let role = format!("/v1/admin/users/{}/platform-role", id(&mia.get("/v1/me").await.ok()));
    assert_eq!(admin.put(&role, json!({"platform_role": "moderator"})).await.status, 204);

    let dealer = json!({"legal_name": "Ann Tractors", "kinds": ["seller", "buyer"], "time_zone": "Europe/Berlin"});
    let dealer = ann.post("/v1/orgs", dealer).await.ok();
    assert_eq!(dealer["status"], "pending");
    ann.org = id(&dealer);
    let attributes = json!({"make": "Fendt", "model": "724 Vario", "horsepower": 240});
    let tractor = json!({"category_id": TRACTORS, "sku": "T-1", "title": "Fendt 724", "attributes": attributes});
    let tractor = id(&ann.post("/v1/items", tractor).await.ok());
    let offer = json!({"item_id": tractor, "title": "Fendt 724 Vario", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("95000.00")});
    let refused = ann.post("/v1/listings", offer.clone()).await;
    refused.refused(403, "org_not_approved");
    assert_eq!((&refused.body["status"], refused.body["title"].is_string()), (&json!(403), true), "{refused:?}");
    assert_eq!(market.get("/v1/listings").await.ok()["items"], json!([]));
    // Nor does it invite anybody.
    let invitation = json!({"email": eve.email, "role": "trader"});
    ann.post(&format!("/v1/orgs/{}/invitations", ann.org), invitation).await.refused(403, "org_not_approved");

    let approve = format!("/v1/orgs/{}/approve", ann.org);
    for person in [&ann, &eve] {
        person.post(&approve, json!({})).await.refused(403, "role_too_low");
    }
    let waiting = mia.get("/v1/orgs?status=pending").await.ok();
    assert_eq!((&waiting["items"][0]["id"], waiting["items"][1].is_null()), (&json!(ann.org), true), "{waiting}");
    assert_eq!(mia.post(&approve, json!({})).await.ok()["status"], "approved");
    mia.post(&approve, json!({})).await.refused(409, "org_status");
    let mail = market.mail_to(&ann.email, "Ann Tractors is approved").await;
    assert!(mail.contains(&format!("/orgs/{}", ann.org)), "{mail}");

    let listing = format!("/v1/listings/{}", id(&ann.post("/v1/listings", offer).await.ok()));
    assert_eq!(ann.post(&format!("{listing}/publish"), json!({})).await.ok()["status"], "published");
    let found = market.get("/v1/listings?where=make:Fendt&category=machinery/tractors").await.ok();
    assert_eq!(found["items"][0]["title"], "Fendt 724 Vario", "{found}");

    // Suspended, it is where it was.
    let suspend = format!("/v1/orgs/{}/suspend", ann.org);
    let _ = mia.post(&suspend, json!({"reason": "The papers are not yours."})).await.ok();
    let again =
        json!({"item_id": tractor, "title": "Again", "sale_mode": "fixed", "currency": "EUR", "price": eur("1.00")});
    ann.post("/v1/listings", again).await.refused(403, "org_not_approved");
    market.until_quiet().await;
    assert_eq!(market.mails(&ann, "is approved"), 1);
    market.close().await;
}
