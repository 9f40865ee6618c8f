//! What is shown of organisations that are suspended, and of those whose owners are.

use market::identity::{PlatformRole, store};
use market::listings::model::SaleMode;
use market::testing::{self, Trader};
use serde_json::json;
use shared::ids::OrgId;

use crate::testing::socket::Client;
use crate::testing::{Person, TestApi};

#[tokio::test]
async fn nothing_of_a_suspended_seller_is_shown_or_mailed() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
    let org = api.org(&ann, "Ann Farm", &moderator).await;
    api.join(&ann, org, &bob, "trader").await;
    api.org(&eve, "Eve Farm", &moderator).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let listing = testing::listing(&mut conn, Trader { org, user: ann.id }, SaleMode::Auction, 1).await;
    let path = format!("/v1/listings/{listing}");
    let ends_at = testing::database_time(&mut conn).await + chrono::TimeDelta::days(10);
    let terms = json!({"ends_at": ends_at, "opening": {"amount": "10.00", "currency": "EUR"}});
    let auction = api.post(Some(&ann), &format!("{path}/auctions"), terms).await.ok();
    let auction = auction["id"].as_str().unwrap();
    let auction_path = format!("/v1/auctions/{auction}");
    let by_id = [path.clone(), auction_path.clone(), format!("{auction_path}/bids")];
    let topic = format!("auction:{auction}");
    let shown = async || api.get(None, "/v1/listings").await.ok()["items"].as_array().unwrap().len();
    let act = async |verb: &str, body| {
        api.post(Some(&moderator), &format!("/v1/orgs/{org}/{verb}"), body).await.ok();
    };
    assert_eq!(shown().await, 1);
    assert_eq!(store::traders(&mut conn, &[org], 10).await.unwrap().len(), 2);
    for path in &by_id {
        api.get(None, path).await.ok();
    }
    act("suspend", json!({"reason": "unpaid"})).await;
    assert_eq!(shown().await, 0);
    for stranger in [None, Some(&eve)] {
        for path in &by_id {
            api.get(stranger, path).await.refused(404, "not_found");
        }
        assert_eq!(api.get(stranger, &format!("{path}/auctions")).await.ok()["items"], json!([]));
    }
    assert_eq!(Client::open(&api, &eve).await.subscribe(&topic).await["code"], "not_found");
    for insider in [&ann, &bob, &moderator] {
        for path in &by_id {
            api.get(Some(insider), path).await.ok();
        }
        assert_eq!(api.get(Some(insider), &auction_path).await.ok()["suspended"], true);
        assert_eq!(Client::open(&api, insider).await.subscribe(&topic).await["type"], "snapshot");
    }
    // Whoever writes mails of trade asks this; the owner alone is told of the suspension.
    assert_eq!(store::traders(&mut conn, &[org], 10).await.unwrap(), []);
    let told = "SELECT user_id FROM emails WHERE template = 'org_suspended'";
    assert_eq!(sqlx::query_scalar::<_, uuid::Uuid>(told).fetch_all(&mut *conn).await.unwrap(), [ann.id.0]);
    act("reinstate", json!({})).await;
    assert_eq!(shown().await, 1);
    for path in &by_id {
        api.get(None, path).await.ok();
    }
    sqlx::query("UPDATE users SET status = 'suspended' WHERE id = $1").bind(bob.id).execute(&mut *conn).await.unwrap();
    assert_eq!(store::traders(&mut conn, &[org], 10).await.unwrap(), [ann.id]);
    drop(conn);
    api.close().await;
}

#[tokio::test]
async fn who_is_suspended_takes_along_the_organisations_that_nobody_else_owns() {
    let api = TestApi::new().await;
    let (moderator, admin) = (api.staff(PlatformRole::Moderator).await, api.admin().await);
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let alone = api.org(&ann, "Ann Farm", &moderator).await;
    let shared = api.org(&ann, "Ann and Bob", &moderator).await;
    let pending = api.pending_org(&ann, "Ann Shop").await;
    for (org, role) in [(alone, "trader"), (shared, "owner")] {
        api.join(&ann, org, &bob, role).await;
    }
    let mut conn = api.db.pool.acquire().await.unwrap();
    for org in [alone, shared] {
        testing::listing(&mut conn, Trader { org, user: ann.id }, SaleMode::Fixed, 1).await;
    }
    let shown = async || api.get(None, "/v1/listings").await.ok()["items"].as_array().unwrap().len();
    let status = async |org: OrgId| {
        let org = api.get(Some(&moderator), &format!("/v1/orgs/{org}")).await.ok();
        (org["status"].as_str().unwrap().to_owned(), org["status_reason"].as_str().map(str::to_owned))
    };
    let act = async |person: &Person, verb: &str| {
        let path = format!("/v1/admin/users/{}/{verb}", person.id);
        assert_eq!(api.post(Some(&admin), &path, json!({"reason": "fraud"})).await.status, 204);
    };
    assert_eq!(shown().await, 2);
    act(&ann, "suspend").await;
    let suspended = ("suspended".to_owned(), Some("fraud".to_owned()));
    assert_eq!(status(alone).await, suspended);
    assert_eq!((status(shared).await.0, status(pending).await.0), ("approved".to_owned(), "pending".to_owned()));
    assert_eq!(shown().await, 1);
    let log = api.get(Some(&admin), &format!("/v1/admin/audit?subject_kind=org&subject_id={alone}")).await.ok();
    assert_eq!(log["items"][0]["action"], "org.suspend");
    // The last owner who is active takes along the other one; nothing comes back by itself.
    act(&bob, "suspend").await;
    assert_eq!(status(shared).await, suspended);
    act(&bob, "reinstate").await;
    assert_eq!((status(shared).await, shown().await), (suspended, 0));
    for org in [alone, shared] {
        api.post(Some(&moderator), &format!("/v1/orgs/{org}/reinstate"), json!({})).await.ok();
    }
    assert_eq!(shown().await, 2);
    drop(conn);
    api.close().await;
}
