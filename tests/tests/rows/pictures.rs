#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::id;

use super::imports::send;

const PHOTOGRAPH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/photos/lots/whole.jpg");

/// What the addresses of a picture's files give, without going where another one leads: the status, and where to.
async fn fetched(market: &TestInstallation, path: &str) -> (u16, String) {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let answer = client.get(format!("{}{path}", market.base)).send().await.unwrap();
    let location = answer.headers().get("location").map(|it| it.to_str().unwrap().to_owned());
    (answer.status().as_u16(), location.unwrap_or_default())
}

fn addresses(picture: &Value) -> Vec<String> {
    picture["variants"].as_array().unwrap().iter().map(|it| it["url"].as_str().unwrap().to_owned()).collect()
}

/// The recipe has changed since two pictures were made: an administrator has them made anew, reads how far it is, and asks twice for
/// one batch. Somebody who looks all the time always gets a file, and who has an address of before is led to the new one.
#[tokio::test(flavor = "multi_thread")]
async fn row_pictures_are_made_anew_when_the_recipe_changes() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let listing = super::escrow::offered(&ann).await;
    for _ in 0..2 {
        let upload = send(&ann, "image/jpeg", "lot.jpg", &std::fs::read(PHOTOGRAPH).unwrap()).await;
        let complete = json!({ "listing": listing });
        let _ = ann.post(&format!("/v1/uploads/{upload}/complete"), complete).await.ok();
    }
    market.until_quiet().await;
    let pictures = market.get(&format!("/v1/images?listing={listing}")).await.ok();
    let path = format!("/v1/images/{}", id(&pictures["items"][1]));
    let now = addresses(&market.get(&path).await.ok());
    // As an older recipe left them.
    for sql in
        ["UPDATE images SET recipe = 1", "UPDATE image_variants SET object_key = replace(object_key, '.2.', '.1.')"]
    {
        sqlx::query(sql).execute(&market.db.pool).await.unwrap();
    }
    let before = addresses(&market.get(&path).await.ok());
    assert!(before.iter().all(|it| !now.contains(it)));

    ann.post("/v1/admin/images/reprocess", json!({})).await.refused(403, "role_too_low");
    let asked = admin.post("/v1/admin/images/reprocess", json!({})).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let job = asked.ok()["url"].as_str().unwrap().to_owned();
    let again = admin.post("/v1/admin/images/reprocess", json!({})).await.ok();
    let stands = admin.get(&job).await.ok();
    assert!(again["url"] == json!(job) || stands["state"] == "succeeded", "{again} {stands}");
    let done = admin.until(&job, "state", "succeeded").await;
    assert_eq!(done["result"], json!({"total": 2, "handed_over": 2, "left": 0}), "{done}");

    assert_eq!(addresses(&market.get(&path).await.ok()), now);
    for (old, new) in before.iter().zip(&now) {
        assert_eq!(fetched(&market, new).await.0, 200, "{new}");
        assert_eq!(fetched(&market, old).await, (307, new.clone()));
    }
    market.close().await;
}
