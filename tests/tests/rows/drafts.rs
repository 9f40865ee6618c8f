use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::id;

/// A recycler drafts a lot of plastic step by step, is told all that is missing, and publishes it; a moderator sends it back with a
/// reason, then approves it, and buyers find it. Each decision reaches the seller by one mail.
#[tokio::test(flavor = "multi_thread")]
async fn row_ads_by_steps_categories_and_waste_data() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let categories = market.get("/v1/categories").await.ok();
    let plastic = categories["items"].as_array().unwrap().iter().find(|one| one["path"] == "waste/plastic").unwrap();
    for attribute in ["ewc_code", "origin", "contamination_percent", "packaging", "processing", "delivery"] {
        assert!(plastic["attribute_schema"]["properties"][attribute].is_object(), "{attribute}: {plastic}");
    }

    // Step by step: what it is called, how it is sold, then the data.
    let item = json!({"category_id": plastic["id"], "sku": "F-1", "title": "Film"});
    let item = format!("/v1/items/{}", id(&ann.post("/v1/items", item).await.ok()));
    let item_id = item.rsplit('/').next().unwrap();
    let draft = json!({"item_id": item_id, "title": "Agricultural film", "sale_mode": "fixed", "currency": "EUR"});
    let listing = format!("/v1/listings/{}", id(&ann.post("/v1/listings", draft).await.ok()));
    let pointers = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let publish = format!("{listing}/publish");
    let refused = ann.post(&publish, json!({})).await;
    refused.refused(422, "listing_incomplete");
    let needed = ["/price", "/attributes/material", "/attributes/ewc_code", "/attributes/origin"];
    assert_eq!(pointers(&refused.body["errors"]), needed);
    let _ = ann.patch(&listing, json!({"description": "Washed, baled.", "language": "en"})).await.ok();
    let _ = ann.patch(&listing, json!({"price": {"amount": "210.00", "currency": "EUR"}, "quantity": 24})).await.ok();
    let data = json!({"material": "LDPE", "ewc_code": "02 01 04", "origin": "agriculture", "contamination_percent": 2.5,
        "packaging": "baled", "processing": ["sorted", "washed"], "delivery": "collection"});
    let _ = ann.patch(&item, json!({"attributes": data})).await.ok();
    assert_eq!(ann.get(&format!("{listing}/missing")).await.ok()["missing"], json!([]));

    assert_eq!(ann.post(&publish, json!({})).await.ok()["status"], "in_review");
    market.get(&listing).await.refused(404, "not_found");
    let queue = admin.get("/v1/listings/review").await.ok();
    assert_eq!(format!("/v1/listings/{}", id(&queue["items"][0])), listing);
    let reason = json!({"reason": "Please name the polymer in the title."});
    let _ = admin.post(&format!("{listing}/refuse"), reason).await.ok();
    let mail = market.mail_to(&ann.email, "needs a change").await;
    assert!(mail.contains("name the polymer"), "{mail}");
    let _ = ann.patch(&listing, json!({"title": "Agricultural film, LDPE"})).await.ok();
    assert_eq!(ann.post(&publish, json!({})).await.ok()["status"], "in_review");
    let _ = admin.post(&format!("{listing}/approve"), json!({})).await.ok();
    market.mail_to(&ann.email, "is published").await;

    let found = market.get("/v1/listings?q=LDPE&category=waste").await.ok();
    assert_eq!(
        (&found["items"][0]["title"], &found["items"][0]["attributes"]),
        (&json!("Agricultural film, LDPE"), &data)
    );
    ann.patch(&listing, json!({"title": "Gold"})).await.refused(409, "listing_status");
    market.close().await;
}
